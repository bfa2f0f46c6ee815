"""Collecting photos: opening, adding, removing, starting over, and Start."""

import re
from typing import get_args

from bot.conversation import collection_card
from bot.conversation.actions import Action, Verb, act
from bot.conversation.collection_card import can_start, open_collection
from bot.conversation.effects import (
    AddPhotos,
    ClearCollection,
    CloseCollection,
    DiscardPhotos,
    Effect,
    OpenCollection,
    RemovePhoto,
    ShowCollection,
    StartTraining,
)
from bot.conversation.incoming import Command, PhotosReceived, UploadRefused
from bot.conversation.messages import MENU, Message
from bot.conversation.order_card import progress_buttons, standing
from bot.conversation.permission import is_outsider, no_room, refusal
from bot.conversation.reply import Reply
from bot.conversation.situation import Collection, Model
from bot.conversation.speaking import Turn, danger, grid, labelled
from bot.conversation.times import until
from bot.conversation.verdicts import assess, photo_line, sentence
from engine.contract.jobs import Quality

MOST_KEPT = 2
"""A collection keeps at most so many times `max_photos`, refused ones included."""
PHOTOS_A_PAGE = 20
_NUMBERED = re.compile(r" \d+$")


def train(turn: Turn, command: Command) -> Reply:
    """`/train [fast|standard|best] [photos]`."""
    wish = (command.options.get("quality") or command.argument).strip().casefold()
    if wish in get_args(Quality):
        turn = turn.asking(quality=wish)
    if command.photos is not None and command.photos.photos:
        return receive(turn, command.photos)
    running = turn.situation.training
    if running is not None and turn.situation.collection is None:
        buttons = (
            *progress_buttons(turn, running),
            (turn.button("button.collect_anyway", Verb.NEW_TRAINING),),
        )
        return turn.reply(
            turn.tell("train.running", {"standing": standing(turn, running)}, buttons=buttons)
        )
    return new_training(turn)


def new_training(turn: Turn) -> Reply:
    """Goes on collecting, or begins, whatever runs."""
    collection = turn.situation.collection
    if collection is not None:
        shown = ShowCollection(collection_id=collection.id)
        return turn.reply(*_privately(turn), effects=[shown])
    if (refused := _not_now(turn)) is not None:
        return turn.reply(refused)
    return turn.reply(*_privately(turn), effects=[OpenCollection()])


def _privately(turn: Turn) -> list[Message]:
    """The card comes in the private chat; where others read along, that must be said."""
    if not turn.situation.in_group:
        return []
    return [turn.tell("train.privately", fleeting=True, private=False)]


def receive(turn: Turn, received: PhotosReceived) -> Reply:
    """Photos came, with or without an open collection."""
    if is_outsider(turn):
        refused = turn.tell(f"access.{turn.situation.access}")
        return turn.reply(refused, effects=_discard(received.photos))
    collection = turn.situation.collection
    kept = received.photos[: _room(turn, collection)]
    left_over = received.photos[len(kept) :]
    effects: list[Effect] = []
    if kept:
        effects = [OpenCollection()] if collection is None else []
        effects.append(AddPhotos(photos=kept))
    notes = _notes(turn, received, num_kept=len(kept))
    if kept and turn.situation.here_is_private:
        notes += _privately(turn)
    if not effects and not notes:
        notes = [turn.tell("photos.none")]
    return turn.reply(*notes, effects=[*effects, *_discard(left_over)])


def refuse_upload(turn: Turn, upload: UploadRefused) -> Reply:
    """A file that never became a photo."""
    facts = {"n": upload.num_files, "limit": upload.limit_mib}
    if upload.reason == "too_large" and upload.limit_mib is None:
        return turn.reply(turn.tell("upload.too_large_somehow", facts))
    if upload.reason == "too_large" and upload.photos_are_smaller:
        return turn.reply(turn.tell("upload.too_large_as_file", facts))
    return turn.reply(turn.tell(f"upload.{upload.reason}", facts))


