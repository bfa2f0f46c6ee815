"""An engine event, written into its order's row: the one place where orders change state by it."""

from bot.conversation.incoming import (
    Happening,
    HeadshotsReady,
    JobCancelled,
    JobFailed,
    OrderProgress,
    OrderQueued,
    PhotoJudged,
    PreviewReady,
    TrainingFinished,
)
from bot.database import models, orders, photos
from bot.database.tables import Json, Order, Photo
from bot.service import shelf
from bot.service.situations import CHOICE, Situations
from bot.service.visits import Visit
from engine.contract.events import (
    Cancelled,
    Event,
    Failed,
    Finished,
    HeadshotsMade,
    LoraTrained,
    PhotoChecked,
    Preview,
    Progress,
    Queued,
    Started,
)
from engine.contract.failures import FailureCode


async def apply(
    visit: Visit, order: Order, event: Event, situations: Situations
) -> list[Happening]:
    """Changes the row; returns what to announce."""
    if order.kind == "check_photo":
        return await _checked(visit, order, event)
    match event:
        case Finished(result=LoraTrained() as trained):
            return await _trained(visit, order, trained, situations)
        case Finished(result=HeadshotsMade() as made):
            return await _made(visit, order, made, situations)
        case Failed():
            return await _failed(visit, order, event, situations)
        case Cancelled():
            return await _cancelled(visit, order, situations)
        case Queued():
            order.status = orders.WAITING
            return [OrderQueued(order=await situations.order(visit.tx, order, visit.now))]
        case Started():
            order.status = orders.RUNNING
            order.started_at = order.started_at or visit.now
            _note(order, {"resumed": event.resumed_from_step > 0})
        case Progress():
            order.status = orders.RUNNING
            told = event.model_dump(
                mode="json", include={"phase", "step", "total", "eta_s", "likeness"}
            )
            _note(
                order,
                {**told, "likeness": event.likeness or (order.progress or {}).get("likeness")},
            )
        case Preview():
            _note(order, {"preview_key": event.key})
            return [PreviewReady(order=await situations.order(visit.tx, order, visit.now))]
        case _:
            return []
    return [OrderProgress(order=await situations.order(visit.tx, order, visit.now))]


def _note(order: Order, facts: Json) -> None:
    order.progress = {**(order.progress or {}), **facts}


async def _checked(visit: Visit, order: Order, event: Event) -> list[Happening]:
    """A check has no history: once the photo knows its report, its order is gone."""
    match event:
        case Finished(result=PhotoChecked(report=report)):
            found, failure = report.model_dump(mode="json"), None
        case Failed():
            found, failure = None, event.failure.code
        case Cancelled():
            found, failure = None, FailureCode.INTERNAL
        case _:
            return []
    photo = await visit.tx.get_one(Photo, order.photo_id)
    settled = await photos.settle(visit.tx, order.person_id, photo.sha256, found, failure)
    await visit.tx.delete(order)
    await visit.tx.flush()
    return [PhotoJudged(collection_id=p.collection_id, number=p.number) for p in settled]


async def _trained(
    visit: Visit, order: Order, trained: LoraTrained, situations: Situations
) -> list[Happening]:
    orders.end(order, orders.FINISHED, visit.now)
    order.seconds = trained.seconds
    model = await models.own(visit.tx, order.person_id, order.model_id)
    if model is None:
        shelf.delete_training(visit, order.id)
        orders.empty(order, visit.now)
        return []
    model.status = models.READY
    model.lora_prefix = trained.lora_prefix
    model.base = trained.base
    model.likeness = trained.likeness
    await models.choose(visit.tx, model)
    await visit.tx.flush()
    shown = await situations.model(visit.tx, order.person_id, model.id)
    assert shown is not None
    return [
        TrainingFinished(
            order=await situations.order(visit.tx, order, visit.now),
            model=shown,
            seconds=trained.seconds,
        )
    ]


async def _made(
    visit: Visit, order: Order, made: HeadshotsMade, situations: Situations
) -> list[Happening]:
    orders.end(order, orders.FINISHED, visit.now)
    order.seconds = made.seconds
    _note(order, made.model_dump(mode="json", include={*CHOICE}))
    await models.drop_headshots(visit.tx, order.id)
    await models.store_headshots(visit.tx, order, made.headshots, visit.now)
    return [
        HeadshotsReady(
            order=await situations.order(visit.tx, order, visit.now),
            headshots=await situations.headshot_set(visit.tx, order),
        )
    ]


async def _failed(
    visit: Visit, order: Order, event: Failed, situations: Situations
) -> list[Happening]:
    orders.end(order, orders.FAILED, visit.now)
    shown = await situations.order(visit.tx, order, visit.now)
    return [] if await _undo(visit, order) else [JobFailed(order=shown, failure=event.failure)]


async def _cancelled(visit: Visit, order: Order, situations: Situations) -> list[Happening]:
    orders.end(order, orders.CANCELLED, visit.now)
    shown = await situations.order(visit.tx, order, visit.now)
    return [] if await _undo(visit, order) else [JobCancelled(order=shown)]


async def _undo(visit: Visit, order: Order) -> bool:
    """Whether the person has deleted what the order was for, so that nobody wants to know."""
    if order.kind != "train_lora":
        return False
    model = await models.own(visit.tx, order.person_id, order.model_id)
    if model is not None:
        model.status = models.FAILED
        return False
    shelf.delete_training(visit, order.id)
    orders.empty(order, visit.now)
    return True
