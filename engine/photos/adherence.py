"""How far a picture shows what its prompt asks for, by what a captioner says of it.

Pure: two texts in, a number out. Only what both texts speak of is compared: place, clothes and
their colour. A captioner that sees nothing, or a prompt that names nothing, costs nothing.
"""

from collections.abc import Iterable

from engine.photos import descriptions

PLACE_COST = 0.1
"""Of likeness that a wrong place takes: as much as lies between somebody's best and worst good
picture. Whoever asks for a studio and gets a kitchen has to ask again."""
CLOTHES_COST = 0.005
COLOUR_COST = 0.005
"""Little, for captioners take one garment for another that differs by a collar: these decide only
between pictures that are as like the person as one another."""

_SAME_PLACES = (
    "park garden forest woods trees tree grass lawn bushes bush field meadow",
    "street road sidewalk alley buildings building city town skyline skyscrapers",
    "library bookshelves bookshelf bookcase shelves shelf",
    "laboratory clinic hospital",
    "beach sea ocean",
    "mountains mountain hills hill",
    "room house houses couch sofa",
    "restaurant cafe bar pub",
    "wall walls",
)
_SAME_CLOTHES = (
    "suit suits blazer tuxedo",
    "hoodie sweatshirt",
    "sweater jumper pullover",
    "t-shirt tshirt tee",
    "shirt shirts",
)
_ON_TOP = {"glasses", "tie", "necktie", "sunglasses"}
"""Worn with clothes, not instead."""
_BACKDROP_NOUNS = {"studio"}
"""Named by a place's word, but told by their colour."""


def missing(prompt: str, description: str) -> float:
    """What the picture lacks of what was asked for, as likeness that it is worth: 0 for nothing."""
    asked, seen = descriptions.see(prompt), descriptions.see(description)
    return _of_place(asked, seen) + _of_clothes(asked.clothes, seen.clothes)


def _of_place(asked: descriptions.Seen, seen: descriptions.Seen) -> float:
    wanted = _kinds(_nouns(asked.places) - _BACKDROP_NOUNS, _SAME_PLACES)
    found = _kinds(_nouns(seen.places) - _BACKDROP_NOUNS, _SAME_PLACES)
    if wanted:
        there = bool(wanted & found) or not (found or seen.backdrop)
        return 0.0 if there else PLACE_COST
    wanted, found = _colours(asked.backdrop), _colours(seen.backdrop)
    if not wanted or not (found or seen.places):
        return 0.0
    return 0.0 if wanted & found else PLACE_COST


def _of_clothes(asked: tuple[str, ...], seen: tuple[str, ...]) -> float:
    """What is named first is worn outermost."""
    wanted, found = _outermost(asked), _outermost(seen)
    if not wanted or not found:
        return 0.0
    cost = 0.0
    if not _kinds(_nouns([wanted]), _SAME_CLOTHES) & _kinds(_nouns([found]), _SAME_CLOTHES):
        cost += CLOTHES_COST
    if _colours([wanted]) and not _colours([wanted]) & _colours([found]):
        cost += COLOUR_COST
    return cost


def _outermost(clothes: Iterable[str]) -> str:
    return next((worn for worn in clothes if not _nouns([worn]) & _ON_TOP), "")


def _nouns(phrases: Iterable[str]) -> set[str]:
    return {phrase.split()[-1] for phrase in phrases}


def _kinds(words: set[str], same: tuple[str, ...]) -> set[str]:
    """Words of one kind under one name."""
    groups = [group.split() for group in same]
    return {next((group[0] for group in groups if word in group), word) for word in words}


def _colours(phrases: Iterable[str]) -> set[str]:
    known = set(descriptions.COLOURS.split())
    found = {word for phrase in phrases for word in phrase.split() if word in known}
    return {"grey" if word == "gray" else word for word in found} or (
        {"dark"} if any("dark" in phrase.split() for phrase in phrases) else set()
    )
