"""Trained models and the headshots made with them. Knows nothing of training or drawing."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database.orders import FINISHED
from bot.database.tables import HeadshotRow, Model, Order, Photo
from engine.contract.events import Headshot

TRAINING, READY, FAILED = "training", "ready", "failed"


async def of_person(tx: AsyncSession, person_id: str) -> Sequence[Model]:
    found = await tx.scalars(
        select(Model).where(Model.person_id == person_id).order_by(Model.created_at, Model.id)
    )
    return found.all()


async def own(tx: AsyncSession, person_id: str, model_id: str) -> Model | None:
    """The model, if it is this person's."""
    model = await tx.get(Model, model_id)
    return model if model is not None and model.person_id == person_id else None


async def choose(tx: AsyncSession, model: Model) -> None:
    await tx.execute(update(Model).where(Model.person_id == model.person_id).values(chosen=False))
    model.chosen = True


async def store_headshots(
    tx: AsyncSession, order: Order, headshots: Sequence[Headshot], now: datetime
) -> None:
    for number, headshot in enumerate(headshots, start=1):
        tx.add(
            HeadshotRow(
                person_id=order.person_id,
                order_id=order.id,
                number=number,
                key=headshot.key,
                seed=str(headshot.seed),
                likeness=headshot.likeness,
                created_at=now,
            )
        )
    await tx.flush()


async def latest_sets(tx: AsyncSession, person_id: str, limit: int) -> Sequence[Order]:
    """The latest finished generations, oldest first."""
    found = await tx.scalars(
        select(Order)
        .where(
            Order.person_id == person_id,
            Order.kind == "generate_headshots",
            Order.status == FINISHED,
        )
        .order_by(Order.finished_at.desc(), Order.id)
        .limit(limit)
    )
    return found.all()[::-1]


async def set_starting_with(tx: AsyncSession, person_id: str, prefix: str) -> Order | None:
    """The person's finished generation whose id begins so, as a button names it."""
    return await tx.scalar(
        select(Order)
        .where(
            Order.person_id == person_id,
            Order.kind == "generate_headshots",
            Order.status == FINISHED,
            Order.id.startswith(prefix, autoescape=True),
        )
        .limit(1)
    )


async def headshots_of(tx: AsyncSession, order_ids: Sequence[str]) -> Sequence[HeadshotRow]:
    found = await tx.scalars(
        select(HeadshotRow)
        .where(HeadshotRow.order_id.in_(order_ids))
        .order_by(HeadshotRow.order_id, HeadshotRow.number)
    )
    return found.all()


async def drop_headshots(tx: AsyncSession, order_id: str) -> None:
    await tx.execute(delete(HeadshotRow).where(HeadshotRow.order_id == order_id))


async def count_kept(tx: AsyncSession, person_id: str) -> tuple[int, int]:
    """How many photos and headshots of the person are kept."""
    num_photos = select(func.count(Photo.sha256.distinct())).where(Photo.person_id == person_id)
    num_headshots = select(func.count(HeadshotRow.id)).where(HeadshotRow.person_id == person_id)
    found = await tx.execute(select(num_photos.scalar_subquery(), num_headshots.scalar_subquery()))
    photos, headshots = found.one()
    return photos, headshots
