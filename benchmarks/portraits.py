"""Draws the synthetic people for the benchmark: seeds and views in, RGB pictures out."""

from collections.abc import Sequence

import numpy as np
import torch

from engine.demo.people.identity import Identity
from engine.demo.people.renderer import draw
from engine.demo.people.view import View
from engine.photos.decoding import RGB

PHOTO_PX = 512
"""The smallest photo that the checks accept."""


def draw_portraits(
    people: Sequence[tuple[int, View]], size_px: int = PHOTO_PX, device: str = "cpu"
) -> list[RGB]:
    """(size_px, size_px, 3) for each (identity seed, view)."""
    if not people:
        return []
    pictures = draw([(Identity.from_seed(seed), view) for seed, view in people], size_px, device)
    return list(to_pixels(pictures))


def to_pixels(pictures: torch.Tensor) -> np.ndarray:
    """(batch, 3, height, width) uint8 to (batch, height, width, 3)."""
    return np.ascontiguousarray(pictures.permute(0, 2, 3, 1).cpu().numpy())
