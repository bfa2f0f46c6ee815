"""Rounding to fp8 (e4m3; Micikevicius et al., FP8 Formats for Deep Learning, 2022), row by row.

On CUDA by a kernel of our own, which reads what it rounds from memory once: a compiler that joins
the rounding to what made the numbers makes them twice, once to find the largest.
"""

from functools import cache
from typing import Any

import structlog
import torch
from torch import Tensor

FP8 = torch.float8_e4m3fn
FP8_MOST = 448.0
_SMALLEST_AMAX = 1e-12
_BLOCK = 2048
_WARPS = 8
_CLOSE = 0.005
"""A fifth of what rounding itself changes."""

log = structlog.get_logger()


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
def rounded(rows: Tensor, factors: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """As `to_fp8`, by the fastest kernel there is. Not differentiable."""
    kernel = _kernel(rows.device) if rows.device.type == "cuda" else None
    if kernel is None:
        return to_fp8(rows, factors)
    return _launch(kernel, rows, factors)


@rounded.register_fake
def _(rows: Tensor, factors: Any = None) -> tuple[Tensor, Tensor]:
    scale = rows.new_empty(rows.shape[0], 1, dtype=torch.float32)
    return rows.new_empty(rows.shape, dtype=FP8), scale


def _launch(kernel: Any, rows: Tensor, factors: Tensor | None) -> tuple[Tensor, Tensor]:
    """Has one program for each row compute it."""
    if rows.stride(-1) != 1:
        rows = rows.contiguous()
    count, columns = rows.shape
    out = torch.empty(count, columns, dtype=FP8, device=rows.device)
    scale = torch.empty(count, 1, dtype=torch.float32, device=rows.device)
    kernel[(count,)](
        rows, rows if factors is None else factors, out, scale, rows.stride(0), columns=columns,
        has_factors=factors is not None, most=FP8_MOST, smallest=_SMALLEST_AMAX, block=_BLOCK,
        num_warps=_WARPS,
    )  # fmt: skip
    return out, scale


@cache
def _kernel(device: torch.device) -> Any:
    """None where Triton is not installed, or does not give the same numbers."""
    try:
        from engine.models.rounding_kernel import round_rows

        rows = torch.randn(8, 3000, device=device).bfloat16()
        factors = torch.rand(3000, device=device)
        mine, theirs = (
            values.float() * scale
            for values, scale in (_launch(round_rows, rows, factors), to_fp8(rows, factors))
        )
    except Exception as error:
        log.info("own_rounding_not_used", error=type(error).__name__)
        return None
    difference = ((mine - theirs).norm() / theirs.norm()).item()
    if difference > _CLOSE:
        log.warning("own_rounding_not_used", relative_difference=difference)
        return None
    return round_rows
