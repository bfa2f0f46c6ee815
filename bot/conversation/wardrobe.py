"""Other clothes and another background than a style's own: what people may ask for, in words.

A small vocabulary, known in every language, and besides it all that the catalogue's styles wear
and stand before. What comes of it are words that we wrote; nothing a person types reaches a model.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Literal

from bot.conversation.phrases import LANGUAGES, language_of, phrase
from bot.conversation.speaking import Turn
from engine.contract.styles import Style

BACKGROUNDS = {
    "grey_studio": "gray studio background",
    "white_studio": "plain white backdrop",
    "blue_studio": "plain blue backdrop",
    "dark_studio": "dark studio background",
    "office": "blurred modern office background",
    "library": "bookshelves in the background",
    "home": "at home in a living room",
    "cafe": "cafe in the background",
    "brick_wall": "brick wall background",
    "city": "on a city street",
    "evening_city": "city lights at dusk",
    "stage": "dark stage background with soft blue lights",
    "park": "in a park, green trees in the background",
    "mountains": "mountains in the background",
    "beach": "sea and sky in the background",
    "laboratory": "laboratory background",
}
"""What a prompt says of each; people read the phrase `background.<key>`."""
GARMENTS = {
    "suit": ("a {c} suit without a tie", "navy"),
    "suit_with_tie": ("a {c} suit with a tie", "charcoal"),
    "blazer": ("a {c} blazer over a white shirt", "navy"),
    "shirt": ("a {c} shirt", "light_blue"),
    "blouse": ("a {c} blouse", "white"),
    "dress": ("an elegant {c} dress", "black"),
    "sweater": ("a {c} sweater", "grey"),
    "turtleneck": ("a {c} turtleneck", "black"),
    "t_shirt": ("a {c} t-shirt", "white"),
    "polo_shirt": ("a {c} polo shirt", "navy"),
    "hoodie": ("a {c} hoodie", "grey"),
    "denim_jacket": ("a {c} denim jacket", "blue"),
    "leather_jacket": ("a {c} leather jacket", "black"),
    "lab_coat": ("a {c} lab coat", "white"),
    "scrubs": ("{c} scrubs", "teal"),
}
"""What a prompt says, and the colour unless another is asked for."""
COLOURS = {
    "black": "black",
    "charcoal": "charcoal",
    "grey": "grey",
    "white": "white",
    "navy": "navy",
    "blue": "blue",
    "light_blue": "light blue",
    "red": "red",
    "burgundy": "burgundy",
    "green": "green",
    "olive": "olive",
    "teal": "teal",
    "yellow": "yellow",
    "orange": "orange",
    "pink": "pink",
    "purple": "purple",
    "beige": "beige",
    "brown": "brown",
}
NAMES = {"background": tuple(BACKGROUNDS), "garment": tuple(GARMENTS)}
ARTICLES = frozenset(
    ("a", "an", "the", "some", "in", "ein", "eine", "einen", "einem", "einer", "im")
)
LONGEST_ENDING = 2
"""Of an inflected colour: schwarz, schwarzer."""
TYPO = 0.8


def backgrounds(turn: Turn) -> str:
    """All in the person's language, on one line."""
    return ", ".join(turn.say(f"background.{key}") for key in BACKGROUNDS)


def garments(turn: Turn) -> str:
    return ", ".join(turn.say(f"garment.{key}") for key in GARMENTS)


def suggested(kind: Literal["background", "garment"], typed: str, locale: str) -> list[str]:
    """Names that go on from what was typed, for frontends that offer them while one types."""
    language = language_of(locale)
    colour, rest = _colour(_words(typed)) if kind == "garment" else (None, _words(typed))
    names = {key: phrase(language, f"{kind}.{key}") for key in NAMES[kind]}
    fitting = [key for key, name in names.items() if _plain(rest) in _plain([name])]
    if colour is None:
        return [names[key] for key in fitting]
    return [_coloured(key, colour, language) for key in fitting]


