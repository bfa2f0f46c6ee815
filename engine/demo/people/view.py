"""How a picture of a person is taken: pose, face, light, place, clothes and camera."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from engine.demo.people.vocabulary import (
    BACKGROUNDS,
    CASUAL_CLOTHES,
    CLOTH_COLOURS,
    CLOTHES,
    CLOTHES_COLOURS,
    EXPRESSIONS,
    FORMAL_CLOTHES,
    STUDIO_BACKGROUNDS,
)

Kind = Literal["selfie", "studio", "any"]

PLACE_LIGHTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        STUDIO_BACKGROUNDS,
        ("studio softbox", "studio softbox", "hard studio light", "window light"),
    ),
    **dict.fromkeys(("office", "library", "lab"), ("window light", "studio softbox", "overcast")),
    **dict.fromkeys(
        ("park", "city street", "brick wall", "beach", "mountains"),
        ("outdoor daylight", "golden hour", "overcast", "outdoor daylight"),
    ),
    "city at dusk": ("evening light",),
    **dict.fromkeys(("living room", "kitchen"), ("window light", "dim room light", "window light")),
}


@dataclass(frozen=True)
class View:
    """One picture's circumstances. Angles are degrees, positive yaw turns to the camera's right.

    `gaze` is the eyes' turn beyond the head's (right, up); `light_azimuth` is 0 at the camera and
    positive to the right; `centre` moves the head from its place by shares of the picture's side.
    `glasses` None leaves it to the person's habit. `scale` multiplies the framing's height.
    """

    seed: int
    kind: Kind
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    torso_yaw: float = 0.0
    expression: str = "neutral"
    expression_strength: float = 1.0
    gaze: tuple[float, float] = (0.0, 0.0)
    light: str = "studio softbox"
    light_azimuth: float = 35.0
    light_elevation: float = 35.0
    exposure: float = 1.0
    background: str = "grey studio"
    clothes: str = "suit"
    cloth_colour: str = "navy"
    second_colour: str = "white"
    framing: str = "head and shoulders"
    scale: float = 1.0
    focal_mm: float = 85.0
    centre: tuple[float, float] = (0.0, 0.0)
    glasses: bool | None = None

    @classmethod
    def sample(cls, seed: int, kind: Kind = "any") -> View:
        rng = random.Random(f"view {seed} {kind}")
        drawn: Kind = rng.choice(("selfie", "studio")) if kind == "any" else kind
        selfie = drawn == "selfie"
        yaw = max(-50.0, min(50.0, rng.gauss(0, 20 if selfie else 15)))
        clothes = _clothes(rng, selfie)
        colours = CLOTHES_COLOURS.get(clothes, tuple(CLOTH_COLOURS))
        background = _background(rng, selfie)
        glance = rng.random() < 0.12
        return cls(
            seed=seed,
            kind=drawn,
            yaw=yaw,
            pitch=max(-12.0, min(14.0, rng.gauss(1, 5.5 if selfie else 3.5))),
            roll=max(-15.0, min(15.0, rng.gauss(0, 6 if selfie else 3))),
            torso_yaw=yaw * rng.uniform(0.2, 0.6) + rng.gauss(0, 7),
            expression=rng.choices(EXPRESSIONS, (26, 22, 24, 8, 8, 3, 9))[0],
            expression_strength=rng.uniform(0.7, 1.0),
            gaze=(rng.uniform(-16, 16), rng.uniform(-6, 6)) if glance else _to_camera(yaw),
            light=rng.choice(PLACE_LIGHTS[background]),
            light_azimuth=rng.choice((-1, 1)) * rng.uniform(12, 62),
            light_elevation=rng.uniform(15, 50),
            exposure=rng.uniform(0.85, 1.15) if not selfie else rng.uniform(0.75, 1.2),
            background=background,
            clothes=clothes,
            cloth_colour=rng.choice(colours),
            second_colour=rng.choice(("white", "white", "light blue", "black", "grey", "pink")),
            framing=_framing(rng, selfie),
            scale=rng.uniform(0.94, 1.06),
            focal_mm=rng.uniform(26, 38) if selfie else rng.uniform(60, 110),
            centre=(rng.gauss(0, 0.05), rng.gauss(0, 0.03)) if selfie else (rng.gauss(0, 0.015), 0),
            glasses=(rng.random() < 0.5) if rng.random() < 0.15 else None,
        )


def _to_camera(yaw: float) -> tuple[float, float]:
    return max(-28.0, min(28.0, -yaw)), 0.0


def _clothes(rng: random.Random, selfie: bool) -> str:
    if rng.random() < 0.2:
        return rng.choice(CLOTHES)
    return rng.choice(CASUAL_CLOTHES if selfie else FORMAL_CLOTHES)


def _background(rng: random.Random, selfie: bool) -> str:
    if not selfie and rng.random() < 0.55:
        return rng.choice(STUDIO_BACKGROUNDS)
    return rng.choice(BACKGROUNDS[4:])


def _framing(rng: random.Random, selfie: bool) -> str:
    weights = (35, 50, 15) if selfie else (12, 53, 35)
    return rng.choices(("close-up", "head and shoulders", "chest up"), weights)[0]
