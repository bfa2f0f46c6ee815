"""What makes a synthetic person this person: drawn from one integer, the same in every picture."""

from __future__ import annotations

import random
from dataclasses import dataclass

from engine.demo.people.vocabulary import (
    BEARDS,
    EYE_COLOURS,
    GLASSES,
    HAIR_STYLES,
    SHAPE_AXES,
    SHAPE_TARGETS,
)

HAIR_WEIGHTS = {
    "man": (7, 10, 24, 13, 9, 9, 5, 9, 0, 3, 1, 1, 2, 1),
    "woman": (0.5, 1, 3, 3, 3, 9, 6, 0, 15, 19, 15, 10, 9, 7),
}
STRAIGHT_ONLY = ("side part", "slicked back", "bob", "pixie cut")


@dataclass(frozen=True)
class Identity:
    """A person; `shape` and `targets` follow the order of SHAPE_AXES and SHAPE_TARGETS.

    `origin` holds the shares of MakeHuman's african, asian and caucasian macro targets (sum 1);
    `melanin`, `freckles`, `wrinkles`, `redness` and `makeup` are 0..1; `masculinity` and `weight`
    too. Ages are years.
    """

    seed: int
    class_word: str
    masculinity: float
    age: int
    weight: float
    origin: tuple[float, float, float]
    shape: tuple[float, ...]
    targets: tuple[float, ...]
    melanin: float
    undertone: float
    redness: float
    freckles: float
    wrinkles: float
    makeup: float
    lip_tint: float
    eye_colour: str
    brow_thickness: float
    brow_darkness: float
    hair_style: str
    hair_colour: str
    hair_length: float
    hair_volume: float
    part_side: int
    beard: str
    glasses: str
    wears_glasses: bool

    @classmethod
    def from_seed(cls, seed: int) -> Identity:
        rng = random.Random(f"identity {seed}")
        gender = rng.choice(("man", "woman"))
        masculinity = rng.uniform(0.85, 1.0) if gender == "man" else rng.uniform(0.0, 0.15)
        class_word = gender
        if rng.random() < 0.06:
            class_word, masculinity = "person", rng.uniform(0.35, 0.65)
        age = int(rng.triangular(19, 76, 33))
        origin = _origin(rng)
        african, asian, _ = origin
        melanin = min(1.0, max(0.0, rng.gauss(0.2 + 0.6 * african + 0.12 * asian, 0.09)))
        colour = _hair_colour(rng, age, melanin)
        style = _hair_style(rng, gender, african, age)
        beard = "none"
        if gender == "man" and class_word == "man":
            beard = rng.choices(BEARDS, (42, 20, 6, 8, 14, 10))[0]
        return cls(
            seed=seed,
            class_word=class_word,
            masculinity=masculinity,
            age=age,
            weight=min(1.0, max(0.0, rng.gauss(0.47, 0.16))),
            origin=origin,
            shape=tuple(_bounded(rng, spread) for _, _, spread in SHAPE_AXES.values()),
            targets=tuple(
                rng.uniform(0, most) if rng.random() < 0.25 else 0.0
                for most in SHAPE_TARGETS.values()
            ),
            melanin=melanin,
            undertone=rng.uniform(-1, 1),
            redness=rng.random(),
            freckles=rng.uniform(0.4, 1) if melanin < 0.35 and rng.random() < 0.16 else 0.0,
            wrinkles=min(1.0, max(0.0, (age - 28) / 42 + rng.gauss(0, 0.08))),
            makeup=rng.uniform(0.15, 1) if gender == "woman" and rng.random() < 0.7 else 0.0,
            lip_tint=rng.random(),
            eye_colour=_eye_colour(rng, melanin, asian),
            brow_thickness=rng.uniform(0.55, 1.0) + 0.25 * masculinity,
            brow_darkness=rng.uniform(0.5, 1.0),
            hair_style=style,
            hair_colour=colour,
            hair_length=rng.uniform(0.0, 1.0),
            hair_volume=rng.uniform(0.0, 1.0),
            part_side=rng.choice((-1, 1)),
            beard=beard,
            glasses=rng.choice(GLASSES),
            wears_glasses=rng.random() < 0.25,
        )


def _bounded(rng: random.Random, spread: float) -> float:
    return max(-0.95, min(0.95, rng.gauss(0, spread)))


def _origin(rng: random.Random) -> tuple[float, float, float]:
    main = rng.choices(range(3), (0.26, 0.28, 0.46))[0]
    shares = [rng.random() * 0.35 for _ in range(3)]
    shares[main] += 1.4
    total = sum(shares)
    return shares[0] / total, shares[1] / total, shares[2] / total


def _hair_colour(rng: random.Random, age: int, melanin: float) -> str:
    if rng.random() < (age - 38) / 45:
        return rng.choice(("grey", "grey", "white"))
    if melanin > 0.45:
        return rng.choices(("black", "dark brown", "brown"), (70, 24, 6))[0]
    if melanin > 0.3:
        return rng.choices(("black", "dark brown", "brown", "auburn"), (42, 36, 16, 6))[0]
    names = ("black", "dark brown", "brown", "auburn", "red", "dark blond", "blond")
    return rng.choices(names, (8, 22, 22, 9, 10, 14, 15))[0]


def _hair_style(rng: random.Random, gender: str, african: float, age: int) -> str:
    weights = dict(zip(HAIR_STYLES, HAIR_WEIGHTS[gender], strict=True))
    if african > 0.5:
        for name in STRAIGHT_ONLY:
            weights[name] *= 0.25
        for name in ("afro", "curly hair", "buzz cut"):
            weights[name] *= 3
    else:
        weights["afro"] *= 0.15
    if age < 35:
        weights["receding hair"] *= 0.2
        weights["bald"] *= 0.4
    return rng.choices(list(weights), list(weights.values()))[0]


def _eye_colour(rng: random.Random, melanin: float, asian: float) -> str:
    if melanin > 0.4 or asian > 0.5:
        return rng.choices(("dark brown", "brown", "hazel"), (62, 33, 5))[0]
    return rng.choices(list(EYE_COLOURS), (24, 8, 16, 16, 26, 10))[0]
