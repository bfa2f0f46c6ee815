"""From linear light to a photograph: tone curve, vignette, grain, 8 bits."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.demo.people.noise import hash_unit
from engine.demo.people.view import View


def srgb(light: torch.Tensor) -> torch.Tensor:
    light = light.clamp(min=0)
    return torch.where(
        light <= 0.0031308, light * 12.92, 1.055 * light.clamp(min=1e-6) ** (1 / 2.4) - 0.055
    )


def tone_curve(light: torch.Tensor) -> torch.Tensor:
    """A shoulder for the highlights and a slight toe (after Hable's curve, white at 4)."""

    def curve(x: torch.Tensor) -> torch.Tensor:
        return (x * (0.22 * x + 0.03) + 0.002) / (x * (0.22 * x + 0.3) + 0.06) - 0.0333

    return curve(light) / curve(light.new_tensor(4.0))


def develop(light: torch.Tensor, views: Sequence[View], size_px: int) -> torch.Tensor:
    """Linear (batch, 3, h, w) at any multiple of `size_px`, to uint8 (batch, 3, size, size)."""
    device = light.device
    exposure = torch.tensor([view.exposure for view in views], device=device)[:, None, None, None]
    picture = srgb(tone_curve(light * exposure * 1.22).clamp(0, 1))
    grey = picture.mean(1, keepdim=True)
    picture = (grey + 1.12 * (picture - grey)).clamp(0, 1)
    if picture.shape[-1] != size_px:
        picture = torch.nn.functional.interpolate(picture, size=(size_px, size_px), mode="area")
    line = torch.linspace(-1, 1, size_px, device=device)
    corner = line[:, None] ** 2 + line[None] ** 2
    picture = picture * (1 - 0.07 * corner)
    seeds = torch.tensor([view.seed % 65521 for view in views], device=device, dtype=torch.int32)
    pixel = torch.arange(size_px * size_px, device=device, dtype=torch.int32)
    cells = torch.stack(torch.broadcast_tensors(pixel[None], seeds[:, None]), -1)
    grain = (hash_unit(cells) + hash_unit(cells + 77) - 1).view(-1, 1, size_px, size_px)
    dim = torch.tensor(
        [0.035 if "dim" in v.light or "evening" in v.light else 0.014 for v in views]
    )
    picture = picture + grain * dim.to(device)[:, None, None, None]
    return (picture.clamp(0, 1) * 255 + 0.5).to(torch.uint8)
