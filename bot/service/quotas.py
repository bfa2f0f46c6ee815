"""What a person may still ask for today. A day ends at midnight UTC; admins have no limit."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.situation import Quota
from bot.database import orders
from bot.database.tables import Person
from bot.service.rules import Rules


async def quota_of(tx: AsyncSession, person: Person, rules: Rules, now: datetime) -> Quota:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    trainings = await orders.count_since(tx, person.id, "train_lora", midnight)
    headshots = await orders.count_since(tx, person.id, "generate_headshots", midnight)
    return Quota(
        trainings_left=max(0, _own(person.trainings_per_day, rules.trainings_per_day) - trainings),
        headshots_left=max(0, _own(person.headshots_per_day, rules.headshots_per_day) - headshots),
        resets_at=midnight + timedelta(days=1),
    )


def _own(limit: int | None, house: int) -> int:
    return house if limit is None else limit
