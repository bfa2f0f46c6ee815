"""What platforms handed over: saved first, worked on later, counted once.

Knows nothing of what is in it.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database.tables import Arrival, Json

REMEMBERED_FOR = timedelta(days=2)
"""Platforms hand something over anew for a day at most."""


async def keep(
    tx: AsyncSession, source: str, payloads: Sequence[Json], now: datetime
) -> list[Arrival]:
    """Saves those that did not come before; returns them."""
    by_digest = {_digest(payload): payload for payload in payloads}
    in_line = {digest: number for number, digest in enumerate(by_digest)}
    theirs = (Arrival.source == source, Arrival.digest.in_(by_digest))
    there = set(await tx.scalars(select(Arrival.digest).where(*theirs)))
    new = [
        {"source": source, "digest": digest, "payload": payload, "came_at": now}
        for digest, payload in by_digest.items()
        if digest not in there
    ]
    await tx.execute(
        delete(Arrival).where(Arrival.came_at < now - REMEMBERED_FOR, Arrival.payload.is_(None))
    )
    if not new:
        return []
    # All in one statement, which SQLite does not answer with ids: those are looked up.
    await tx.execute(insert(Arrival), new)
    found = await tx.scalars(select(Arrival).where(*theirs))
    return sorted(
        (row for row in found if row.digest not in there), key=lambda row: in_line[row.digest]
    )


async def unsettled(tx: AsyncSession, source: str) -> Sequence[Arrival]:
    """Oldest first."""
    found = await tx.scalars(
        select(Arrival)
        .where(Arrival.source == source, Arrival.payload.is_not(None))
        .order_by(Arrival.id)
    )
    return found.all()


async def settle(tx: AsyncSession, ids: Sequence[int]) -> None:
    """Empties what was dealt with."""
    if ids:
        await tx.execute(update(Arrival).where(Arrival.id.in_(ids)).values(payload=None))


def _digest(payload: Json) -> str:
    canonical = json.dumps(payload, sort_keys=True).encode()
    return blake2b(canonical, digest_size=16).hexdigest()
