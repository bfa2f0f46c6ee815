"""The colour and relief of skin: tone, blush, lips, brows, stubble, freckles, pores, wrinkles.

Everything is painted by place on the resting head (decimetres), so it follows shape and expression.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import normalize

from engine.demo.people.hair import STYLES, beard_area, hairline
from engine.demo.people.identity import Identity
from engine.demo.people.noise import fractal_noise, hash_unit, smoothstep, value_noise
from engine.demo.people.vocabulary import HAIR_COLOURS

TONES = (
    (0.0, (0.93, 0.775, 0.70)),
    (0.18, (0.89, 0.715, 0.61)),
    (0.36, (0.79, 0.595, 0.47)),
    (0.55, (0.62, 0.435, 0.325)),
    (0.78, (0.42, 0.28, 0.205)),
    (1.0, (0.25, 0.165, 0.125)),
)
STUBBLE = {"stubble": 0.6, "short beard": 1.0, "full beard": 1.05, "goatee": 1.0, "moustache": 0.8}
Numbers = dict[str, torch.Tensor]
BLEED = (0.30, 0.12, 0.07)


def linear(colour: torch.Tensor) -> torch.Tensor:
    """sRGB to linear."""
    return torch.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def tone(melanin: float, undertone: float) -> tuple[float, float, float]:
    """sRGB of bare skin."""
    for (low, start), (high, end) in itertools.pairwise(TONES):
        if melanin <= high:
            part = max(0.0, (melanin - low) / (high - low))
            r, g, b = (s + (e - s) * part for s, e in zip(start, end, strict=True))
            return r + 0.012 * undertone, g, b - 0.02 * undertone
    return TONES[-1][1]


@dataclass(frozen=True)
class Complexion:
    """Skin numbers of a batch, one row a picture; colours (batch, 3) are linear."""

    base: torch.Tensor
    lip: torch.Tensor
    hair: torch.Tensor
    numbers: torch.Tensor


NUMBERS: tuple[str, ...] = (
    "redness", "freckles", "wrinkles", "makeup", "brow", "brow_dark", "male", "stubble",
    "chin_only", "moustache_only", "recede", "scalp", "melanin", "seed",
)  # fmt: skip


def make_complexions(people: Sequence[Identity], device: str) -> Complexion:
    base = linear(torch.tensor([tone(p.melanin, p.undertone) for p in people]))
    lips = []
    for person in people:
        red = (
            torch.tensor([0.62, 0.16, 0.17])
            if person.lip_tint > 0.5
            else torch.tensor([0.6, 0.27, 0.27])
        )
        bare = torch.tensor(tone(person.melanin, 0)) * torch.tensor([0.93, 0.74, 0.74])
        red = red * (1 - 0.45 * person.melanin)
        share = 0.1 + 0.45 * person.makeup
        lips.append(bare * (1 - share) + red * share)
    hair = linear(torch.tensor([HAIR_COLOURS[p.hair_colour] for p in people]))
    rows = []
    for p in people:
        style = STYLES[p.hair_style]
        scalp = 0.0 if style is None else 0.8 if p.hair_style == "buzz cut" else 0.97
        rows.append(
            (p.redness, p.freckles, p.wrinkles, p.makeup, p.brow_thickness, p.brow_darkness,
             p.masculinity, STUBBLE.get(p.beard, 0.08 * p.masculinity), p.beard == "goatee",
             p.beard == "moustache", style.recede if style else 0.0, scalp, p.melanin,
             p.seed % 977)
        )  # fmt: skip
    return Complexion(
        base.to(device),
        linear(torch.stack(lips)).to(device),
        hair.to(device),
        torch.tensor(rows, dtype=torch.float32, device=device),
    )


def mix(a: torch.Tensor, b: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    return a + (b - a) * share[..., None]


def blob(rest: torch.Tensor, x: float, y: float, radius_x: float, radius_y: float) -> torch.Tensor:
    """A soft spot on both sides of the face, 1 in its middle."""
    dx = (rest[:, 0].abs() - x) / radius_x
    dy = (rest[:, 1] - y) / radius_y
    return torch.exp(-(dx**2 + dy**2)) * smoothstep(0.6, 1.0, rest[:, 2])


def paint_skin(
    rest: torch.Tensor,
    masks: torch.Tensor,
    picture: torch.Tensor,
    skin: Complexion,
    detail: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Albedo (points, 3) and roughness (points,); `masks` (points, 4): lips, ears, mouth, turn."""
    numbers: Numbers = dict(zip(NUMBERS, skin.numbers[picture].unbind(1), strict=True))
    colour = skin.base[picture]
    place = rest + numbers["seed"][:, None] * 0.37
    blotch = fractal_noise(place * 5, 3)
    colour = colour * (1 + 0.22 * (blotch - 0.5))[:, None]
    flush = 0.8 * blob(rest, 0.47, 6.93, 0.2, 0.18) + 0.7 * blob(rest, 0.0, 6.93, 0.16, 0.12)
    flush = (flush + 0.5 * masks[:, 1]) * (0.35 + 0.65 * numbers["redness"]) * (1.2 - blotch * 0.6)
    rosy = colour * torch.tensor([1.0, 0.68, 0.66], device=rest.device)
    colour = mix(
        colour,
        rosy,
        (flush + 0.3 * numbers["makeup"] * blob(rest, 0.55, 6.98, 0.2, 0.13)).clamp(0, 1) * 0.6,
    )
    bag = blob(rest, 0.29, 7.11, 0.15, 0.06) * (0.25 + 0.5 * numbers["wrinkles"])
    colour = mix(colour, colour * torch.tensor([0.72, 0.6, 0.66], device=rest.device), bag)
    lid = blob(rest, 0.31, 7.37, 0.17, 0.055) * (0.2 + 0.55 * numbers["makeup"])
    colour = mix(colour, colour * torch.tensor([0.62, 0.5, 0.5], device=rest.device), lid)
    colour = _lids(colour, rest, numbers)
    colour = _freckles(colour, rest, numbers)
    colour = colour * (1 - 0.05 * (hash_unit((place * 90).floor().int()) - 0.5) * detail)[:, None]
    lips = smoothstep(0.25, 0.75, masks[:, 0])
    lines = 0.86 + 0.28 * value_noise(torch.stack([place[:, 0] * 55, place[:, 1] * 9], -1))
    colour = mix(colour, skin.lip[picture] * lines[:, None], lips)
    colour = mix(
        colour,
        colour.new_tensor([0.09, 0.02, 0.02]).expand_as(colour),
        masks[:, 2].clamp(0, 1) * 0.9,
    )
    colour = _brows(colour, rest, skin.hair[picture], numbers)
    colour = _stubble(colour, rest, skin.hair[picture], numbers, lips)
    colour = _scalp(colour, rest, skin.hair[picture], numbers, masks[:, 1])
    roughness = 0.47 + 0.1 * blotch - 0.08 * blob(rest, 0.0, 7.0, 0.12, 0.5) - 0.12 * lips
    return colour, roughness.clamp(0.25, 0.8)


