"""Orders: what people asked of the engine and how far it came.

Knows rows and their states; knows neither the queue nor what a job does.

    waiting ──► running ──► finished ──► deleted
       └───────────┴──────► failed | cancelled
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database.tables import Order
from engine.contract.jobs import JOB, Job

WAITING, RUNNING = "waiting", "running"
FINISHED, FAILED, CANCELLED, DELETED = "finished", "failed", "cancelled", "deleted"
OPEN = (WAITING, RUNNING)
FREE_OF_CHARGE = (FAILED, CANCELLED)


def job_of(order: Order) -> Job:
    return JOB.validate_python(order.job)


def new(job: Job, account_id: int, now: datetime) -> Order:
    return Order(
        id=job.job_id,
        person_id=job.owner,
        account_id=account_id,
        kind=job.kind,
        job=job.model_dump(mode="json"),
        attempt=job.attempt,
        status=WAITING,
        created_at=now,
    )


def begin_attempt(order: Order, job: Job, account_id: int, now: datetime) -> None:
    """Sends an ended order round again; nothing of the last attempt meets the new one."""
    order.attempt += 1
    order.job = job.model_copy(update={"attempt": order.attempt}).model_dump(mode="json")
    order.account_id = account_id
    order.status = WAITING
    order.last_sequence = -1
    order.progress = order.seconds = None
    order.enqueued_at = order.cancel_asked_at = order.cancel_sent_at = None
    order.started_at = order.finished_at = None
    order.created_at = now


def end(order: Order, status: str, now: datetime) -> None:
    order.status = status
    order.finished_at = now


def empty(order: Order, now: datetime) -> None:
    """Forgets what an order was about; that there was one still counts for the day."""
    order.job = {}
    order.progress = None
    if order.status not in FREE_OF_CHARGE:
        end(order, DELETED, order.finished_at or now)


async def unfinished(
    tx: AsyncSession, person_id: str | None = None, kinds: Sequence[str] | None = None
) -> Sequence[Order]:
    """Oldest first; of one person or of all."""
    query = select(Order).where(Order.status.in_(OPEN)).order_by(Order.created_at, Order.id)
    if person_id is not None:
        query = query.where(Order.person_id == person_id)
    if kinds is not None:
        query = query.where(Order.kind.in_(kinds))
    return (await tx.scalars(query)).all()


async def to_enqueue(tx: AsyncSession) -> Sequence[Order]:
    found = await tx.scalars(
        select(Order)
        .where(Order.status.in_(OPEN), Order.enqueued_at.is_(None))
        .order_by(Order.created_at, Order.photo_id, Order.id)
    )
    return found.all()


async def to_cancel(tx: AsyncSession) -> Sequence[Order]:
    """Cancelled by their people, and already in the queue that was not told so."""
    found = await tx.scalars(
        select(Order).where(
            Order.status.in_(OPEN),
            Order.enqueued_at.is_not(None),
            Order.cancel_asked_at.is_not(None),
            Order.cancel_sent_at.is_(None),
        )
    )
    return found.all()


async def counts_since(tx: AsyncSession, person_id: str, since: datetime) -> dict[str, int]:
    """By kind, what counts against the day's quota: what failed costs nothing."""
    found = await tx.execute(
        select(Order.kind, func.sum(Order.count).label("spent"))
        .where(
            Order.person_id == person_id,
            Order.created_at >= since,
            Order.status.not_in(FREE_OF_CHARGE),
        )
        .group_by(Order.kind)
    )
    return {row.kind: row.spent for row in found}
