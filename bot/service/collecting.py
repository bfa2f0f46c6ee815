"""Effects on the open collection: photos come, go, and are checked."""

from collections.abc import Sequence

from bot.conversation.effects import (
    AddPhotos,
    ClearCollection,
    CloseCollection,
    OpenCollection,
    RemovePhoto,
)
from bot.conversation.effects import ShowCollection as ShowCollectionEffect
from bot.database import errands, models, orders, outbox, photos
from bot.database.tables import Collection, Photo
from bot.service.follow import Follow, ShowCollection, ShowVerdict
from bot.service.rules import Rules
from bot.service.visits import Visit
from engine.contract import keys
from engine.contract.jobs import CheckPhoto, derive_id


async def open_(visit: Visit, effect: OpenCollection, rules: Rules) -> list[Follow]:
    tx, owner = visit.tx, visit.person.id
    collection = await photos.open_collection(tx, owner)
    if collection is not None and collection.refreshes != effect.refreshes and effect.refreshes:
        discard(visit, await photos.drop_collection(tx, collection))
        collection = None
    if collection is None:
        collection = await photos.begin_collection(tx, owner, visit.now, effect.refreshes)
        model = await models.own(tx, owner, effect.refreshes) if effect.refreshes else None
        if model is not None and model.collection_id is not None:
            trained_on = await photos.of_collection(tx, model.collection_id)
            await add_to(visit, collection, [photo.sha256 for photo in trained_on], rules)
    return [ShowCollection(collection.id)]


async def add(visit: Visit, effect: AddPhotos, rules: Rules) -> list[Follow]:
    collection = await photos.open_collection(visit.tx, visit.person.id)
    if collection is None:
        discard(visit, effect.photos)
        return []
    return await add_to(visit, collection, effect.photos, rules)


async def remove(visit: Visit, effect: RemovePhoto) -> list[Follow]:
    collection = await _open(visit, effect.collection_id)
    if collection is None:
        return []
    found = await photos.of_collection(visit.tx, collection.id)
    discard(visit, await photos.drop(visit.tx, [p for p in found if p.number == effect.number]))
    return [ShowCollection(collection.id)]


async def clear(visit: Visit, effect: ClearCollection) -> list[Follow]:
    collection = await _open(visit, effect.collection_id)
    if collection is None:
        return []
    found = await photos.of_collection(visit.tx, collection.id)
    discard(visit, await photos.drop(visit.tx, found))
    return [ShowCollection(collection.id)]


async def close(visit: Visit, effect: CloseCollection) -> list[Follow]:
    collection = await _open(visit, effect.collection_id)
    if collection is not None:
        discard(visit, await photos.drop_collection(visit.tx, collection))
    return []


async def show(visit: Visit, effect: ShowCollectionEffect) -> list[Follow]:
    """At the foot of the chat: its old message stays behind as it is."""
    if await _open(visit, effect.collection_id) is None:
        return []
    await outbox.forget_cards(visit.tx, visit.person.id, f"collection:{effect.collection_id}")
    return [ShowCollection(effect.collection_id)]


def discard(visit: Visit, hashes: Sequence[str]) -> None:
    """Bytes that nothing may need any more are looked at, and deleted, after the commit."""
    if hashes:
        payload = {"hashes": list(hashes)}
        errands.leave(visit.tx, errands.DISCARD, visit.person.id, payload, visit.now)


async def _open(visit: Visit, collection_id: str) -> Collection | None:
    collection = await photos.open_collection(visit.tx, visit.person.id)
    return collection if collection is not None and collection.id == collection_id else None


async def add_to(
    visit: Visit, collection: Collection, hashes: Sequence[str], rules: Rules
) -> list[Follow]:
    """Puts photos into a collection and has those checked that were never judged."""
    there = {photo.sha256 for photo in await photos.of_collection(visit.tx, collection.id)}
    follow: list[Follow] = [ShowCollection(collection.id)]
    for sha256 in dict.fromkeys(hashes):
        if sha256 in there:
            continue
        photo = await photos.add(visit.tx, collection, sha256, visit.now, visit.origins.get(sha256))
        if photo.report is None:
            await _check(visit, photo, rules)
        else:
            follow.append(ShowVerdict(collection.id, photo.number))
    return follow


async def _check(visit: Visit, photo: Photo, rules: Rules) -> None:
    job = CheckPhoto(
        job_id=derive_id("check_photo", photo.person_id, photo.id),
        owner=photo.person_id,
        photo_key=keys.photo(photo.person_id, photo.sha256),
        report_key=keys.report(photo.person_id, photo.sha256),
        limits=rules.limits,
    )
    order = orders.new(job, visit.account.id, visit.now)
    order.photo_id = photo.id
    visit.tx.add(order)
    await visit.tx.flush()
