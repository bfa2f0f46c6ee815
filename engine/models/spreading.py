"""Branches as further columns of rounded matrices, so that a product needs no second pass.

Whoever is seated is written there once, all matrices in one kernel. Knows where numbers go; knows
neither layers nor products (see `lora`, `linears`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from engine.models import trials
from engine.models.rounding import FP8, FP8_MOST
from engine.models.rows import power_for

_SMALLEST = 1e-12
_ROOM = 256.0
"""The largest number of a branch beside a rounded matrix: there is as much above it as rounding the
matrix may have left, and below it fourteen powers of two."""
_ROWS = 64
"""Of a part, which one program writes."""
_CLOSE = 0.04
"""What rounding itself may change."""


@dataclass(frozen=True)
class Part:
    """One layer's matrix of a branch, and the columns of a rounded matrix that it goes into.

    The product's other side has to bring what belongs to the branch times `share`, which is chosen
    so that both fit.
    """

    source: Tensor
    """(rows, rank), in any strides."""
    most: Tensor
    """The branch's largest number, (), fp32."""
    room: Tensor
    """(rows, rank), fp8, columns side by side."""
    share: Tensor
    """(1,), fp32; the same for all parts of a branch that take part in one product."""
    strength: Tensor | None = None
    """(), times which the branch counts; None where the other side has it already."""
    scales: Tensor | None = None
    """(rows, 1), fp32: those of the rounded matrix's rows."""
    reach: Tensor | None = None
    """The reciprocal of the least of all scales of the matrix, (1,), fp32."""


class Spreader:
    """Writes all parts of a network anew."""

    def __init__(self, parts: Sequence[Part]) -> None:
        """All parts lie on one device, have one rank, and sources of one dtype."""
        self.parts = tuple(parts)
        self._by_kernel = False
        if parts and parts[0].source.device.type == "cuda" and _works(parts[0].source.device):
            self._by_kernel = True
            self._table, self._jobs = _listed(parts)

    @torch.no_grad()
    def spread(self) -> None:
        if self._by_kernel:
            _launch(self.parts, self._table, self._jobs)
            return
        for part in self.parts:
            _write(part)


def _write(part: Part) -> None:
    widest = part.most if part.reach is None else part.most * part.reach
    unit = widest.clamp(min=_SMALLEST) / _ROOM
    wide = part.source.float() / unit
    if part.scales is not None:
        wide = wide / part.scales
    part.room.copy_(wide.clamp(-FP8_MOST, FP8_MOST).to(FP8))
    part.share.copy_(unit if part.strength is None else unit * part.strength.float())


_NOWHERE = -(1 << 62)
"""Of what a part does not have."""


def _listed(parts: Sequence[Part]) -> tuple[Tensor, Tensor]:
    """What the kernel reads: a row for each part, and which part and row each program begins at.

    Tensors stand as how far they lie from the first part's of the same kind.
    """
    first, numbers = parts[0], list[list[int]]()
    for part in parts:
        numbers.append([
            _distance(first.source, part.source), *part.source.stride(), part.source.shape[0],
            _distance(first.room, part.room), part.room.stride(0),
            *(_distance(first.most, x) for x in
              (part.most, part.share, part.scales, part.reach)),
            int(part.strength is not None),
        ])  # fmt: skip
    jobs = [
        (number, start)
        for number, part in enumerate(parts)
        for start in range(0, part.source.shape[0], _ROWS)
    ]
    device = first.source.device
    return (
        torch.tensor(numbers, dtype=torch.int64, device=device),
        torch.tensor(jobs, dtype=torch.int32, device=device),
    )


def _distance(origin: Tensor, there: Tensor | None) -> int:
    """In numbers."""
    if there is None:
        return _NOWHERE
    assert there.dtype == origin.dtype
    return (there.data_ptr() - origin.data_ptr()) // origin.element_size()


def _launch(parts: Sequence[Part], table: Tensor, jobs: Tensor) -> None:
    first = parts[0]
    strength = next((part.strength for part in parts if part.strength is not None), first.most)
    _kernels().spread[(len(jobs),)](
        table, jobs, first.source, first.room, first.most, strength, columns=first.source.shape[1],
        fields=table.shape[1], nowhere=_NOWHERE, most=FP8_MOST, smallest=_SMALLEST, room=_ROOM,
        row_block=_ROWS, block=power_for(first.source.shape[1]),
    )  # fmt: skip


def _kernels() -> Any:
    from engine.models import spreading_kernel

    return spreading_kernel


@cache
def _works(device: torch.device) -> bool:
    """False where Triton is not installed, or does not give the same numbers."""
    return trials.passes("own_spreading", lambda: _difference(device), _CLOSE)


def _difference(device: torch.device) -> float:
    """The furthest that what is read back lies from what was written."""
    parts = _trial(device)
    _launch(parts, *_listed(parts))
    found = [_read(part) for part in parts]
    strengths = [1.0 if part.strength is None else part.strength.float() for part in parts]
    return trials.furthest(
        found, [part.source.float() * by for part, by in zip(parts, strengths, strict=True)]
    )


def _read(part: Part) -> Tensor:
    wide = part.room.float() * part.share
    return wide if part.scales is None else wide * part.scales


def _trial(device: torch.device) -> list[Part]:
    """Two of one product, side by side, and one that is turned."""
    low, high = torch.randn(2, 150, 16, device=device).bfloat16()
    strength, scales = (
        torch.tensor(0.7, device=device).bfloat16(),
        torch.rand(150, 1, device=device) + 0.1,
    )
    room, turned = (torch.zeros(150, 64, device=device).to(FP8) for _ in range(2))
    most, share, other_share = (torch.ones(1, device=device) * 5 for _ in range(3))
    reach = scales.amin(0).reciprocal()
    return [
        Part(low, most[0], room[:, 16:32], share, strength, scales, reach),
        Part(high, most[0], room[:, 32:48], share, strength, scales, reach),
        Part(low.T.contiguous().T, most[0], turned[:, 48:], other_share),
    ]  # fmt: skip
