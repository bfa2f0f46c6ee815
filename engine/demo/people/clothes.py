"""Garments on the torso: where they end, what is painted on them, and their relief.

A garment is a handful of numbers; cloth is painted by place on the resting torso (decimetres), and
its relief (lapels, folds, knitting) comes from a height that is differentiated for the normals.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import torch
from torch.nn.functional import normalize

from engine.demo.people.noise import fractal_noise, hash_unit, smoothstep, value_noise
from engine.demo.people.skin import linear, mix
from engine.demo.people.view import View
from engine.demo.people.vocabulary import CLOTH_COLOURS


@dataclass(frozen=True)
class Garment:
    """Lengths in decimetres. `neck` is how far the neckline lies below the neck, `vee` how deep the
    skin shows in front, `opening` how far the jacket is open (0: none), `under` whether a shirt
    shows.
    """

    neck: float = 0.0
    vee: float = 0.0
    opening: float = 0.0
    under: bool = False
    tie: bool = False
    buttons: bool = False
    knit: float = 0.0
    weave: float = 0.3
    folds: float = 0.5
    zip: bool = False
    lapels: bool = False
    pocket: bool = False
    shine: float = 0.0
    thickness: float = 0.08
    collar: str = "none"


GARMENTS: dict[str, Garment] = {
    "suit with tie": Garment(neck=0.0, opening=1.0, under=True, tie=True, lapels=True, folds=0.35,
                             pocket=True, thickness=0.16, collar="shirt"),
    "suit": Garment(neck=0.0, vee=0.12, opening=1.0, under=True, lapels=True, folds=0.35,
                    pocket=True, thickness=0.16, collar="shirt"),
    "shirt": Garment(neck=0.0, vee=0.12, buttons=True, collar="shirt"),
    "blouse": Garment(neck=0.1, vee=0.6, weave=0.1, folds=0.9, shine=0.25),
    "turtleneck": Garment(neck=-0.1, knit=0.8, collar="roll", folds=0.4),
    "t-shirt": Garment(neck=0.03, folds=0.7, collar="rib"),
    "hoodie": Garment(neck=0.0, folds=0.8, thickness=0.2, zip=True, collar="hood"),
    "lab coat": Garment(neck=0.0, vee=0.12, opening=0.85, under=True, lapels=True, buttons=True,
                        pocket=True, thickness=0.17, collar="shirt"),
    "scrubs": Garment(neck=0.06, vee=0.55, folds=0.6, pocket=True, thickness=0.14),
    "denim jacket": Garment(neck=0.0, vee=0.1, opening=0.45, under=True, weave=1.0, buttons=True,
                            pocket=True, thickness=0.16, collar="jacket"),
    "dress": Garment(neck=0.4, vee=0.0, folds=0.35, weave=0.1, thickness=0.05),
    "leather jacket": Garment(neck=0.0, vee=0.1, opening=0.55, under=True, zip=True, weave=0.15,
                              shine=1.0, folds=0.8, thickness=0.18, collar="jacket"),
    "sweater": Garment(neck=0.0, knit=1.0, folds=0.55, thickness=0.15, collar="rib"),
    "polo shirt": Garment(neck=0.0, vee=0.3, knit=0.25, buttons=True, collar="shirt"),
}  # fmt: skip
NUMBERS: tuple[str, ...] = (
    "neck",
    "vee",
    "opening",
    "under",
    "tie",
    "buttons",
    "knit",
    "weave",
    "folds",
    "zip",
    "lapels",
    "pocket",
    "shine",
    "thickness",
)
NECK_AXIS_Z = 0.22
# Height of the neck's base by angle from the front in degrees, on the resting body.
RING_HEIGHTS = ((0, 5.5), (45, 5.7), (90, 5.9), (135, 5.95), (181, 5.76))
TIES = ("burgundy", "navy", "red", "green", "purple", "charcoal", "blue")


@dataclass(frozen=True)
class Wardrobe:
    """Numbers (batch, len(NUMBERS) + 1), the last a seed; colours (batch, 3) linear."""

    numbers: torch.Tensor
    main: torch.Tensor
    second: torch.Tensor
    tie: torch.Tensor

    def of(self, picture: torch.Tensor) -> dict[str, torch.Tensor]:
        return dict(zip((*NUMBERS, "seed"), self.numbers[picture].unbind(-1), strict=True))


def make_wardrobe(views: Sequence[View], device: str) -> Wardrobe:
    garments = [GARMENTS[view.clothes] for view in views]
    rows = [
        [*map(float, astuple(garment)[: len(NUMBERS)]), view.seed % 503]
        for garment, view in zip(garments, views, strict=True)
    ]

    def colours(names: list[str]) -> torch.Tensor:
        return linear(torch.tensor([CLOTH_COLOURS[name] for name in names])).to(device)

    return Wardrobe(
        torch.tensor(rows, dtype=torch.float32, device=device),
        colours([view.cloth_colour for view in views]),
        colours([view.second_colour for view in views]),
        colours([TIES[view.seed % len(TIES)] for view in views]),
    )


def ring_height(rest: torch.Tensor) -> torch.Tensor:
    """Height of the neck's base in the direction of resting places (n, 3)."""
    angle = torch.rad2deg(torch.atan2(rest[..., 0].abs(), rest[..., 2] - NECK_AXIS_Z))
    level = torch.full_like(angle, RING_HEIGHTS[0][1])
    for (low, start), (high, end) in itertools.pairwise(RING_HEIGHTS):
        level = level + (end - start) * smoothstep(low, high, angle)
    return level


