"""Who waits for the engine, and how long such orders took before. Knows rows; forecasts nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database import orders
from bot.database.tables import Order

RECENT = 20
"""Orders that say how long one takes today: engines, models and settings change."""


@dataclass(frozen=True)
class InLine:
    """An order that waits or runs."""

    id: str
    owner: str
    count: int = 1
    quality: str = ""
    started_at: datetime | None = None
    """None while it waits."""
    eta_s: float | None = None
    """What the engine says is left to compute."""


@dataclass(frozen=True)
class Past:
    """An order that was finished."""

    count: int
    took_s: float
    """From its start to its end, with all that came between."""
    computed_s: float
    """What the engine counted as its own."""
    quality: str = ""


async def of_kind(tx: AsyncSession, kind: str) -> list[InLine]:
    """All open orders of a kind, oldest first."""
    found = await tx.execute(
        select(
            Order.id,
            Order.person_id,
            Order.count.label("num"),
            Order.job["quality"].as_string().label("quality"),
            Order.status,
            Order.started_at,
            Order.progress["eta_s"].as_float().label("eta_s"),
        )
        .where(Order.kind == kind, Order.status.in_(orders.OPEN))
        .order_by(Order.created_at, Order.id)
    )
    return [
        InLine(
            id=row.id,
            owner=row.person_id,
            count=max(1, row.num),
            quality=row.quality or "",
            started_at=row.started_at if row.status == orders.RUNNING else None,
            eta_s=row.eta_s,
        )
        for row in found
    ]


async def recently(tx: AsyncSession, kind: str) -> Sequence[Past]:
    """The last few that were finished."""
    found = await tx.execute(
        select(
            Order.count.label("num"),
            Order.started_at,
            Order.finished_at,
            Order.seconds,
            Order.job["quality"].as_string().label("quality"),
        )
        .where(
            Order.kind == kind,
            Order.status.in_((orders.FINISHED, orders.DELETED)),
            Order.started_at.is_not(None),
            Order.finished_at.is_not(None),
            Order.seconds > 0,
        )
        .order_by(Order.finished_at.desc())
        .limit(RECENT)
    )
    return [
        Past(
            count=max(1, row.num),
            took_s=(row.finished_at - row.started_at).total_seconds(),
            computed_s=row.seconds,
            quality=row.quality or "",
        )
        for row in found
    ]
