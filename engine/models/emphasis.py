"""How much each part of a picture counts in a loss. Knows numbers; knows no model and no person."""

import torch
from torch import Tensor

_HEAD_MARGIN = 0.2
"""Of the face's box, on each side, and twice that above."""


def weighted_mse(predicted: Tensor, target: Tensor, emphasis: Tensor | None = None) -> Tensor:
    """The mean of squared errors in fp32, each times its emphasis."""
    squares = (predicted.float() - target).square()
    return (squares if emphasis is None else squares * emphasis).mean()


def head_weights(faces: Tensor, rows: int, columns: int, factor: float) -> Tensor:
    """(n, rows, columns): the head counts `factor` times as much as what is around it, and each
    picture 1 on average.

    `faces` (n, 4) are left, top, right and bottom in shares of the picture's sides, from the brows
    to the chin; a head is wider and higher.
    """
    left, top, right, bottom = faces.T[..., None]
    grow_x, grow_y = _HEAD_MARGIN * (right - left), _HEAD_MARGIN * (bottom - top)
    across = _covered(left - grow_x, right + grow_x, columns)
    down = _covered(top - 2 * grow_y, bottom + grow_y, rows)
    weights = 1 + (factor - 1) * down[:, :, None] * across[:, None, :]
    return weights / weights.mean((1, 2), keepdim=True)


def _covered(start: Tensor, end: Tensor, count: int) -> Tensor:
    """(n, count): of each of `count` equal cells, the share between start and end (n, 1)."""
    edges = torch.arange(count + 1, device=start.device) / count
    return (edges[1:].minimum(end) - edges[:-1].maximum(start)).clamp(min=0) * count
