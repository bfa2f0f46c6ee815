"""What `/headshot` was asked for: read from words or options, and made into a plan."""

import re
from dataclasses import dataclass, field
from typing import get_args

from bot.conversation.effects import Generate
from bot.conversation.incoming import Command
from bot.conversation.messages import Message
from bot.conversation.speaking import Turn, clean
from bot.conversation.wardrobe import (
    background_of,
    backgrounds,
    clothes_of,
    garments,
)
from engine.contract.styles import Aspect, Style

MAX_PROMPT = 600
MAX_ARGUMENT = 1000
FIELDS = {
    "background": "background",
    "hintergrund": "background",
    "clothes": "clothes",
    "clothing": "clothes",
    "outfit": "clothes",
    "kleidung": "clothes",
    "prompt": "prompt",
}
"""Words that begin a part of the argument, with or without a colon behind them."""
_FIELD = re.compile(rf"(?:^|(?<=\s))({'|'.join(FIELDS)})(?:\s*[:=]\s*|\s+)", re.IGNORECASE)

_SEED = re.compile(r"(?:^|(?<=\s))(?:seed\s*[:=#]?\s*|#)(\d{1,10})(?=\s|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Wish:
    """As far as it could be understood; `background` and `clothes` in the person's own words."""

    style: str = ""
    count: int | None = None
    aspect: Aspect | None = None
    model: str = ""
    prompt: str | None = None
    background: str = ""
    clothes: str = ""
    seed: int | None = None


@dataclass
class _Heard:
    count: int | None = None
    aspect: Aspect | None = None
    words: dict[str, str] = field(default_factory=dict[str, str])


def read_wish(command: Command) -> Wish:
    """Options where the frontend has them; else numbers, shapes, fields and style words."""
    argument, seed = _without_seed(command.argument[:MAX_ARGUMENT])
    heard, options = _heard(argument), dict(command.options)
    if seed is None and "style" in options:
        options["style"], seed = _without_seed(options["style"])
    asked = options.get("count", "").strip()
    if asked.isascii() and asked.isdecimal():
        heard.count = int(asked[:6])

    def told(name: str) -> str:
        return options.get(name, "").strip() or heard.words.get(name, "")

    return Wish(
        style=told("style"),
        count=heard.count,
        aspect=_aspect(options.get("aspect", "").strip().casefold()) or heard.aspect,
        model=options.get("model", "").strip(),
        prompt=told("prompt")[:MAX_PROMPT] or None,
        background=told("background"),
        clothes=told("clothes"),
        seed=seed,
    )


def plan_of(turn: Turn, model_id: str, style: Style, wish: Wish) -> Generate | Message:
    """What is to be made; or, where words were not understood, those that would be."""
    styles = turn.situation.styles
    background = background_of(wish.background, styles) if wish.background else ""
    if background is None:
        known = {"known": backgrounds(turn), "first": turn.say("background.office")}
        facts = {"wanted": clean(wish.background), "style": style.name, **known}
        return turn.tell("headshot.unknown_background", facts)
    clothes = clothes_of(wish.clothes, style, styles) if wish.clothes else ()
    if wish.clothes and not clothes:
        known = {"known": garments(turn), "first": turn.say("garment.turtleneck")}
        facts = {"wanted": clean(wish.clothes), "style": style.name, **known}
        return turn.tell("headshot.unknown_clothes", {**facts, "colour": turn.say("colour.navy")})
    return Generate(
        model_id=model_id,
        style=style.name,
        count=_count(turn, wish),
        seed=wish.seed,
        exact=wish.seed is not None,
        prompt=wish.prompt,
        aspect=wish.aspect,
        background=background,
        clothes=clothes,
    )


def _count(turn: Turn, wish: Wish) -> int:
    """Who names a seed means one picture."""
    if wish.count is not None:
        return wish.count
    return turn.situation.default_count if wish.seed is None else 1


def _without_seed(text: str) -> tuple[str, int | None]:
    """What is left of the words, and the seed among them: seed 123, or #123."""
    found = _SEED.search(text)
    if found is None:
        return text, None
    return text[: found.start()] + text[found.end() :], int(found[1])


def _heard(argument: str) -> _Heard:
    """The argument's parts: first the style's words, then each field's."""
    heard = _Heard()
    start, *rest = _FIELD.split(argument)
    parts = [
        ("style", start),
        *((FIELDS[rest[i].casefold()], rest[i + 1]) for i in range(0, len(rest), 2)),
    ]
    for name, text in parts:
        heard.words[name] = " ".join(text.split() if name == "prompt" else _sorted(heard, text))
    return heard


def _sorted(heard: _Heard, text: str) -> list[str]:
    """The words that are neither a number nor a shape; those two are noted."""
    words: list[str] = []
    for word in text.split():
        lowered = word.casefold()
        if lowered.isascii() and lowered.isdecimal():
            heard.count = int(lowered[:6])
        elif (aspect := _aspect(lowered)) is not None:
            heard.aspect = aspect
        else:
            words.append(word)
    return words


def _aspect(word: str) -> Aspect | None:
    return next((aspect for aspect in get_args(Aspect) if aspect == word), None)
