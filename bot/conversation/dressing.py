"""Another background or other clothes for headshots that are there, by buttons."""

from typing import Any

from bot.conversation.actions import Action, Verb, act
from bot.conversation.messages import MENU, Message
from bot.conversation.situation import HeadshotSet
from bot.conversation.speaking import Turn, grid, labelled
from bot.conversation.wardrobe import BACKGROUNDS, GARMENTS, garment

KINDS = {Verb.BACKGROUND: "background", Verb.CLOTHES: "garment"}


def choice(turn: Turn, verb: Verb, made: HeadshotSet) -> Message:
    """All there are, one button each."""
    keys = BACKGROUNDS if verb is Verb.BACKGROUND else GARMENTS
    buttons = [
        labelled(_capital(turn.say(f"{KINDS[verb]}.{key}")), act(verb, made.id, _code(key)))
        for key in keys
    ]
    said = "headshot.pick_background" if verb is Verb.BACKGROUND else "headshot.pick_clothes"
    return turn.tell(said, buttons=grid(buttons, width=3), card=MENU)


def changed(action: Action) -> dict[str, Any] | None:
    """What the pressed button changes of an order; None: nothing that we know."""
    backgrounds = {_code(key): words for key, words in BACKGROUNDS.items()}
    if action.verb is Verb.BACKGROUND and action.argument in backgrounds:
        return {"background": backgrounds[action.argument]}
    garments = {_code(key): key for key in GARMENTS}
    if action.verb is Verb.CLOTHES and action.argument in garments:
        return {"clothes": (garment(garments[action.argument]),)}
    return None


def _code(key: str) -> str:
    """As a button carries it."""
    return key.replace("_", "-")


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
