"""What a person may still ask for today. A day ends at midnight UTC; admins have no limit."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.situation import Quota
from bot.database import orders
from bot.database.tables import Person
from bot.service.rules import Rules


async def quota_of(tx: AsyncSession, person: Person, rules: Rules, now: datetime) -> Quota:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    spent = await orders.counts_since(tx, person.id, midnight)
    return Quota(
        trainings_left=_left(
            person.trainings_per_day, rules.trainings_per_day, spent.get("train_lora", 0)
        ),
        headshots_left=_left(
            person.headshots_per_day, rules.headshots_per_day, spent.get("generate_headshots", 0)
        ),
        models_at_most=rules.models_per_person,
        resets_at=midnight + timedelta(days=1),
    )


def _left(own: int | None, house: int, spent: int) -> int:
    """A person's own limit goes before the house's."""
    return max(0, (house if own is None else own) - spent)
