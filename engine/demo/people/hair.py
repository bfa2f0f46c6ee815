"""Hair and beards as locks: ribbons that grow from the skin, bend under gravity and avoid the head.

A lock vertex's reference vector is its tangent; texture coordinates are (across -1..1, along
0..1); the free channels are (lock number, depth inside the hair 0..1, curl, brightness).
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import torch
from torch.nn.functional import normalize

from engine.demo.people.anatomy import SKIN as SKIN_PART
from engine.demo.people.anatomy import Anatomy, load_anatomy
from engine.demo.people.noise import smoothstep

NUM_LOCKS, NUM_SEGMENTS = 1000, 9
NUM_BEARD_LOCKS, NUM_BEARD_SEGMENTS = 900, 3
HEAD_CENTRE = (0.0, 7.38, 0.42)
HEAD_RADII = (0.80, 1.14, 1.13)
CROWN = (0.0, 8.35, -0.25)


@dataclass(frozen=True)
class HairStyle:
    """Lengths in decimetres. `comb`: where locks lie; `until_y`: the height where long hair ends.
    `lift` is how far roots stand up, `gravity` how fast locks turn down (1/dm), `curl` the
    curls' radius, `turns` how many a decimetre has, `recede` how far the hairline moves back,
    `width` a lock's width.
    """

    comb: str = "crown"
    length: float = 0.4
    until_y: float | None = None
    lift: float = 0.35
    gravity: float = 1.6
    curl: float = 0.01
    turns: float = 2.0
    recede: float = 0.0
    width: float = 0.06
    puff: float = 0.06
    knot: str | None = None


STYLES: dict[str, HairStyle | None] = {
    "bald": None,
    "buzz cut": HairStyle(length=0.06, lift=0.5, gravity=0.0, width=0.03, puff=0.01),
    "short hair": HairStyle(length=0.42, lift=0.18, puff=0.05, width=0.05),
    "side part": HairStyle(comb="part", length=0.7, lift=0.3, gravity=1.3, puff=0.1),
    "slicked back": HairStyle(comb="back", length=0.6, lift=0.1, gravity=1.6, puff=0.05),
    "curly hair": HairStyle(length=0.85, lift=0.55, gravity=0.8, curl=0.075, turns=2.2, puff=0.16,
                            width=0.08),
    "afro": HairStyle(comb="out", length=0.7, lift=1.0, gravity=0.1, curl=0.05, turns=4.0,
                      puff=0.3, width=0.11),
    "receding hair": HairStyle(length=0.28, lift=0.2, recede=0.32, puff=0.03),
    "bob": HairStyle(comb="middle", until_y=6.25, lift=0.2, gravity=3.2, puff=0.14, width=0.08),
    "long hair": HairStyle(comb="middle", until_y=4.6, lift=0.15, gravity=3.2, puff=0.12,
                           width=0.085),
    "long wavy hair": HairStyle(comb="middle", until_y=4.7, lift=0.25, gravity=2.8, curl=0.06,
                                turns=0.75, puff=0.17, width=0.08),
    "bun": HairStyle(comb="back", length=1.0, lift=0.05, gravity=0.0, puff=0.04, knot="bun"),
    "ponytail": HairStyle(comb="back", length=1.0, lift=0.05, gravity=0.0, puff=0.04, knot="tail"),
    "pixie cut": HairStyle(comb="part", length=0.55, lift=0.3, gravity=2.0, puff=0.09),
}  # fmt: skip
BEARD_LENGTHS = {"short beard": 0.08, "full beard": 0.2, "moustache": 0.1, "goatee": 0.12}


@dataclass(frozen=True)
class Roots:
    """Points on skin triangles: `corner` (n, 3) vertex numbers, `weights` (n, 3), `rest` (n, 3)."""

    corner: torch.Tensor
    weights: torch.Tensor
    rest: torch.Tensor

    def on(self, values: torch.Tensor) -> torch.Tensor:
        """Interpolates vertex values (batch, vertices, c) at the roots: (batch, n, c)."""
        return (values[:, self.corner] * self.weights[..., None]).sum(2)


def hairline(rest: torch.Tensor) -> torch.Tensor:
    """Signed distance above the natural hairline in decimetres, by place on the resting head."""
    x, y, z = rest.unbind(-1)
    angle = torch.rad2deg(torch.atan2(x.abs(), z - 0.3))
    knots = ((0, 7.9), (22, 7.9), (38, 7.7), (52, 7.42), (62, 7.2), (75, 7.1), (95, 7.2),
             (112, 6.75), (135, 6.4), (181, 6.25))  # fmt: skip
    line = torch.full_like(y, knots[0][1])
    for (low, start), (high, end) in itertools.pairwise(knots):
        line = line + (end - start) * ((angle - low) / (high - low)).clamp(0, 1)
    return y - line


def beard_area(rest: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Where moustache, chin beard and jaw beard grow, each 0..1 by place on the resting head."""
    x, y, z = rest.unbind(-1)
    x = x.abs()
    front = smoothstep(1.3, 1.4, z)
    drop = y + 0.18 * (x - 0.12).clamp(min=0)
    moustache = smoothstep(6.68, 6.74, y) * smoothstep(6.91, 6.82, drop) * smoothstep(0.36, 0.24, x)
    corner = smoothstep(0.25, 0.3, x) * smoothstep(0.42, 0.33, x) * smoothstep(6.86, 6.76, y)
    chin = smoothstep(6.52, 6.45, y) * smoothstep(0.42, 0.28, x) * smoothstep(0.85, 1.0, z)
    cheek = 7.12 - (z - 0.6) * 0.52 - 0.05 * smoothstep(0.9, 1.3, z)
    jaw = smoothstep(cheek, cheek - 0.1, y) * smoothstep(0.5, 0.6, z) * smoothstep(0.24, 0.36, x)
    jaw = jaw + chin * (1 - jaw)
    neck = smoothstep(5.92, 6.06, y)
    return moustache * front, torch.maximum(chin, corner * front) * neck, jaw * neck


