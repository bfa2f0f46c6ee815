"""The one status card of a collection: what counts, what does not and why, what would help."""

from bot.conversation.actions import Verb, find
from bot.conversation.messages import Message
from bot.conversation.situation import Collection
from bot.conversation.speaking import Rows, Turn, primary
from bot.conversation.verdicts import Assessment, assess, photo_line, sentence
from engine.contract.photos import Missing

MAX_REFUSED_SHOWN = 8
MAX_ADVICE_SHOWN = 3


def card_of(collection: Collection) -> str:
    return f"collection:{collection.id}"


def card(turn: Turn, collection: Collection) -> Message:
    """The card as it stands."""
    limits = turn.situation.limits
    found = assess(collection, limits)
    key = "collection.empty" if not collection.photos else "collection.card"
    return turn.compose(
        key,
        _paragraphs(turn, collection, found),
        title=_title(turn, collection, found),
        card=card_of(collection),
        photos=tuple(photo_line(turn, verdict) for verdict in found.verdicts),
        progress=min(1.0, found.num("accepted") / limits.min_photos),
        buttons=_buttons(turn, collection, found),
    )


def started(turn: Turn, collection: Collection) -> Message:
    """The card's last form once training was asked for."""
    n = assess(collection, turn.situation.limits).num("accepted")
    return turn.tell("collection.started", {"n": n}, card=card_of(collection), final=True)


def closed(turn: Turn, collection: Collection) -> Message:
    return turn.tell("collection.closed", card=card_of(collection), final=True)


def can_start(turn: Turn, found: Assessment) -> bool:
    return found.num("accepted") >= turn.situation.limits.min_photos


def _title(turn: Turn, collection: Collection, found: Assessment) -> str:
    n, least = found.num("accepted"), turn.situation.limits.min_photos
    if not collection.photos:
        return turn.say("collection.empty.title")
    if n < least:
        return turn.say("collection.title_of_least", accepted=n, least=least)
    return turn.say("collection.title", n=n)


def _paragraphs(turn: Turn, collection: Collection, found: Assessment) -> list[str]:
    limits = turn.situation.limits
    few, many = limits.recommended_photos
    paragraphs = [_refreshed(turn, collection)]
    if not collection.photos:
        paragraphs.append(turn.say("collection.empty", few=few, many=many, least=limits.min_photos))
    paragraphs += [_pending(turn, found), _refused(turn, found), _advice(turn, found)]
    if collection.photos:
        paragraphs.append(_next_step(turn, found))
    if not turn.situation.engine_alive:
        paragraphs.append(turn.say("collection.engine_away"))
    return paragraphs


def _refreshed(turn: Turn, collection: Collection) -> str:
    models = [m for m in turn.situation.models if m.id == collection.refreshes]
    return turn.say("collection.refreshes", name=models[0].name) if models else ""


def _pending(turn: Turn, found: Assessment) -> str:
    n = found.num("pending")
    return turn.say("collection.pending", n=n) if n else ""


def _refused(turn: Turn, found: Assessment) -> str:
    refused = found.refused
    if not refused:
        return ""
    lines = [f"• {sentence(turn, verdict)}" for verdict in refused[-MAX_REFUSED_SHOWN:]]
    if len(refused) > MAX_REFUSED_SHOWN:
        lines.append(turn.say("collection.refused_more", n=len(refused) - MAX_REFUSED_SHOWN))
    return "\n".join([turn.say("collection.refused", n=len(refused)), *lines])


def _advice(turn: Turn, found: Assessment) -> str:
    """What is missing; silent until there is a photo to go by, and once the set is full."""
    if not found.num("accepted") or found.num("accepted") >= turn.situation.limits.max_photos:
        return ""
    wanted = [code for code in found.missing if code is not Missing.MORE_PHOTOS]
    if not wanted:
        return ""
    lines = [f"• {turn.say(f'missing.{code}')}" for code in wanted[:MAX_ADVICE_SHOWN]]
    return "\n".join([turn.say("collection.advice"), *lines])


def _next_step(turn: Turn, found: Assessment) -> str:
    limits = turn.situation.limits
    n, (few, many) = found.num("accepted"), limits.recommended_photos
    if turn.session.start_when_checked and found.num("pending"):
        return turn.say("collection.starts_when_checked")
    if n < limits.min_photos:
        return turn.say("missing.more_photos", n=limits.min_photos - n)
    if found.num("pending"):
        return turn.say("collection.enough_once_checked")
    if n >= limits.max_photos:
        return turn.say("collection.full")
    if n < few:
        return turn.say("collection.enough", few=few, many=many)
    return turn.say("collection.great")


def _buttons(turn: Turn, collection: Collection, found: Assessment) -> Rows:
    add = ()
    if turn.situation.upload_form:
        add = (turn.button("button.add_photos", Verb.ADD_PHOTOS, collection.id),)
    if not collection.photos:
        return (add,) if add else ()
    change = (
        *add,
        turn.button("button.remove_photo", Verb.PICK_PHOTO, collection.id),
        turn.button("button.start_over", Verb.START_OVER, collection.id),
    )
    if not can_start(turn, found) or found.num("pending") or turn.session.start_when_checked:
        return (change,)
    start = turn.button("button.start_training", Verb.START_TRAINING, collection.id)
    return ((primary(start),), change)


def open_collection(turn: Turn, short_id: str) -> Collection | None:
    """The open collection, if it is the one that a button names."""
    collection = turn.situation.collection
    return None if collection is None else find([collection], short_id)