def pressed(turn: Turn, action: Action) -> Reply:
    """A button of the card."""
    collection = open_collection(turn, action.id)
    if collection is None:
        return _closed_already(turn, action)
    match action.verb:
        case Verb.START_TRAINING:
            return start(turn, collection)
        case Verb.PICK_PHOTO:
            return turn.reply(_picker(turn, collection, page=_number(action.argument)))
        case Verb.REMOVE_PHOTO:
            return _remove(turn, collection, _number(action.argument))
        case Verb.START_OVER:
            surely = danger(turn.button("button.clear", Verb.START_OVER_SURELY, collection.id))
            keep = turn.button("button.keep", Verb.KEEP)
            facts = {"n": len(collection.photos)}
            question = turn.tell("over.ask", facts, buttons=((surely, keep),), card=MENU)
            return turn.reply(question)
        case Verb.START_OVER_SURELY:
            turn = turn.asking(start_when_checked=False)
            done = turn.tell("over.done", card=MENU, fleeting=True)
            return turn.reply(done, effects=[ClearCollection(collection_id=collection.id)])
        case Verb.GIVE_UP_PHOTOS:
            turn = turn.asking(start_when_checked=False)
            closed = collection_card.closed(turn, collection)
            return turn.reply(closed, effects=[CloseCollection(collection_id=collection.id)])
        case _:
            return turn.reply(effects=[ShowCollection(collection_id=collection.id)])


def start(turn: Turn, collection: Collection) -> Reply:
    """Start was pressed (or said), or the last check is done after it was."""
    found = assess(collection, turn.situation.limits)
    if (refused := _not_now(turn)) is not None:
        return turn.asking(start_when_checked=False).reply(refused)
    if (running := turn.situation.training) is not None:
        told = turn.tell(
            "start.another_runs",
            {"standing": standing(turn, running)},
            buttons=progress_buttons(turn, running),
        )
        return turn.asking(start_when_checked=False).reply(told)
    if found.num("pending"):
        waiting = turn.asking(start_when_checked=True)
        told = waiting.tell("start.when_checked", {"n": found.num("pending")}, fleeting=True)
        return waiting.reply(told, collection_card.card(waiting, collection))
    turn = turn.asking(start_when_checked=False)
    if not can_start(turn, found):
        n = turn.situation.limits.min_photos - found.num("accepted")
        return turn.reply(turn.tell("start.too_few", {"n": n}))
    return _begin(turn, collection)


def changed(turn: Turn, collection: Collection) -> Reply:
    """The collection is another than before: show it, and start if that was asked for."""
    found = assess(collection, turn.situation.limits)
    if not turn.session.start_when_checked or found.num("pending"):
        return turn.reply(collection_card.card(turn, collection))
    reply = start(turn, collection)
    if any(isinstance(effect, StartTraining) for effect in reply.effects):
        return reply
    after = turn.asking(start_when_checked=False)
    return after.reply(collection_card.card(after, collection), *reply.messages)


def verdict_reply(turn: Turn, collection: Collection, number: int) -> list[Message]:
    """An answer to one refused photo; a good one needs none."""
    found = assess(collection, turn.situation.limits)
    return [
        turn.compose(
            "photo.refused",
            [sentence(turn, verdict)],
            reply_to=number,
            photos=(photo_line(turn, verdict),),
        )
        for verdict in found.refused
        if verdict.photo.number == number
    ]


def _begin(turn: Turn, collection: Collection) -> Reply:
    refreshed = next((m for m in turn.situation.models if m.id == collection.refreshes), None)
    ready = refreshed is not None and refreshed.status == "ready"
    training = StartTraining(
        collection_id=collection.id,
        name=_new_name(turn, refreshed),
        quality=turn.session.quality or turn.situation.quality,
        refresh_from=collection.refreshes if ready else None,
    )
    shown = collection_card.started(turn, collection)
    return turn.asking(quality=None).reply(shown, effects=[training])


def _new_name(turn: Turn, refreshed: Model | None) -> str:
    """Me, then Me 2, and so on; what failed is tried again under its own name."""
    if refreshed is not None and refreshed.status != "ready":
        return refreshed.name
    taken = {model.name.casefold() for model in turn.situation.models}
    first = _NUMBERED.sub("", refreshed.name) if refreshed else turn.say("model.first_name")
    names = [first, *(f"{first} {n}" for n in range(2, len(taken) + 3))]
    return next(name for name in names if name.casefold() not in taken)