@functools.cache
def scalp_roots(device: str) -> Roots:
    anatomy = load_anatomy(device)
    centre = _triangle_centres(anatomy)
    ears = anatomy.ears[anatomy.triangles].amax(1)
    above = hairline(centre)
    edge = 1 + 2.5 * smoothstep(0.35, 0.1, above)
    return _sample_roots(anatomy, edge * ((above > -0.03) & (ears < 0.3)), NUM_LOCKS)


@functools.cache
def beard_roots(device: str) -> Roots:
    anatomy = load_anatomy(device)
    area = torch.stack(beard_area(_triangle_centres(anatomy))).amax(0)
    lips = anatomy.lips[anatomy.triangles].amax(1) + anatomy.mouth[anatomy.triangles].amax(1)
    return _sample_roots(anatomy, (area > 0.4) & (lips < 0.4), NUM_BEARD_LOCKS)


def _triangle_centres(anatomy: Anatomy) -> torch.Tensor:
    return anatomy.rest[anatomy.triangles].mean(1)


def _sample_roots(anatomy: Anatomy, chosen: torch.Tensor, count: int) -> Roots:
    a, b, c = anatomy.rest[anatomy.triangles].unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    outward = (normal * (a - a.new_tensor(HEAD_CENTRE))).sum(1) > 0
    area = normal.norm(dim=1) * chosen * (outward & (anatomy.parts == SKIN_PART))
    generator = torch.Generator().manual_seed(7)
    triangle = torch.multinomial(area.cpu(), count, replacement=True, generator=generator)
    weights = torch.rand(count, 2, generator=generator)
    weights = torch.where(weights.sum(1, keepdim=True) > 1, 1 - weights, weights)
    weights = torch.cat([weights, 1 - weights.sum(1, keepdim=True)], 1).to(a.device)
    corner = anatomy.triangles[triangle.to(a.device)]
    return Roots(corner, weights, (anatomy.rest[corner] * weights[..., None]).sum(1))


@functools.cache
def ribbon_triangles(num_locks: int, num_segments: int, device: str) -> torch.Tensor:
    """Triangles of ribbons with two vertices at each of their `num_segments` + 1 joints."""
    joint = torch.arange(num_segments)
    base = torch.arange(num_locks)[:, None] * 2 * (num_segments + 1) + 2 * joint
    quad = torch.stack([base, base + 1, base + 2, base + 1, base + 3, base + 2], dim=-1)
    return quad.reshape(-1, 3).to(device)