def cloth_margin(rest: torch.Tensor, wardrobe: Wardrobe) -> torch.Tensor:
    """How far vertices (n, 3) lie inside each picture's garment, in decimetres: (batch, n)."""
    numbers = dict(zip(NUMBERS, wardrobe.numbers.T[:-1, :, None], strict=True))
    x, y, z = rest.unbind(-1)
    height = ring_height(rest) - numbers["neck"] - y
    around = torch.sqrt(x**2 + (z - NECK_AXIS_Z) ** 2) - 0.75 - 1.1 * numbers["neck"]
    vee = 5.42 - numbers["vee"] + 1.7 * x.abs() - y
    vee = torch.where((numbers["vee"] > 0) & (z > 0.5), vee, torch.full_like(vee, 9.0))
    return torch.maximum(torch.minimum(torch.maximum(height, around), vee), 4.3 - y)


def lapel_edge(y: torch.Tensor, opening: torch.Tensor) -> torch.Tensor:
    """Half width of the jacket's opening at height y: a V from the neck to the button."""
    return ((y - 3.35) / 1.75).clamp(0, 1.3) * 0.52 * opening + 0.01


def height(rest: torch.Tensor, numbers: dict[str, torch.Tensor]) -> torch.Tensor:
    """Relief of the cloth in decimetres (points,)."""
    x, y, z = rest[:, 0].abs(), rest[:, 1], rest[:, 2]
    front = smoothstep(0.2, 0.5, z)
    place = rest + numbers["seed"][:, None] * 0.71
    slant = torch.stack(
        [place[:, 0] * 1.7 + place[:, 1] * 0.9, place[:, 1] * 0.8 - place[:, 0] * 0.5, place[:, 2]],
        -1,
    )
    total = 0.10 * numbers["folds"] * fractal_noise(slant * 1.5, 2)
    knit = torch.sin(rest[:, 0] * 70) * (0.6 + 0.4 * torch.sin(y * 55))
    total = total + 0.004 * numbers["knit"] * knit
    edge = lapel_edge(y, numbers["opening"])
    open_front = (numbers["opening"] > 0) * front
    total = total + 0.06 * smoothstep(edge - 0.015, edge + 0.015, x) * open_front
    width = (0.34 * ((y - 3.3) / 1.5).clamp(0.15, 1)) * numbers["lapels"]
    notch = smoothstep(0.03, 0.05, (y - (4.62 + 0.35 * (x - edge))).abs())
    total = (
        total
        + 0.03
        * smoothstep(edge + width + 0.012, edge + width - 0.012, x)
        * (x > edge)
        * notch
        * open_front
        * numbers["lapels"]
    )
    tie = 0.11 + 0.035 * (5.0 - y)
    total = (
        total + 0.04 * smoothstep(tie + 0.015, tie - 0.015, x) * (x < edge) * numbers["tie"] * front
    )
    placket = smoothstep(0.14, 0.13, x) * numbers["buttons"] * (1 - numbers["lapels"])
    total = total + 0.012 * placket * front
    pocket = smoothstep(
        0.02,
        0.0,
        ((rest[:, 0] - 0.95).abs() - 0.36).clamp(min=0) + ((y - 3.4).abs() - 0.05).clamp(min=0),
    )
    return total + 0.015 * pocket * numbers["pocket"] * front


