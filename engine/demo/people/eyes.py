"""Eyeballs and teeth: colour by direction on the eye and by place in the mouth."""

from __future__ import annotations

import math

import torch

from engine.demo.people.noise import smoothstep, value_noise
from engine.demo.people.skin import mix

IRIS_RADIUS = math.radians(23.0)


def gaze_directions(gaze: torch.Tensor) -> torch.Tensor:
    """(batch, 2) degrees right and up, to unit vectors (batch, 3) in the head's frame."""
    right, up = torch.deg2rad(gaze).unbind(-1)
    return torch.stack(
        [torch.sin(right) * torch.cos(up), torch.sin(up), torch.cos(right) * torch.cos(up)], -1
    )


def paint_eye(local: torch.Tensor, gaze: torch.Tensor, iris: torch.Tensor) -> torch.Tensor:
    """Albedo (points, 3) at directions `local` from the eye's centre, in the head's frame."""
    local = torch.nn.functional.normalize(local, dim=-1)
    angle = torch.acos((local * gaze).sum(-1).clamp(-1, 1)) / IRIS_RADIUS
    around = torch.atan2(local[:, 1] - gaze[:, 1], local[:, 0] - gaze[:, 0])
    fibres = value_noise(torch.stack([around * 7, angle * 2.5], -1))
    white = local.new_tensor([0.72, 0.66, 0.62]).expand_as(local)
    corner = smoothstep(0.35, 0.8, local[:, 0].abs())
    white = mix(white, local.new_tensor([0.6, 0.38, 0.34]).expand_as(local), corner * 0.55)
    colour = iris * (0.65 + 0.8 * fibres)[:, None] * (1.15 - 0.35 * angle)[:, None]
    colour = colour * smoothstep(1.02, 0.8, angle)[:, None] + 0.006
    colour = mix(colour, torch.full_like(colour, 0.004), smoothstep(0.44, 0.36, angle))
    return mix(white, colour, smoothstep(1.06, 0.94, angle))


def paint_teeth(rest: torch.Tensor) -> torch.Tensor:
    gap = (rest[:, 0] * 11.5).frac().abs()
    line = smoothstep(0.0, 0.1, torch.minimum(gap, 1 - gap))
    depth = smoothstep(1.0, 1.42, rest[:, 2])
    tint = rest.new_tensor([0.74, 0.69, 0.6])
    return tint * ((0.7 + 0.3 * line) * (0.6 + 0.6 * depth))[:, None]