def _closed_already(turn: Turn, action: Action) -> Reply:
    """A card's button after its collection was closed, for example Start pressed twice."""
    running = turn.situation.training
    if action.verb is Verb.START_TRAINING and running is not None:
        told = turn.tell(
            "start.already",
            {"standing": standing(turn, running)},
            buttons=progress_buttons(turn, running),
            fleeting=True,
        )
        return turn.reply(told)
    new = turn.button("button.train", Verb.NEW_TRAINING)
    return turn.reply(turn.tell("collection.gone", buttons=((new,),)))


def _not_now(turn: Turn) -> Message | None:
    """Why no training may be begun: access, a pause, no room for a model, the quota."""
    if (refused := refusal(turn) or no_room(turn)) is not None:
        return refused
    quota = turn.situation.quota
    if quota.trainings_left is not None and quota.trainings_left <= 0:
        when = until(turn, quota.resets_at)
        key = "quota.trainings_until" if when else "quota.trainings"
        return turn.tell(key, {"when": when}, buttons=((turn.command_button("headshot"),),))
    return None


def _room(turn: Turn, collection: Collection | None) -> int:
    most = turn.situation.limits.max_photos
    if collection is None:
        return most
    found = assess(collection, turn.situation.limits)
    not_refused = len(collection.photos) - found.num("refused")
    return max(0, min(most - not_refused, MOST_KEPT * most - len(collection.photos)))


def _notes(turn: Turn, received: PhotosReceived, num_kept: int) -> list[Message]:
    notes: list[Message] = []
    collection = turn.situation.collection
    if collection is None and num_kept:
        notes.append(turn.tell("photos.opened", {"n": num_kept}))
    if num_kept < len(received.photos):
        facts = {"n": len(received.photos) - num_kept, "most": turn.situation.limits.max_photos}
        notes.append(turn.tell("photos.too_many", facts))
    if received.num_repeated:
        notes.append(turn.tell("photos.repeated", {"n": received.num_repeated}, fleeting=True))
    if received.compressed and (collection is None or not collection.photos):
        notes.append(turn.tell("photos.compressed"))
    return notes


def _discard(photos: tuple[str, ...]) -> list[Effect]:
    return [DiscardPhotos(photos=photos)] if photos else []


def _remove(turn: Turn, collection: Collection, number: int) -> Reply:
    if all(photo.number != number for photo in collection.photos):
        gone = turn.tell("photo.gone", {"number": number}, fleeting=True)
        return turn.reply(gone, effects=[ShowCollection(collection_id=collection.id)])
    left = collection.model_copy(
        update={"photos": tuple(p for p in collection.photos if p.number != number)}
    )
    return turn.reply(
        _picker(turn, left, page=0, removed=number),
        effects=[RemovePhoto(collection_id=collection.id, number=number)],
    )


def _picker(turn: Turn, collection: Collection, page: int, removed: int | None = None) -> Message:
    """Buttons with the photos' numbers, refused ones first: those are mostly meant."""
    found = assess(collection, turn.situation.limits)
    verdicts = sorted(found.verdicts, key=lambda v: (v.kind != "refused", v.photo.number))
    first = page * PHOTOS_A_PAGE if 0 <= page * PHOTOS_A_PAGE < len(verdicts) else 0
    marks = {"accepted": "✓", "refused": "✗", "pending": "…"}
    buttons = [
        labelled(
            f"{marks[v.kind]} {v.photo.number}",
            act(Verb.REMOVE_PHOTO, collection.id, str(v.photo.number)),
        )
        for v in verdicts[first : first + PHOTOS_A_PAGE]
    ]
    turning = [turn.button("button.back", Verb.SHOW_COLLECTION, collection.id)]
    if len(verdicts) > PHOTOS_A_PAGE:
        following = (first // PHOTOS_A_PAGE + 1) % -(-len(verdicts) // PHOTOS_A_PAGE)
        turning.append(turn.button("button.more", Verb.PICK_PHOTO, collection.id, str(following)))
    key = "remove.pick" if removed is None else "remove.done"
    key = key if verdicts else "remove.none_left"
    return turn.tell(key, {"number": removed}, buttons=(*grid(buttons), tuple(turning)), card=MENU)


def _number(argument: str) -> int:
    return int(argument) if argument.isdecimal() and len(argument) < 6 else 0
