"""Light on surfaces: presets, how a surface answers, and shadows from a depth map of the light.

Colours are linear. The camera looks along -z; light directions point from the person to the light.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import normalize

from engine.demo.people.view import View

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Preset:
    """`soft` widens terminator and shadow's edge (0 hard .. 1); `rim` lights from behind."""

    key: Rgb
    sky: Rgb
    ground: Rgb
    soft: float
    rim: float = 0.0


PRESETS: dict[str, Preset] = {
    "studio softbox": Preset((2.1, 2.08, 2.05), (0.62, 0.63, 0.65), (0.42, 0.41, 0.4), 0.6, 0.5),
    "hard studio light": Preset((2.9, 2.85, 2.8), (0.3, 0.31, 0.34), (0.2, 0.2, 0.2), 0.12, 0.9),
    "window light": Preset((2.1, 2.15, 2.3), (0.48, 0.5, 0.56), (0.32, 0.3, 0.27), 0.75),
    "outdoor daylight": Preset((2.5, 2.4, 2.2), (0.62, 0.7, 0.85), (0.33, 0.34, 0.28), 0.2, 0.3),
    "golden hour": Preset((2.7, 1.9, 1.15), (0.55, 0.52, 0.58), (0.36, 0.28, 0.2), 0.3, 0.8),
    "evening light": Preset((1.5, 1.2, 0.95), (0.32, 0.36, 0.55), (0.26, 0.22, 0.24), 0.45, 0.7),
    "dim room light": Preset((1.25, 1.02, 0.76), (0.32, 0.28, 0.25), (0.22, 0.18, 0.14), 0.5),
    "overcast": Preset((1.05, 1.08, 1.12), (1.05, 1.1, 1.18), (0.4, 0.4, 0.38), 0.95),
}


@dataclass(frozen=True)
class Lights:
    """One key light, sky, ground and rim a picture: (batch, 3) directions and colours."""

    direction: torch.Tensor
    key: torch.Tensor
    sky: torch.Tensor
    ground: torch.Tensor
    soft: torch.Tensor
    rim_direction: torch.Tensor
    rim: torch.Tensor


def make_lights(views: Sequence[View], device: str) -> Lights:
    presets = [PRESETS[view.light] for view in views]

    def table(rows: list[Rgb]) -> torch.Tensor:
        return torch.tensor(rows, device=device)

    return Lights(
        direction=table([_towards(view.light_azimuth, view.light_elevation) for view in views]),
        key=table([preset.key for preset in presets]),
        sky=table([preset.sky for preset in presets]),
        ground=table([preset.ground for preset in presets]),
        soft=torch.tensor([preset.soft for preset in presets], device=device),
        rim_direction=table([_towards(view.light_azimuth + 165, 25) for view in views]),
        rim=torch.tensor([preset.rim for preset in presets], device=device),
    )


def _towards(azimuth: float, elevation: float) -> Rgb:
    a, e = math.radians(azimuth), math.radians(elevation)
    return math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)


@dataclass(frozen=True)
class Surface:
    """What is needed to light points: all (points, 3), or (points,) for the last three."""

    position: torch.Tensor
    normal: torch.Tensor
    sight: torch.Tensor
    picture: torch.Tensor
    shadow: torch.Tensor
    occlusion: torch.Tensor


def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum(-1)


def diffuse(surface: Surface, lights: Lights, bleed: torch.Tensor) -> torch.Tensor:
    """Light that a matt surface scatters (points, 3); `bleed` (3,) reddens the terminator."""
    p = surface.picture
    cosine = dot(surface.normal, lights.direction[p])[:, None]
    wrap = bleed + 0.45 * lights.soft[p][:, None]
    lit = ((cosine + wrap) / (1 + wrap)).clamp(min=0) ** 1.35
    key = lit * lights.key[p] * surface.shadow[:, None] ** (1 / (1 + 1.5 * bleed))
    up = surface.normal[:, 1:2] * 0.5 + 0.5
    fill = 0.8 * (lights.ground[p] + (lights.sky[p] - lights.ground[p]) * up)
    shade = surface.occlusion[:, None] ** (1 / (1 + 1.2 * bleed))
    rim = dot(surface.normal, lights.rim_direction[p]).clamp(min=0)[:, None]
    rim = 0.5 * rim * lights.rim[p][:, None] * lights.key[p]
    return key * (0.45 + 0.55 * shade) + (fill + rim) * shade


