"""One sentence about what varies between somebody's pictures: clothes, glasses, expression, place.

What the demo model's captioner learns to say. Always the same words for the same things, and such
words as `engine.photos.descriptions` picks up and the demo model knows; nothing of the person.
"""

from __future__ import annotations

import random

from engine.demo.people.accessories import wears_glasses
from engine.demo.people.identity import Identity
from engine.demo.people.view import View

CLOTHES = {
    "suit with tie": "a {c} suit, a tie",
    "suit": "a {c} suit",
    "shirt": "a {c} shirt",
    "blouse": "a {c} blouse",
    "turtleneck": "a {c} turtleneck",
    "t-shirt": "a {c} t-shirt",
    "hoodie": "a {c} hoodie",
    "lab coat": "a white lab coat",
    "scrubs": "{c} scrubs",
    "denim jacket": "a {c} denim jacket",
    "dress": "a {c} dress",
    "leather jacket": "a {c} leather jacket",
    "sweater": "a {c} sweater",
    "polo shirt": "a {c} polo",
}
EXPRESSIONS = {
    "neutral": "with a neutral expression",
    "slight smile": "with a slight smile",
    "smile": "smiling",
    "laughing": "laughing",
    "serious": "with a serious expression",
    "surprised": "with a surprised expression",
    "confident": "",
}
"""Confidence is seen by nobody."""
PLACES = {
    "grey studio": "a grey background",
    "white studio": "a white background",
    "blue studio": "a blue background",
    "dark studio": "a dark background",
    "office": "an office",
    "library": "bookshelves",
    "park": "green trees",
    "city street": "buildings",
    "city at dusk": "a city",
    "brick wall": "a brick wall",
    "living room": "a living room",
    "kitchen": "a kitchen",
    "beach": "a beach",
    "mountains": "mountains",
    "lab": "a laboratory",
}


def describe(
    identity: Identity, view: View, rng: random.Random | None = None, trigger: str | None = None
) -> str:
    """Such as "a person in a navy hoodie, glasses, smiling, before a beach".

    `rng` and `trigger` decide nothing: they are what a caption is asked with.
    """
    del rng, trigger
    parts = ["a person in " + CLOTHES[view.clothes].format(c=view.cloth_colour)]
    if wears_glasses(identity, view):
        parts.append("glasses")
    if expression := EXPRESSIONS[view.expression]:
        parts.append(expression)
    return ", ".join([*parts, f"before {PLACES[view.background]}"])
