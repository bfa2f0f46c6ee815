"""What is asked for: styles, prompts and seeds, and what a picture must show to be as asked.

Pure. The expectation is read from the prompt's own words, in the vocabulary of the drawn people.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b

from engine.contract import styles
from engine.demo.people.vocabulary import CLOTH_COLOURS, CLOTHES_COLOURS
from engine.generation import prompts

BACKGROUNDS = {
    "linkedin": "grey studio",
    "doctor": "lab",
    "tech": "office",
    "creative": "brick wall",
    "park": "park",
}
"""The styles that are measured, and the background that each asks for."""
TRIGGER = "TOK"
CLOTHES_NAMES = {
    "lab coat": "lab coat",
    "white coat": "lab coat",
    "suit": "suit",
    "blazer": "suit",
    "hoodie": "hoodie",
    "turtleneck": "turtleneck",
    "sweater": "sweater",
    "denim jacket": "denim jacket",
    "leather jacket": "leather jacket",
    "t-shirt": "t-shirt",
    "shirt": "shirt",
}
"""Words of prompts, and what they mean; what is said first is worn outermost."""


@dataclass(frozen=True)
class Asked:
    clothes: str
    colour: str
    background: str


@dataclass(frozen=True)
class Shot:
    """One picture to draw."""

    style: str
    number: int
    """From 1, within its style."""
    prompt: str
    seed: int
    guidance: float

    @property
    def file(self) -> str:
        return f"{self.style}-{self.number}.jpg"

    @property
    def asked(self) -> Asked:
        return read(self.prompt, BACKGROUNDS[self.style])


def plan(count: int, seed: int, subjects: tuple[str, ...], names: tuple[str, ...]) -> list[Shot]:
    """`count` pictures in each style; subjects, such as "TOK person", take turns."""
    catalogue = styles.load()
    shots: list[Shot] = []
    for name in names:
        style = catalogue[name]
        for number, one in enumerate(prompts.seeds(derive(seed, name), count), start=1):
            trigger, _, class_word = subjects[(number - 1) % len(subjects)].partition(" ")
            text = prompts.build(style, trigger, class_word, one)
            shots.append(Shot(name, number, text, one, style.guidance))
    return shots


def read(prompt: str, background: str) -> Asked:
    """What a prompt asks for. Raises ValueError for clothes that have no name here."""
    places = {
        found.start(): meaning
        for words, meaning in reversed(CLOTHES_NAMES.items())
        if (found := re.search(rf"\b{words}\b", prompt))
    }
    if not places:
        raise ValueError(f"no known clothes in the prompt {prompt!r}")
    first = min(places)
    worn = places[first]
    said = [c for c in CLOTH_COLOURS if re.search(rf"\b{c}\b", prompt[:first])]
    usual = CLOTHES_COLOURS.get(worn, ("grey",))[0]
    return Asked(worn, max(said, key=len, default=usual), background)


def derive(seed: int, purpose: str) -> int:
    digest = blake2b(f"{seed} {purpose}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")
