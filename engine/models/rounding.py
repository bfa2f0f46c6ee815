"""Rounding to fp8 (e4m3; Micikevicius et al., FP8 Formats for Deep Learning, 2022), row by row.

On CUDA by kernels of our own, which read what they round from memory once: a compiler that joins
the rounding to what made the numbers makes them twice, once to find the largest. What is drawn is
rounded by the same kernel that normalises it or applies GELU to it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models import trials
from engine.models.pointwise import EPSILON, gelu, normed
from engine.models.rows import lined_up, power_for, third_of, warps_for

FP8 = torch.float8_e4m3fn
FP8_MOST = 448.0
_SMALLEST_AMAX = 1e-12
_CLOSE = 0.005
"""A fifth of what rounding itself changes."""


def to_fp8(
    rows: Tensor, factors: Tensor | None = None, scales: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """(rows, columns), each column times its factor (columns,), rounded to e4m3; and what to
    multiply each row by: (rows, 1), fp32.

    `scales` are numbers that this dtype has too: where it is the computation's, restoring adds no
    error of its own.
    """
    wide = rows.float() if factors is None else rows.float() * factors
    most = wide.abs().amax(dim=-1, keepdim=True).clamp(min=_SMALLEST_AMAX)
    scale = (most * (1 / FP8_MOST)).to(scales).float()
    scaled = (wide * scale.reciprocal()).clamp(-FP8_MOST, FP8_MOST)
    return scaled.to(FP8), scale


@torch.library.custom_op("headshot::rounded", mutates_args=())
def rounded(
    rows: Tensor, factors: Tensor | None = None, beside: Tensor | None = None,
    share: Tensor | None = None, room: int = 0,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """As `to_fp8`, by the fastest kernel there is. Not differentiable.

    After the columns comes room for so many more: `beside` (rows, few), times the number `share`,
    which is rounded with them, then zeros.
    """
    if rows.device.type == "cuda" and _works("round_rows", rows.device):
        return _launch(rows, factors, beside, share, room)
    wide = rows.float() if factors is None else rows.float() * factors
    if beside is not None:
        low = beside.float() * (1.0 if share is None else share)
        wide = torch.cat((wide, F.pad(low, (0, room - low.shape[1]))), -1)
    return to_fp8(wide)


@rounded.register_fake
def _(
    rows: Tensor, factors: Any = None, beside: Any = None, share: Any = None, room: int = 0
) -> tuple[Tensor, Tensor]:
    scale = rows.new_empty(rows.shape[0], 1, dtype=torch.float32)
    return rows.new_empty(rows.shape[0], rows.shape[1] + room, dtype=FP8), scale


@torch.library.custom_op("headshot::rounded_norm", mutates_args=())
def rounded_norm(x: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """`normed`, its tokens as rows (b t, d), rounded. Not differentiable."""
    if x.device.type != "cuda" or not _works("round_normed", x.device):
        return to_fp8(normed(x, shift, scale).flatten(0, -2))
    return _launch_norm(x, shift, scale)


@rounded_norm.register_fake
def _(x: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    count = x.shape[0] * x.shape[1]
    return (
        x.new_empty(count, x.shape[2], dtype=FP8),
        x.new_empty(count, 1, dtype=torch.float32),
    )


@torch.library.custom_op("headshot::rounded_gelu", mutates_args=())
def rounded_gelu(hidden: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
    """GELU of (b, t, h), after `before` (b, t, d) as it is, as rows (b t, d + h), rounded.

    Not differentiable.
    """
    if hidden.device.type == "cuda" and _works("round_gelu", hidden.device):
        return _launch_gelu(hidden, before)
    rows = gelu(hidden.float())
    return to_fp8((rows if before is None else torch.cat((before, rows), -1)).flatten(0, -2))


@rounded_gelu.register_fake
def _(hidden: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
    count = hidden.shape[0] * hidden.shape[1]
    columns = hidden.shape[2] + (0 if before is None else before.shape[2])
    return (
        hidden.new_empty(count, columns, dtype=FP8),
        hidden.new_empty(count, 1, dtype=torch.float32),
    )


def _launch(
    rows: Tensor, factors: Tensor | None, beside: Tensor | None = None,
    share: Tensor | None = None, room: int = 0,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Has one program for each row compute it."""
    rows = lined_up(rows)
    count, columns = rows.shape
    out, scale = _empty(count, columns + room, rows)
    _kernels().round_rows[(count,)](
        rows, rows if factors is None else factors, rows if beside is None else beside,
        rows if share is None else share, out, scale, rows.stride(0), columns=columns,
        few=0 if beside is None else beside.shape[1], room=room,
        has_factors=factors is not None, has_share=share is not None, most=FP8_MOST,
        smallest=_SMALLEST_AMAX, third=third_of(columns), room_block=power_for(room),
        num_warps=warps_for(columns),
    )  # fmt: skip
    return out, scale


