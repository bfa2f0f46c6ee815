"""What a picture shows, said as people say it: many wordings, a changing choice of attributes.

`attributes` gives the same facts under fixed names, for benchmarks. Only what varies between
pictures or is visible is said; a caption never says what the picture does not show.
"""

from __future__ import annotations

import random

from engine.demo.people.accessories import wears_glasses
from engine.demo.people.identity import Identity
from engine.demo.people.view import View

CLOTHES_WORDS: dict[str, tuple[str, ...]] = {
    "suit with tie": ("a {c} business suit and tie", "a {c} suit with a tie",
                      "{c} business attire with a tie",
                      "a {c} suit jacket, {s} shirt and tie"),
    "suit": ("a {c} suit without a tie", "a {c} blazer", "a {c} suit jacket over a {s} shirt",
             "a {c} business suit"),
    "shirt": ("a {c} shirt", "a {c} collared shirt", "a {c} button-up shirt", "a {c} dress shirt"),
    "blouse": ("a {c} blouse", "a {c} silk blouse", "a {c} V-neck blouse"),
    "turtleneck": ("a {c} turtleneck", "a {c} roll-neck sweater", "a {c} turtleneck sweater"),
    "t-shirt": ("a {c} t-shirt", "a plain {c} tee", "a {c} T-shirt"),
    "hoodie": ("a {c} hoodie", "a {c} hooded sweatshirt"),
    "lab coat": ("a white lab coat", "a white lab coat over a {s} shirt",
                 "a doctor's white coat"),
    "scrubs": ("{c} scrubs", "{c} medical scrubs", "a {c} scrub top"),
    "denim jacket": ("a {c} denim jacket", "a {c} jean jacket",
                     "a {c} denim jacket over a {s} t-shirt"),
    "dress": ("a {c} dress", "an elegant {c} dress"),
    "leather jacket": ("a {c} leather jacket", "a {c} biker jacket",
                       "a {c} leather jacket over a {s} t-shirt"),
    "sweater": ("a {c} sweater", "a {c} knitted pullover", "a {c} jumper"),
    "polo shirt": ("a {c} polo shirt", "a {c} polo"),
}  # fmt: skip
BACKGROUND_WORDS: dict[str, tuple[str, ...]] = {
    "grey studio": ("grey studio background", "plain gray backdrop", "neutral grey background",
                    "studio, grey backdrop"),
    "white studio": ("white studio background", "plain white backdrop", "clean white background"),
    "blue studio": ("blue studio background", "plain blue backdrop", "blue background"),
    "dark studio": ("dark studio background", "black backdrop", "dark background"),
    "office": ("in an office", "blurred office background", "modern office behind",
               "at the office"),
    "library": ("in a library", "bookshelves in the background", "in front of a bookshelf"),
    "park": ("in a park", "green trees in the background", "outdoors in nature",
             "leafy park background"),
    "city street": ("on a city street", "buildings in the background", "urban street background"),
    "city at dusk": ("city lights at dusk", "city at night with bokeh lights",
                     "evening city bokeh background"),
    "brick wall": ("in front of a brick wall", "brick wall background", "against a brick wall"),
    "living room": ("at home", "in a living room", "home interior background"),
    "kitchen": ("in a kitchen", "kitchen background"),
    "beach": ("at the beach", "sea and sky in the background", "beach background"),
    "mountains": ("mountains in the background", "mountain landscape behind", "in the mountains"),
    "lab": ("in a laboratory", "laboratory background", "in a bright clinic"),
}  # fmt: skip
LIGHT_WORDS: dict[str, tuple[str, ...]] = {
    "studio softbox": (
        "soft studio light",
        "soft light",
        "softbox lighting",
        "even studio lighting",
    ),
    "hard studio light": ("hard light", "dramatic studio light", "strong directional light"),
    "window light": ("window light", "natural light from a window", "soft daylight"),
    "outdoor daylight": ("daylight", "bright sunlight", "sunny"),
    "golden hour": ("golden hour light", "warm sunset light", "warm light"),
    "evening light": ("evening light", "dim evening light", "night lights"),
    "dim room light": ("dim room light", "low light", "warm lamp light"),
    "overcast": ("overcast light", "flat cloudy light", "soft grey daylight"),
}
EXPRESSION_WORDS: dict[str, tuple[str, ...]] = {
    "neutral": ("neutral expression", "calm expression"),
    "slight smile": ("slight smile", "a gentle smile", "subtle smile"),
    "smile": ("smiling", "friendly smile", "a warm smile"),
    "laughing": ("laughing", "big open smile", "cheerful laugh"),
    "serious": ("serious expression", "stern look"),
    "surprised": ("surprised expression", "raised eyebrows"),
    "confident": ("confident expression", "confident look"),
}
FRAMING_WORDS: dict[str, tuple[str, ...]] = {
    "close-up": ("close-up", "face close up", "tight framing"),
    "head and shoulders": ("head and shoulders", "shoulders up"),
    "chest up": ("chest up", "upper body", "bust shot"),
}
HAIR_WORDS: dict[str, tuple[str, ...]] = {
    "bald": ("bald", "shaved head"),
    "buzz cut": ("{c} buzz cut",),
    "short hair": ("short {c} hair",),
    "side part": ("{c} hair with a side part", "short {c} hair parted at the side"),
    "slicked back": ("slicked back {c} hair",),
    "curly hair": ("curly {c} hair", "{c} curls"),
    "afro": ("{c} afro hair", "an afro"),
    "receding hair": ("receding {c} hair", "thinning {c} hair"),
    "bob": ("{c} bob haircut", "chin-length {c} hair"),
    "long hair": ("long {c} hair", "long straight {c} hair"),
    "long wavy hair": ("long wavy {c} hair", "wavy {c} hair"),
    "bun": ("{c} hair in a bun", "{c} hair tied up"),
    "ponytail": ("{c} hair in a ponytail", "{c} ponytail"),
    "pixie cut": ("{c} pixie cut", "short {c} hair"),
}
BEARD_WORDS: dict[str, tuple[str, ...]] = {
    "none": (),
    "stubble": ("stubble", "light stubble"),
    "moustache": ("a moustache", "a mustache"),
    "goatee": ("a goatee",),
    "short beard": ("a short beard", "a trimmed beard"),
    "full beard": ("a full beard", "a beard"),
}
STUDIO_OPENINGS = ("professional headshot of {who}", "a corporate portrait of {who}",
                   "headshot of {who}",
                   "a photo of {who}", "portrait of {who}", "a professional photo of {who}",
                   "{who}, professional headshot", "linkedin photo of {who}")  # fmt: skip