def cloth_normals(
    normal: torch.Tensor, rest: torch.Tensor, picture: torch.Tensor, wardrobe: Wardrobe
) -> torch.Tensor:
    numbers = wardrobe.of(picture)
    step = 0.012
    here = height(rest, numbers)
    slopes = [
        (height(rest + step * rest.new_tensor(axis), numbers) - here) / step
        for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    ]
    bend = torch.stack([*slopes, torch.zeros_like(here)], -1).clamp(-1.5, 1.5)
    return normalize(normal - bend, dim=-1)


def paint_cloth(
    rest: torch.Tensor, picture: torch.Tensor, wardrobe: Wardrobe
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Albedo (points, 3), roughness (points,) and crease shade (points,)."""
    numbers = wardrobe.of(picture)
    x, y, z = rest[:, 0].abs(), rest[:, 1], rest[:, 2]
    front = (z > 0.3).float()
    colour = wardrobe.main[picture]
    thread = hash_unit((rest * 85).floor().int())
    twill = torch.sin((rest[:, 0] + y) * 190)
    colour = colour * (1 + numbers["weave"] * (0.22 * (thread - 0.5) + 0.06 * twill))[:, None]
    edge = lapel_edge(y, numbers["opening"])
    inside = (x < edge) * front * numbers["under"]
    shirt = (
        wardrobe.second[picture]
        * (1 - 0.25 * smoothstep(0.02, 0.0, (x - 0.1).abs() - 0.002) * (1 - numbers["tie"]))[
            :, None
        ]
    )
    colour = mix(colour, shirt, inside)
    tie = smoothstep(1.0, 0.94, x / (0.11 + 0.035 * (5.0 - y)))
    stripes = 0.8 + 0.4 * (torch.sin((rest[:, 0] + y) * 26) > 0.3) * (numbers["seed"] % 2)
    colour = mix(colour, wardrobe.tie[picture] * stripes[:, None], tie * inside * numbers["tie"])
    line = smoothstep(0.02, 0.004, (x - edge).abs()) * (numbers["opening"] > 0) * front
    width = 0.34 * ((y - 3.3) / 1.5).clamp(0.15, 1)
    lapel = smoothstep(0.02, 0.004, (x - edge - width).abs()) * numbers["lapels"] * front
    row = ((y * 2.1) % 1 - 0.5) / 2.1
    button = (
        smoothstep(0.055, 0.04, torch.sqrt(x**2 + row**2))
        * numbers["buttons"]
        * front
        * (1 - inside)
    )
    colour = mix(colour, colour * 0.5 + 0.03, button)
    zipper = smoothstep(0.035, 0.025, x) * numbers["zip"] * front * (1 - inside)
    metal = 0.25 + 0.3 * (torch.sin(y * 110) > 0)
    colour = mix(colour, metal[:, None].expand_as(colour), zipper)
    shade = 1 - 0.5 * torch.maximum(line, 0.8 * lapel)
    roughness = 0.85 - 0.45 * numbers["shine"] + 0.1 * value_noise(rest * 6)
    return colour, roughness.clamp(0.3, 1), shade