EYE_PLACE = (0.3078, 7.284, 1.2453)
EYE_RADIUS = 0.1495


def _lids(colour: torch.Tensor, rest: torch.Tensor, numbers: Numbers) -> torch.Tensor:
    """The lash line and the fold above it, by distance from the resting eyeball."""
    x, y, z = EYE_PLACE
    away = torch.stack([rest[:, 0].abs() - x, rest[:, 1] - y, rest[:, 2] - z], -1)
    distance = away.norm(dim=-1) - EYE_RADIUS
    upper = smoothstep(-0.02, 0.03, away[:, 1])
    outer = smoothstep(-0.15, 0.12, away[:, 0])
    front = smoothstep(0.0, 0.05, away[:, 2])
    reach = 0.017 + 0.016 * outer + 0.012 * numbers["makeup"]
    lash = smoothstep(reach + 0.008, reach - 0.004, distance) * upper * front
    lower = smoothstep(0.012, 0.002, distance) * (1 - upper) * front
    dark = colour.new_tensor([0.025, 0.016, 0.014])
    colour = mix(colour, colour * colour.new_tensor([0.75, 0.45, 0.42]), lower * 0.7)
    return mix(colour, dark.expand_as(colour), lash * (0.8 + 0.15 * numbers["makeup"]))


def _freckles(colour: torch.Tensor, rest: torch.Tensor, numbers: Numbers) -> torch.Tensor:
    noise = value_noise(rest * 30 + numbers["seed"][:, None])
    where = blob(rest, 0.25, 7.0, 0.4, 0.22)
    spots = smoothstep(0.66, 0.78, noise) * where * numbers["freckles"]
    return mix(colour, colour * colour.new_tensor([0.66, 0.5, 0.4]), spots * 0.8)