def _launch_norm(x: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    batch, tokens, columns = x.shape
    x, shift, scale = x.contiguous(), lined_up(shift), lined_up(scale)
    out, row_scale = _empty(batch * tokens, columns, x)
    _kernels().round_normed[(batch * tokens,)](
        x, shift, scale, out, row_scale, tokens, shift.stride(0), scale.stride(0),
        columns=columns, epsilon=EPSILON, most=FP8_MOST, smallest=_SMALLEST_AMAX,
        third=third_of(columns), num_warps=warps_for(columns),
    )  # fmt: skip
    return out, row_scale


def _launch_gelu(hidden: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
    batch, tokens, columns = hidden.shape
    hidden = lined_up(hidden)
    first = 0 if before is None else before.shape[2]
    before = hidden if before is None else lined_up(before)
    out, row_scale = _empty(batch * tokens, first + columns, hidden)
    _kernels().round_gelu[(batch * tokens,)](
        hidden, before, out, row_scale, tokens, hidden.stride(0), hidden.stride(1),
        before.stride(0), before.stride(1), columns=columns, first=first, most=FP8_MOST,
        smallest=_SMALLEST_AMAX, third=third_of(columns), first_third=third_of(first),
        num_warps=warps_for(columns),
    )  # fmt: skip
    return out, row_scale


def _empty(count: int, columns: int, like: Tensor) -> tuple[Tensor, Tensor]:
    return (
        torch.empty(count, columns, dtype=FP8, device=like.device),
        torch.empty(count, 1, dtype=torch.float32, device=like.device),
    )


def _kernels() -> Any:
    from engine.models import rounding_kernel

    return rounding_kernel


_TRIED_WIDTHS = (3000, 3072)
"""One that a row's three parts are longer than, and one that they just hold."""


def _trials(device: torch.device, width: int) -> dict[str, Callable[[], tuple[Any, Any]]]:
    """What each kernel makes of random numbers, and what it ought to."""
    x = torch.randn(2, 8, width, device=device).bfloat16()
    shift, scale = torch.randn(2, 2, 1, width, device=device).bfloat16()
    low, share = torch.randn(16, 48, device=device).bfloat16(), torch.rand(1, device=device)
    factors, rows = torch.rand(width, device=device), x.flatten(0, 1)
    joined = F.pad(torch.cat((rows.float() * factors, low.float() * share), -1), (0, 80))
    activated = torch.cat((x[..., :96].float(), gelu(x.float())), -1)
    return {
        "round_rows": lambda: (_launch(rows, factors, low, share, 128), to_fp8(joined)),
        "round_normed": lambda: (
            _launch_norm(x, shift, scale),
            to_fp8(normed(x.float(), shift.float(), scale.float()).flatten(0, 1)),
        ),
        "round_gelu": lambda: (_launch_gelu(x, x[..., :96]), to_fp8(activated.flatten(0, 1))),
    }


@cache
def _works(kernel: str, device: torch.device) -> bool:
    """False where Triton is not installed, or does not give the same numbers."""

    def difference() -> float:
        found: list[Tensor] = []
        wanted: list[Tensor] = []
        for width in _TRIED_WIDTHS:
            for side, (short, scale) in zip(
                (found, wanted), _trials(device, width)[kernel](), strict=True
            ):
                side.append(short.float() * scale)
        return trials.furthest(found, wanted)

    return trials.passes("own_rounding", difference, _CLOSE, kernel=kernel)