def specular(
    surface: Surface, lights: Lights, roughness: torch.Tensor | float, reflectance: float
) -> torch.Tensor:
    """Key and rim highlights of a GGX surface, and a faint mirrored sky: (points, 3)."""
    p = surface.picture
    facing = dot(surface.normal, surface.sight).clamp(min=0.05)
    fresnel = reflectance + (1 - reflectance) * (1 - facing) ** 5 * 0.6
    alpha = torch.as_tensor(roughness, device=p.device) ** 2 + 0.1 * lights.soft[p] ** 2 * 0.3
    total = torch.zeros_like(surface.normal)
    for direction, strength in (
        (lights.direction[p], surface.shadow),
        (lights.rim_direction[p], 0.6 * lights.rim[p]),
    ):
        half = normalize(direction + surface.sight, dim=-1)
        cosine = dot(surface.normal, direction).clamp(min=0)
        peak = dot(surface.normal, half).clamp(0, 1) ** 2 * (alpha**2 - 1) + 1
        lobe = alpha**2 / (math.pi * peak**2) * fresnel / (4 * facing.clamp(min=0.25))
        total = total + (lobe * cosine * strength)[:, None] * lights.key[p]
    return total + (fresnel * 0.35 * surface.occlusion)[:, None] * lights.sky[p]


def light_frame(direction: torch.Tensor) -> torch.Tensor:
    """(batch, 3, 3): rows right, up and towards the light."""
    up = torch.zeros_like(direction)
    up[:, 1] = 1
    right = normalize(torch.linalg.cross(up, direction), dim=-1)
    return torch.stack([right, torch.linalg.cross(direction, right), direction], dim=1)


SHADOW_CENTRE = (0.0, 6.9, 0.3)
SHADOW_REACH_DM = 2.9


def to_light(position: torch.Tensor, frame: torch.Tensor, size_px: int) -> torch.Tensor:
    """Points (batch, n, 3) in the light's picture: pixels and depth in decimetres."""
    offset = position - position.new_tensor(SHADOW_CENTRE)
    local = (offset[:, :, None] * frame[:, None]).sum(-1)
    scale = size_px / (2 * SHADOW_REACH_DM)
    x = size_px / 2 + local[..., 0] * scale
    y = size_px / 2 - local[..., 1] * scale
    return torch.stack([x, y, 10 - local[..., 2]], dim=-1)


def shadow_of(
    depth: torch.Tensor,
    local: torch.Tensor,
    picture: torch.Tensor,
    soft: torch.Tensor,
    jitter: torch.Tensor,
) -> torch.Tensor:
    """How much key light reaches points, 0..1, by a dozen looks at the light's depth map.

    `depth` (batch, h, w), `local` (points, 3) from `to_light`, `jitter` (points,) in 0..1.
    """
    size = depth.shape[-1]
    pixel_dm = 2 * SHADOW_REACH_DM / size
    total = torch.zeros_like(jitter)
    taps = 12
    radius = (0.03 + 0.22 * soft[picture]) / pixel_dm
    for tap in range(taps):
        angle = (tap * 2.39996) + jitter * 6.2832
        reach = radius * math.sqrt((tap + 0.5) / taps)
        x = (local[:, 0] + torch.cos(angle) * reach).long().clamp(0, size - 1)
        y = (local[:, 1] + torch.sin(angle) * reach).long().clamp(0, size - 1)
        bias = 0.05 + 0.5 * reach * pixel_dm
        blocked = (local[:, 2] - depth[picture, y, x] - bias) / 0.06
        total = total + blocked.clamp(0, 1)
    within = ((local[:, :2] > 0) & (local[:, :2] < size)).all(1)
    return 1 - total / taps * within