def _brows(
    colour: torch.Tensor, rest: torch.Tensor, hair: torch.Tensor, numbers: Numbers
) -> torch.Tensor:
    x = rest[:, 0].abs()
    along = ((x - 0.10) / 0.50).clamp(0, 1)
    arch = 7.505 + 0.047 * torch.sin(along * 2.6) - 0.03 * along
    thick = (0.058 - 0.036 * along) * numbers["brow"]
    across = (rest[:, 1] - arch) / thick
    strokes = value_noise(
        torch.stack(
            [x * 62 - rest[:, 1] * (30 - 45 * along), rest[:, 1] * 14 + numbers["seed"]], -1
        )
    )
    ends = smoothstep(0.075, 0.14, x) * smoothstep(0.63, 0.52, x)
    body = (1 - across.abs() ** 2.2).clamp(min=0) * ends * smoothstep(0.9, 1.1, rest[:, 2])
    share = (body * (0.55 + 0.9 * strokes)).clamp(0, 1) * (0.55 + 0.4 * numbers["brow_dark"])
    dark = hair * 0.5 + 0.004
    return mix(colour, dark, share)


def _stubble(
    colour: torch.Tensor,
    rest: torch.Tensor,
    hair: torch.Tensor,
    numbers: Numbers,
    lips: torch.Tensor,
) -> torch.Tensor:
    moustache, chin, jaw = beard_area(rest)
    everywhere = (1 - numbers["chin_only"]) * (1 - numbers["moustache_only"])
    area = torch.maximum(
        moustache, torch.maximum(chin * (1 - numbers["moustache_only"]), jaw * everywhere)
    )
    shade = (
        0.1
        * numbers["male"]
        * torch.stack([moustache, chin, jaw]).amax(0)
        * smoothstep(0.4, 0.9, numbers["male"])
    )
    grain = hash_unit((rest * 75).floor().int())
    share = area * numbers["stubble"] * (0.6 + 0.4 * grain) + shade * (1 - numbers["melanin"] * 0.6)
    return mix(colour, hair * 0.6 + colour * 0.12, (share * (1 - lips)).clamp(0, 0.9))


def _scalp(
    colour: torch.Tensor,
    rest: torch.Tensor,
    hair: torch.Tensor,
    numbers: Numbers,
    ears: torch.Tensor,
) -> torch.Tensor:
    above = hairline(rest) - numbers["recede"] * smoothstep(-0.2, 0.7, rest[:, 2])
    ragged = above + 0.07 * (value_noise(rest * 22) - 0.5)
    share = smoothstep(-0.03, 0.05, ragged) * numbers["scalp"] * (1 - ears.clamp(0, 1))
    grain = 0.75 + 0.5 * hash_unit((rest * 60).floor().int())
    return mix(colour, hair * (0.7 * grain)[:, None], share)


def bend_normals(
    normal: torch.Tensor, rest: torch.Tensor, picture: torch.Tensor, skin: Complexion
) -> torch.Tensor:
    """Adds pores and the wrinkles of forehead, eyes and mouth to unit normals (points, 3)."""
    numbers: Numbers = dict(zip(NUMBERS, skin.numbers[picture].unbind(1), strict=True))
    place = rest + numbers["seed"][:, None] * 0.37
    pores = torch.stack([value_noise(place * 34 + 9 * k) for k in range(3)], -1) - 0.5
    front = smoothstep(0.8, 1.2, rest[:, 2])
    wave = torch.sin((rest[:, 1] + 0.05 * torch.sin(rest[:, 0] * 5 + numbers["seed"])) * 52)
    forehead = wave * smoothstep(7.58, 7.68, rest[:, 1]) * smoothstep(8.0, 7.85, rest[:, 1])
    fan = (rest[:, 1] - 7.27) / (rest[:, 0].abs() - 0.3).clamp(min=0.05)
    crow = torch.sin(fan * 9) * blob(rest, 0.62, 7.25, 0.09, 0.12)
    fold = rest[:, 0].abs() - 0.2 - (6.95 - rest[:, 1]) * 0.42
    fold = (
        -fold
        / 0.05
        * torch.exp(-((fold / 0.05) ** 2))
        * smoothstep(6.6, 6.7, rest[:, 1])
        * smoothstep(7.0, 6.9, rest[:, 1])
    )
    old = numbers["wrinkles"] * front
    bend = 0.11 * pores
    bend[:, 1] += old * (0.16 * forehead + 0.25 * crow)
    bend[:, 0] += torch.sign(rest[:, 0]) * (0.1 + 0.45 * old) * fold * front
    return normalize(normal + bend, dim=-1)