SELFIE_OPENINGS = ("a selfie of {who}", "selfie of {who}", "a casual photo of {who}",
                   "a photo of {who}",
                   "{who}, selfie", "a snapshot of {who}", "phone picture of {who}")  # fmt: skip


def attributes(identity: Identity, view: View) -> dict[str, str]:
    """Everything a benchmark may check, by name, in the vocabulary's words."""
    turned = "frontal" if abs(view.yaw) < 15 else "left" if view.yaw < 0 else "right"
    return {
        "class_word": identity.class_word,
        "clothes": view.clothes,
        "cloth_colour": view.cloth_colour,
        "background": view.background,
        "light": view.light,
        "expression": view.expression,
        "framing": view.framing,
        "glasses": "glasses" if wears_glasses(identity, view) else "no glasses",
        "hair_style": identity.hair_style,
        "hair_colour": identity.hair_colour,
        "beard": identity.beard,
        "turned": turned,
        "kind": view.kind,
    }


ANYBODY_SHARE = 0.25
"""Of the wordings that call a man or a woman a person: the word by which users' LoRAs learn."""

TWICE_SHARE = 0.2
"""Of the captions say where the person is in two ways, as prompts do."""


def _article(phrase: str) -> str:
    if phrase.startswith("a ") and phrase[2] in "aeiou":
        return "an " + phrase[2:]
    return phrase


def caption(identity: Identity, view: View, rng: random.Random, trigger: str | None = None) -> str:
    """One wording. A `trigger` stands for the person's traits, which are then left unsaid."""
    facts = attributes(identity, view)
    who = _who(identity, rng, trigger)
    worn = rng.choice(CLOTHES_WORDS[view.clothes])
    worn = _article(worn.format(c=view.cloth_colour, s=view.second_colour))
    opening = rng.choice(SELFIE_OPENINGS if view.kind == "selfie" else STUDIO_OPENINGS)
    first = opening.format(who=who)
    places = 2 if rng.random() < TWICE_SHARE else 1
    details = rng.sample(BACKGROUND_WORDS[view.background], places)
    if rng.random() < 0.9:
        wearing = rng.choice(("wearing", "in", "dressed in"))
        if opening.endswith("{who}") and rng.random() < 0.75:
            first = f"{first} {wearing} {worn}"
        else:
            details.append(f"wearing {worn}")
    if rng.random() < 0.55:
        details.append(rng.choice(LIGHT_WORDS[view.light]))
    if rng.random() < 0.5:
        details.append(rng.choice(EXPRESSION_WORDS[view.expression]))
    if rng.random() < 0.35:
        details.append(rng.choice(FRAMING_WORDS[view.framing]))
    if facts["glasses"] == "glasses" and rng.random() < 0.8:
        details.append(rng.choice(("wearing glasses", "glasses", "with eyeglasses")))
    if trigger is None and rng.random() < 0.65:
        details.append(_hair(identity, rng))
    if trigger is None and BEARD_WORDS[identity.beard] and rng.random() < 0.75:
        details.append("with " + rng.choice(BEARD_WORDS[identity.beard]))
    rng.shuffle(details)
    return ", ".join([first, *details])


def _who(identity: Identity, rng: random.Random, trigger: str | None) -> str:
    word = "person" if rng.random() < ANYBODY_SHARE else identity.class_word
    if trigger is not None:
        return f"{trigger} {word}"
    if rng.random() < 0.25 and (identity.age < 27 or identity.age > 58):
        return f"a young {word}" if identity.age < 27 else f"an older {word}"
    return f"a {word}"


def _hair(identity: Identity, rng: random.Random) -> str:
    words = rng.choice(HAIR_WORDS[identity.hair_style])
    return words.format(c=identity.hair_colour)
