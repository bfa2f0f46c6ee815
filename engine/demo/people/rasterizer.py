"""A batched z-buffer in plain torch: which triangle each pixel sees.

All triangles of a batch are expanded at once into the pixels of their bounding boxes; the nearest
fragment wins by `scatter_reduce(amin)` on keys of (depth, triangle).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

DEPTH_STEPS_PER_DM = 1 << 20
EMPTY = (1 << 62) - 1
Keep = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Canvas:
    """`keys` (batch * height * width,) int64: depth in the high bits, triangle in the low 32."""

    keys: torch.Tensor
    batch: int
    size_px: int

    @classmethod
    def empty(cls, batch: int, size_px: int, device: torch.device) -> Canvas:
        keys = torch.full((batch * size_px * size_px,), EMPTY, dtype=torch.int64, device=device)
        return cls(keys, batch, size_px)

    def triangle(self) -> torch.Tensor:
        """Index of the visible triangle of its picture, -1 where there is none: (batch, h, w)."""
        seen = self.keys != EMPTY
        index = torch.where(seen, self.keys & 0xFFFFFFFF, -1)
        return index.view(self.batch, self.size_px, self.size_px)

    def depth(self, far: float) -> torch.Tensor:
        """Depth in decimetres, `far` where nothing is: (batch, h, w)."""
        depth = (self.keys >> 32).float() / DEPTH_STEPS_PER_DM
        depth = torch.where(self.keys != EMPTY, depth, far)
        return depth.view(self.batch, self.size_px, self.size_px)


def barycentric_planes(corners: torch.Tensor) -> torch.Tensor:
    """(..., 3 corners, xyz) -> (..., 9): planes over (x, y, 1) of two weights and the depth."""
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = (
        corners[..., corner, :].unbind(-1) for corner in range(3)
    )
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    inverse = 1 / torch.where(area.abs() < 1e-9, torch.full_like(area, 1e-9), area)
    first = ((by - cy) * inverse, (cx - bx) * inverse, (bx * cy - cx * by) * inverse)
    second = ((cy - ay) * inverse, (ax - cx) * inverse, (cx * ay - ax * cy) * inverse)
    depth = [
        first[k] * (az - cz) + second[k] * (bz - cz) + (cz if k == 2 else 0) for k in range(3)
    ]
    return torch.stack([*first, *second, *depth], dim=-1)


def _row_spans(
    planes: torch.Tensor, y: torch.Tensor, size_px: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """First and last covered pixel column of triangle rows at heights `y`: (rows,) each."""
    low = torch.zeros_like(y)
    high = torch.full_like(y, size_px)
    first, second = planes[:, 0:3], planes[:, 3:6]
    third = -(first + second)
    third = torch.cat([third[:, :2], third[:, 2:] + 1], dim=1)
    for edge in (first, second, third):
        slope, rest = edge[:, 0], edge[:, 1] * y + edge[:, 2]
        cut = -rest / torch.where(slope.abs() < 1e-12, torch.full_like(slope, 1e-12), slope)
        low = torch.where(slope > 0, torch.maximum(low, cut), low)
        high = torch.where(slope < 0, torch.minimum(high, cut), high)
        outside = (slope.abs() < 1e-12) & (rest < 0)
        high = torch.where(outside, torch.full_like(high, -1), high)
    return (low - 0.5).ceil(), (high - 0.5).ceil() - 1


def rasterize(
    canvas: Canvas,
    corners: torch.Tensor,
    shown: torch.Tensor,
    first_index: int,
    keep: Keep | None = None,
) -> None:
    """Draws triangles into the canvas.

    `corners` (batch, triangles, 3, xyz) in pixels and decimetres of depth; `shown` (batch,
    triangles) bool; `first_index` numbers the first triangle; `keep(pair, weights)` may discard
    fragments by their triangle (fragments,) flat over the batch and weights (fragments, 3).
    """
    num_triangles = shown.shape[1]
    size = canvas.size_px
    top = corners[..., 1].amin(dim=2).sub(0.5).ceil().clamp(min=0)
    bottom = corners[..., 1].amax(dim=2).sub(0.5).floor().clamp(max=size - 1)
    on_screen = (corners[..., 0].amax(dim=2) > 0) & (corners[..., 0].amin(dim=2) < size)
    rows = (bottom - top + 1).clamp(min=0) * (shown & on_screen & (corners[..., 2].amin(2) > 0.3))
    pair = rows.flatten().nonzero().squeeze(1)
    if len(pair) == 0:
        return
    planes = barycentric_planes(corners.flatten(0, 1)[pair])
    of_row, line = expand(rows.flatten()[pair].long())
    y = line + top.flatten()[pair][of_row]
    low, high = _row_spans(planes[of_row], y + 0.5, size)
    of_span, column = expand((high - low + 1).clamp(min=0).long())
    owner, y = of_row[of_span], y[of_span]
    x = low[of_span] + column
    plane = planes[owner]
    point = torch.stack([x + 0.5, y + 0.5, torch.ones_like(x)], dim=1)
    if keep is not None:
        first = (plane[:, 0:3] * point).sum(1)
        second = (plane[:, 3:6] * point).sum(1)
        weights = torch.stack([first, second, 1 - first - second], dim=1)
        kept = keep(pair[owner], weights).nonzero().squeeze(1)
        plane, point, owner, x, y = plane[kept], point[kept], owner[kept], x[kept], y[kept]
    depth = (plane[:, 6:9] * point).sum(1)
    picture = torch.div(pair[owner], num_triangles, rounding_mode="floor")
    pixel = (picture * size + y.long()) * size + x.long()
    key = (depth.clamp(0, 1000) * DEPTH_STEPS_PER_DM).long() << 32
    key = key | (pair[owner] - picture * num_triangles + first_index)
    canvas.keys.scatter_reduce_(0, pixel, key, "amin")


def expand(counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """For counts (2, 3): owners (0, 0, 1, 1, 1) and places (0, 1, 0, 1, 2), the latter float."""
    owner = torch.repeat_interleave(counts)
    starts = counts.cumsum(0) - counts
    place = torch.arange(len(owner), device=owner.device) - starts[owner]
    return owner, place.float()