@dataclass(frozen=True)
class Skull:
    """Ellipsoids of people's skulls: centres and radii (batch, 1, 3)."""

    centre: torch.Tensor
    radii: torch.Tensor


def fit_skull(roots: Roots, body: torch.Tensor) -> Skull:
    """Scales the resting skull by the box around each person's scalp."""
    rest_low, rest_high = roots.rest.amin(0), roots.rest.amax(0)
    place = roots.on(body)
    low, high = place.amin(1), place.amax(1)
    scale = (high - low) / (rest_high - rest_low)
    centre = (body.new_tensor(HEAD_CENTRE) - rest_low) * scale + low
    return Skull(centre[:, None], (body.new_tensor(HEAD_RADII) * scale)[:, None])


def push_out(points: torch.Tensor, margin: torch.Tensor, skull: Skull) -> torch.Tensor:
    """Moves points (batch, n, 3) out of face, neck, shoulders, skull; `margin` (batch, n)."""
    bodies = (
        (points.new_tensor([0.0, 5.9, 0.25]), points.new_tensor([0.6, 1.2, 0.65])),
        (skull.centre, skull.radii),
    )
    for middle, radii in bodies:
        radius = radii + margin[..., None]
        inside = (points - middle) / radius
        distance = inside.norm(dim=-1, keepdim=True)
        points = torch.where(
            distance < 1, middle + inside / distance.clamp(min=0.05) * radius, points
        )
    return _before_shoulders(_beside_face(points, skull), margin, skull)


def _beside_face(points: torch.Tensor, skull: Skull) -> torch.Tensor:
    """Parts hair to the sides of the face, which would else hang before the eyes."""
    x, y, z = (points - skull.centre).unbind(-1)
    width = skull.radii[..., 0] * (1 - ((y + 0.6) / 1.25) ** 2).clamp(min=0).sqrt() * 0.92
    least = width * smoothstep(0.2, 0.5, z) * smoothstep(0.5, 0.3, y)
    side = torch.where(x < 0, -1.0, 1.0)
    x = torch.where(x.abs() < least, side * least, x)
    return torch.stack([x + skull.centre[..., 0], points[..., 1], points[..., 2]], -1)


def _before_shoulders(points: torch.Tensor, margin: torch.Tensor, skull: Skull) -> torch.Tensor:
    """Lets hair fall before or behind the shoulders, never sideways along them."""
    middle, radius = points.new_tensor([0.0, 4.1, 0.2]), points.new_tensor([2.1, 1.42, 1.1])
    risen = skull.centre[..., 1:2] - HEAD_CENTRE[1]
    middle = middle + risen * points.new_tensor([0.0, 1.0, 0.0])
    inside = (points - middle) / (radius + margin[..., None])
    across, upright = inside[..., 0], inside[..., 1:].norm(dim=-1).clamp(min=0.05)
    room = (1 - across**2).clamp(min=0).sqrt()
    stretch = torch.where(room > upright, room / upright, torch.ones_like(room))[..., None]
    moved = inside * torch.cat([torch.ones_like(stretch), stretch, stretch], -1)
    return middle + moved * (radius + margin[..., None])


def comb(name: str, roots: torch.Tensor, side: float) -> torch.Tensor:
    """Direction (n, 3) in which hair is combed at resting places (n, 3)."""
    x, y, z = roots.unbind(-1)
    zero = torch.zeros_like(x)
    match name:
        case "crown":
            flow = roots - roots.new_tensor(CROWN)
            flow = flow + torch.stack([zero + side * 0.25, zero - 0.1, zero + 0.35], -1)
        case "part":
            parting = torch.tanh((x - side * 0.38) * 6)
            flow = torch.stack([parting, -0.25 - 0.5 * (x * side > 0.38), 0.1 + zero], -1)
        case "middle":
            parting = torch.where(x > side * 0.12, 1.0, -1.0) * (
                0.5 + 0.5 * torch.tanh((x - side * 0.12).abs() * 8)
            )
            flow = torch.stack([parting * 1.1, zero - 0.5, 0.05 - 0.55 * (z > 0.8)], -1)
        case "back":
            flow = torch.stack([-0.12 * x, 0.15 + 0.3 * (7.6 - y), zero - 1.0], -1)
        case _:
            flow = roots - roots.new_tensor(HEAD_CENTRE)
    return normalize(flow, dim=-1)
