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


def weight_planes(corners: torch.Tensor) -> torch.Tensor:
    """(n, 3 corners, xyz) -> (n, 2, 3): the first two weights as planes over (x, y, 1)."""
    (ax, ay, _), (bx, by, _), (cx, cy, _) = (corners[:, k].unbind(-1) for k in range(3))
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    inverse = 1 / torch.where(area.abs() < 1e-9, torch.full_like(area, 1e-9), area)
    first = torch.stack([by - cy, cx - bx, bx * cy - cx * by], -1)
    second = torch.stack([cy - ay, ax - cx, cx * ay - ax * cy], -1)
    return torch.stack([first, second], 1) * inverse[:, None, None]


def _row_spans(
    planes: torch.Tensor, y: torch.Tensor, size_px: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """First and last covered pixel column of triangle rows at heights `y`: (rows,) each."""
    low = torch.zeros_like(y)
    high = torch.full_like(y, size_px)
    third = -planes.sum(1)
    third[:, 2] += 1
    for edge in (planes[:, 0], planes[:, 1], third):
        slope, rest = edge[:, 0], edge[:, 1] * y + edge[:, 2]
        flat = slope.abs() < 1e-12
        cut = -rest / torch.where(flat, torch.ones_like(slope), slope)
        low = torch.where((slope > 0) & ~flat, torch.maximum(low, cut), low)
        high = torch.where((slope < 0) & ~flat, torch.minimum(high, cut), high)
        high = torch.where(flat & (rest < 0), torch.full_like(high, -1), high)
    return (low - 0.5).ceil(), (high - 0.5).ceil() - 1


def rasterize(
    canvas: Canvas,
    corners: torch.Tensor,
    shown: torch.Tensor,
    values: torch.Tensor | None = None,
    keep: Keep | None = None,
) -> None:
    """Draws triangles into the canvas.

    `corners` (batch, triangles, 3, xyz) in pixels and decimetres of depth; `shown` (batch,
    triangles) bool. With `keep(triangle, values)`, fragments may be discarded by their triangle
    (fragments,) and the interpolated `values` (batch, triangles, 3, k) given to it as (k,
    fragments). Rows of triangles are set up first, so a fragment costs one step along its row.
    """
    num_triangles = shown.shape[1]
    size = canvas.size_px
    x, y, depth = corners.unbind(-1)
    top = y.amin(2).sub(0.5).ceil().clamp(min=0)
    bottom = y.amax(2).sub(0.5).floor().clamp(max=size - 1)
    on_screen = shown & (x.amax(2) > 0) & (x.amin(2) < size) & (depth.amin(2) > 0.3)
    rows = (bottom - top + 1).clamp(min=0) * on_screen
    pair = rows.flatten().nonzero().squeeze(1)
    if len(pair) == 0:
        return
    chosen = corners.flatten(0, 1)[pair]
    planes = weight_planes(chosen)
    of_row, line = expand(rows.flatten()[pair].long())
    line = line + top.flatten()[pair][of_row]
    row_planes = planes[of_row]
    low, high = _row_spans(row_planes, line + 0.5, size)
    of_span, column = expand((high - low + 1).clamp(min=0).long())
    carried = chosen[:, :, 2:]
    if values is not None:
        carried = torch.cat([carried, values.flatten(0, 1)[pair]], -1)
    carried = carried[of_row]
    start = torch.stack([low + 0.5, line + 0.5, torch.ones_like(line)], -1)
    weights = (row_planes * start[:, None]).sum(-1)
    begin = carried[:, 2] + (weights[..., None] * (carried[:, :2] - carried[:, 2:])).sum(1)
    slope = (row_planes[..., 0, None] * (carried[:, :2] - carried[:, 2:])).sum(1)
    picture = torch.div(pair, num_triangles, rounding_mode="floor")
    triangle = (pair - picture * num_triangles)[of_row]
    first_pixel = (picture[of_row] * size + line.long()) * size + low.long()
    if keep is not None:
        steps = [
            begin[:, k].contiguous()[of_span] + column * slope[:, k].contiguous()[of_span]
            for k in range(1, begin.shape[1])
        ]
        kept = keep(triangle[of_span], torch.stack(steps)).nonzero().squeeze(1)
        of_span, column = of_span[kept], column[kept]
    depth = begin[:, 0].contiguous()[of_span] + column * slope[:, 0].contiguous()[of_span]
    key = (depth.clamp(0, 1000) * DEPTH_STEPS_PER_DM).long() << 32
    pixel = first_pixel[of_span] + column.long()
    canvas.keys.scatter_reduce_(0, pixel, key | triangle[of_span], "amin")


def expand(counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """For counts (2, 3): owners (0, 0, 1, 1, 1) and places (0, 1, 0, 1, 2), the latter float."""
    owner = torch.repeat_interleave(counts)
    starts = counts.cumsum(0) - counts
    place = torch.arange(len(owner), device=owner.device) - starts[owner]
    return owner, place.float()