def background_of(text: str, styles: Mapping[str, Style]) -> str | None:
    """The prompt's words for a background, however it is written."""
    words = _words(text)
    key = _named("background", words, BACKGROUNDS)
    if key is not None:
        return BACKGROUNDS[key]
    return next(iter(_holding(words, (style.background for style in styles.values()))), None)


def clothes_of(text: str, style: Style, styles: Mapping[str, Style]) -> tuple[str, ...]:
    """The prompt's words for clothes: the style's own where they fit; empty where nothing does."""
    words = _words(text)
    own = _holding(words, style.clothes)
    if own:
        return own
    colour, rest = _colour(words)
    key = _named("garment", rest, GARMENTS)
    if key is not None:
        return (garment(key) if colour is None else _worn(key, colour),)
    return _holding(words, (worn for other in styles.values() for worn in other.clothes))[:1]


def garment(key: str) -> str:
    """The prompt's words for it in its usual colour."""
    return _worn(key, GARMENTS[key][1])


def chosen(turn: Turn, style: Style, background: str, clothes: tuple[str, ...]) -> list[str]:
    """What of it is not the style's own, as the person calls it."""
    named: list[str] = []
    if background and background != style.background:
        names = {words: turn.say(f"background.{key}") for key, words in BACKGROUNDS.items()}
        named.append(names.get(background, background))
    if clothes and clothes != style.clothes:
        names = {
            _worn(key, colour): _coloured(key, colour, turn.language)
            for key in GARMENTS
            for colour in COLOURS
        }
        named += [names.get(worn, worn) for worn in clothes]
    return named


def _coloured(garment: str, colour: str, language: str) -> str:
    named = {
        kind: phrase(language, f"{kind}.{key}")
        for kind, key in (("garment", garment), ("colour", colour))
    }
    return phrase(language, "wardrobe.coloured", **named)


def _worn(garment: str, colour: str) -> str:
    worn = GARMENTS[garment][0].replace("{c}", COLOURS[colour])
    return worn.replace("a orange", "an orange").replace("a olive", "an olive")


def _words(text: str) -> list[str]:
    """Without articles; "gray" and "grey" are one word."""
    words = (word.strip(".,;:!?\"'“”„") for word in text.casefold().split())
    return [word.replace("gray", "grey") for word in words if word and word not in ARTICLES]


def _named(kind: str, words: list[str], keys: Iterable[str]) -> str | None:
    """The key whose name is meant: exactly, by a unique beginning, or with a typo."""
    wanted = _plain(words)
    names = {_plain([phrase(code, f"{kind}.{key}")]): key for key in keys for code in LANGUAGES}
    if not wanted or wanted in names:
        return names.get(wanted)
    begun = {key for name, key in names.items() if name.startswith(wanted) and len(wanted) > 2}
    if len(begun) == 1:
        return begun.pop()
    near = get_close_matches(wanted[:40], names, n=1, cutoff=TYPO)
    return names[near[0]] if near else None


def _colour(words: list[str]) -> tuple[str | None, list[str]]:
    """The colour that the words begin or end with, and the other words."""
    for length in (2, 1):
        for said, rest in ((words[:length], words[length:]), (words[-length:], words[:-length])):
            for key in COLOURS:
                names = (_plain([phrase(code, f"colour.{key}")]) for code in LANGUAGES)
                if any(_is_inflected(_plain(said), name) for name in names):
                    return key, rest
    return None, words


def _is_inflected(said: str, name: str) -> bool:
    return said.startswith(name) and len(said) - len(name) <= LONGEST_ENDING


def _holding(words: list[str], texts: Iterable[str]) -> tuple[str, ...]:
    """Those of the texts in which all the words occur."""
    wanted = set(words)
    return tuple(text for text in texts if wanted and wanted <= set(_words(text)))


def _plain(words: Iterable[str]) -> str:
    return "".join(c for word in words for c in word.casefold() if c.isalnum())
