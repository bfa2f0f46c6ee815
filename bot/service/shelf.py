"""Effects on what was made: models chosen, renamed, deleted, headshots handed over, deleted."""

from bot.conversation.effects import (
    ChooseModel,
    DeleteHeadshots,
    DeleteModel,
    HandOver,
    RenameModel,
)
from bot.database import errands, models, orders, photos
from bot.database.tables import Collection, Order
from bot.service import export
from bot.service.collecting import discard
from bot.service.follow import Follow
from bot.service.ordering import cancel_order
from bot.service.visits import Visit
from engine.contract import keys


async def choose(visit: Visit, effect: ChooseModel) -> list[Follow]:
    model = await models.own(visit.tx, visit.person.id, effect.model_id)
    if model is not None and model.status == models.READY:
        await models.choose(visit.tx, model)
    return []


async def rename(visit: Visit, effect: RenameModel) -> list[Follow]:
    model = await models.own(visit.tx, visit.person.id, effect.model_id)
    if model is not None:
        model.name = effect.name
    return []


async def delete_model(visit: Visit, effect: DeleteModel) -> list[Follow]:
    """With its photos, its LoRA and what its training left; a running training is stopped."""
    tx, owner = visit.tx, visit.person.id
    model = await models.own(tx, owner, effect.model_id)
    if model is None:
        return []
    order = await tx.get(Order, model.id)
    collection = None
    if model.collection_id is not None:
        collection = await tx.get(Collection, model.collection_id)
    await tx.delete(model)
    await tx.flush()
    follow: list[Follow] = []
    if order is not None and order.status in orders.OPEN:
        follow = await cancel_order(visit, order)
    elif order is not None:
        orders.empty(order, visit.now)
    if collection is not None and collection.closed_at is not None:
        discard(visit, await photos.drop_collection(tx, collection))
    delete_training(visit, effect.model_id)
    return follow


async def delete_headshots(visit: Visit, effect: DeleteHeadshots) -> list[Follow]:
    tx, owner = visit.tx, visit.person.id
    order = await tx.get(Order, effect.set_id)
    if order is not None and order.person_id == owner and order.status == orders.FINISHED:
        await models.drop_headshots(tx, order.id)
        orders.empty(order, visit.now)
        _delete(visit, keys.headshots(owner, order.id), export.of_set(owner, order.id))
    return []


async def hand_over(visit: Visit, effect: HandOver) -> None:
    """Left for the errand runner, once however often it is asked for meanwhile."""
    tx, owner = visit.tx, visit.person.id
    order = await tx.get(Order, effect.set_id)
    if order is None or order.person_id != owner or order.status != orders.FINISHED:
        return
    payload = {"set_id": order.id, "what": effect.what, "account_id": visit.account.id}
    if not await errands.is_left(tx, errands.HAND_OVER, owner, payload):
        errands.leave(tx, errands.HAND_OVER, owner, payload, visit.now)


def delete_training(visit: Visit, job_id: str) -> None:
    """Everything in the blob store that a training leaves."""
    owner = visit.person.id
    _delete(
        visit,
        keys.lora(owner, job_id),
        keys.checkpoints(owner, job_id),
        keys.dataset(owner, job_id),
    )


def delete_drawing(visit: Visit, job_id: str) -> None:
    _delete(visit, keys.headshots(visit.person.id, job_id))


def _delete(visit: Visit, *prefixes: str) -> None:
    payload = {"prefixes": list(prefixes)}
    errands.leave(visit.tx, errands.DELETE, visit.person.id, payload, visit.now)
