"""What is behind the person: studio paper, rooms, streets and nature, out of focus.

Drawn small in sRGB, since nothing in it is sharp, and enlarged.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

from engine.demo.people.skin import linear
from engine.demo.people.view import View

SIDE_PX = 128
Painter = Callable[[torch.Tensor, random.Random], None]
Rgb = tuple[float, float, float]


def _rectangle(canvas: torch.Tensor, box: tuple[float, float, float, float], colour: Rgb) -> None:
    """Fills left, top, right, bottom (shares of the side)."""
    left, top, right, bottom = (int(max(0.0, min(1.0, edge)) * SIDE_PX) for edge in box)
    canvas[:, top:bottom, left:right] = torch.tensor(colour)[:, None, None]


def _disc(
    canvas: torch.Tensor, x: float, y: float, radius: float, colour: Rgb, share: float
) -> None:
    line = (torch.arange(SIDE_PX) + 0.5) / SIDE_PX
    inside = ((line[None] - x) ** 2 + (line[:, None] - y) ** 2 < radius**2).float() * share
    canvas += (torch.tensor(colour)[:, None, None] - canvas) * inside


def _gradient(canvas: torch.Tensor, top: Rgb, bottom: Rgb) -> None:
    ramp = torch.linspace(0, 1, SIDE_PX)[None, :, None]
    canvas[:] = (
        torch.tensor(top)[:, None, None] * (1 - ramp) + torch.tensor(bottom)[:, None, None] * ramp
    )


def _vary(rng: random.Random, colour: Rgb, amount: float) -> Rgb:
    light = rng.uniform(-amount, amount)
    r, g, b = (min(1.0, max(0.0, c + light + rng.uniform(-amount, amount) / 3)) for c in colour)
    return r, g, b


def _paper(colour: Rgb) -> Painter:
    def paint(canvas: torch.Tensor, rng: random.Random) -> None:
        base = _vary(rng, colour, 0.04)
        canvas[:] = torch.tensor(base)[:, None, None]
        line = torch.linspace(0, 1, SIDE_PX)
        x, y = rng.uniform(0.25, 0.75), rng.uniform(0.3, 0.7)
        glow = torch.exp(-((line[None] - x) ** 2 + (line[:, None] - y) ** 2) / 0.35)
        canvas *= 0.72 + 0.38 * glow

    return paint


def _room(wall: Rgb, things: int) -> Painter:
    def paint(canvas: torch.Tensor, rng: random.Random) -> None:
        _gradient(canvas, _vary(rng, wall, 0.06), _vary(rng, wall, 0.1))
        x = rng.uniform(-0.1, 0.6)
        _rectangle(canvas, (x, 0.05, x + 0.42, 0.62), (0.86, 0.9, 0.95))
        for bar in (0.0, 0.2, 0.42):
            _rectangle(canvas, (x + bar - 0.012, 0.04, x + bar + 0.012, 0.64), (0.55, 0.55, 0.56))
        for _ in range(things):
            left, top = rng.uniform(-0.1, 1), rng.uniform(0.45, 0.9)
            colour = rng.choice(
                ((0.35, 0.27, 0.2), (0.2, 0.22, 0.26), (0.5, 0.46, 0.4), (0.25, 0.36, 0.28))
            )
            _rectangle(
                canvas, (left, top, left + rng.uniform(0.1, 0.35), 1.0), _vary(rng, colour, 0.06)
            )

    return paint


def _library(canvas: torch.Tensor, rng: random.Random) -> None:
    canvas[:] = torch.tensor((0.2, 0.13, 0.09))[:, None, None]
    height = rng.uniform(0.2, 0.28)
    for shelf in range(6):
        x = -rng.random() * 0.05
        bottom = (shelf + 1) * height - 0.02
        while x < 1:
            width = rng.uniform(0.015, 0.04)
            top = shelf * height + rng.uniform(0.02, 0.08)
            colour = rng.choice(
                (
                    (0.45, 0.16, 0.13),
                    (0.16, 0.24, 0.38),
                    (0.55, 0.45, 0.3),
                    (0.2, 0.33, 0.22),
                    (0.6, 0.57, 0.5),
                )
            )
            _rectangle(canvas, (x, top, x + width, bottom), _vary(rng, colour, 0.06))
            x += width


def _park(canvas: torch.Tensor, rng: random.Random) -> None:
    _gradient(canvas, (0.68, 0.8, 0.93), (0.36, 0.48, 0.2))
    for _ in range(130):
        y = rng.uniform(0.0, 0.75)
        green = rng.choice(
            ((0.16, 0.3, 0.1), (0.3, 0.45, 0.14), (0.42, 0.54, 0.22), (0.1, 0.2, 0.08))
        )
        _disc(canvas, rng.random(), y, rng.uniform(0.03, 0.11), _vary(rng, green, 0.05), 0.75)
    for _ in range(14):
        _disc(
            canvas,
            rng.random(),
            rng.uniform(0, 0.5),
            rng.uniform(0.012, 0.04),
            (0.9, 0.95, 0.8),
            0.6,
        )


def _street(canvas: torch.Tensor, rng: random.Random) -> None:
    _gradient(canvas, (0.76, 0.82, 0.88), (0.5, 0.5, 0.5))
    x = -0.1
    while x < 1.0:
        width = rng.uniform(0.12, 0.3)
        top = rng.uniform(-0.1, 0.4)
        wall = _vary(
            rng, rng.choice(((0.6, 0.54, 0.47), (0.45, 0.46, 0.5), (0.58, 0.4, 0.32))), 0.06
        )
        _rectangle(canvas, (x, top, x + width, 0.85), wall)
        for row in range(6):
            for column in range(3):
                left = x + (0.12 + 0.3 * column) * width
                window = _vary(rng, (0.33, 0.38, 0.45), 0.1)
                _rectangle(
                    canvas,
                    (left, top + 0.05 + row * 0.13, left + 0.18 * width, top + 0.12 + row * 0.13),
                    window,
                )
        x += width


def _dusk(canvas: torch.Tensor, rng: random.Random) -> None:
    _gradient(canvas, (0.12, 0.15, 0.3), (0.16, 0.11, 0.14))
    for _ in range(70):
        colour = rng.choice(
            (
                (1.0, 0.72, 0.35),
                (1.0, 0.5, 0.25),
                (0.95, 0.9, 0.75),
                (0.4, 0.6, 1.0),
                (0.9, 0.25, 0.25),
            )
        )
        _disc(
            canvas,
            rng.random(),
            rng.uniform(0.1, 0.95),
            rng.uniform(0.012, 0.045),
            colour,
            rng.uniform(0.25, 0.8),
        )


def _bricks(canvas: torch.Tensor, rng: random.Random) -> None:
    canvas[:] = torch.tensor(_vary(rng, (0.62, 0.57, 0.52), 0.05))[:, None, None]
    base = rng.choice(((0.55, 0.26, 0.18), (0.48, 0.3, 0.24), (0.6, 0.55, 0.5)))
    for row in range(17):
        for column in range(-1, 9):
            left = (column + 0.5 * (row % 2)) * 0.13
            _rectangle(
                canvas,
                (left, row * 0.062, left + 0.12, row * 0.062 + 0.053),
                _vary(rng, base, 0.07),
            )


def _beach(canvas: torch.Tensor, rng: random.Random) -> None:
    _gradient(canvas, (0.5, 0.72, 0.92), (0.82, 0.88, 0.93))
    horizon = rng.uniform(0.45, 0.6)
    _rectangle(canvas, (0, horizon, 1, horizon + 0.22), (0.2, 0.47, 0.6))
    _rectangle(canvas, (0, horizon + 0.2, 1, 1), (0.84, 0.76, 0.6))


def _mountains(canvas: torch.Tensor, rng: random.Random) -> None:
    _gradient(canvas, (0.5, 0.66, 0.88), (0.8, 0.85, 0.9))
    line = torch.linspace(0, 1, SIDE_PX)
    for height, colour in (
        (0.4, (0.55, 0.62, 0.72)),
        (0.55, (0.35, 0.43, 0.42)),
        (0.72, (0.24, 0.34, 0.2)),
    ):
        ridge = torch.full_like(line, height)
        for k in (1, 2, 4):
            ridge = ridge + 0.12 / k * torch.sin(line * 6.28 * k * 0.8 + rng.uniform(0, 6.28))
        below = (line[:, None] > ridge[None]).float()
        canvas += (torch.tensor(colour)[:, None, None] - canvas) * below


PAINTERS: dict[str, Painter] = {
    "grey studio": _paper((0.6, 0.605, 0.615)),
    "white studio": _paper((0.97, 0.97, 0.97)),
    "blue studio": _paper((0.27, 0.41, 0.62)),
    "dark studio": _paper((0.15, 0.15, 0.165)),
    "office": _room((0.72, 0.73, 0.74), 6),
    "living room": _room((0.7, 0.62, 0.52), 7),
    "kitchen": _room((0.84, 0.82, 0.78), 5),
    "lab": _room((0.8, 0.87, 0.9), 6),
    "library": _library,
    "park": _park,
    "city street": _street,
    "city at dusk": _dusk,
    "brick wall": _bricks,
    "beach": _beach,
    "mountains": _mountains,
}
BLUR_PX = {"brick wall": 3, "library": 5, "city at dusk": 3, "park": 5}


NUM_VARIANTS = 48


@functools.lru_cache(maxsize=len(PAINTERS) * NUM_VARIANTS * 2)
def paint_background(name: str, variant: int, blur_px: int) -> torch.Tensor:
    """sRGB (3, SIDE_PX, SIDE_PX) on the CPU, already out of focus."""
    rng = random.Random(f"background {name} {variant}")
    canvas = torch.zeros(3, SIDE_PX, SIDE_PX)
    PAINTERS[name](canvas, rng)
    width = BLUR_PX.get(name, 7) + blur_px
    for _ in range(2):
        canvas = avg_pool2d(canvas[None], width, 1, width // 2, count_include_pad=False)[0]
    return canvas.clamp(0, 1)


def paint_backgrounds(views: Sequence[View], size_px: int, device: str) -> torch.Tensor:
    """Linear light (batch, 3, size, size); each view's own cut, mirroring and brightness."""
    small = torch.stack(
        [
            paint_background(v.background, v.seed % NUM_VARIANTS, 0 if v.kind == "selfie" else 2)
            for v in views
        ]
    ).to(device)
    cuts: list[tuple[Rgb, Rgb]] = []
    for view in views:
        rng = random.Random(f"cut {view.seed}")
        zoom = rng.uniform(0.75, 1.0)
        slack = 1 - zoom
        mirror = rng.choice((-1.0, 1.0))
        cuts.append(
            (
                (zoom * mirror, 0.0, rng.uniform(-slack, slack)),
                (0.0, zoom, rng.uniform(-slack, slack)),
            )
        )
    theta = torch.tensor(cuts, dtype=torch.float32, device=device)
    grid = affine_grid(theta, [len(cuts), 3, size_px, size_px], align_corners=False)
    large = grid_sample(small, grid, padding_mode="border", align_corners=False)
    return linear(large) * 1.1
