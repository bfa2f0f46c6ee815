"""Work outside the database that a transaction leaves behind: deleting blobs, packing, erasing.

Knows when an errand is due and whose it is; what it does is the service's business.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database.tables import Errand, Json

DISCARD, DELETE, EXPORT, ERASE = "discard", "delete", "export", "erase"
HAND_OVER = "hand_over"


def leave(
    tx: AsyncSession,
    kind: str,
    person_id: str | None,
    payload: Json,
    now: datetime,
    after: timedelta = timedelta(),
) -> None:
    tx.add(
        Errand(
            kind=kind,
            person_id=person_id,
            payload=payload,
            created_at=now,
            next_try_at=now + after,
        )
    )


async def is_left(tx: AsyncSession, kind: str, person_id: str, payload: Json) -> bool:
    """Whether the very same waits already."""
    found = await tx.scalars(
        select(Errand).where(Errand.kind == kind, Errand.person_id == person_id)
    )
    return any(errand.payload == payload for errand in found)


async def due(tx: AsyncSession, now: datetime) -> Sequence[Errand]:
    found = await tx.scalars(
        select(Errand).where(Errand.next_try_at <= now).order_by(Errand.id).limit(100)
    )
    return found.all()


async def next_at(tx: AsyncSession) -> datetime | None:
    return await tx.scalar(select(func.min(Errand.next_try_at)))


async def erasure_of(tx: AsyncSession, owner: str) -> Errand | None:
    found = await tx.scalars(select(Errand).where(Errand.kind == ERASE))
    return next((errand for errand in found if errand.payload["owner"] == owner), None)
