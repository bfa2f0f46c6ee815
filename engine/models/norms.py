"""Tokens normalised, scaled and shifted, with all that depends on them in one gradient.

Layer norms (Ba, Kiros and Hinton, Layer Normalization, 2016) between the products of a transformer
stand beside a sum that passes them by. On CUDA kernels of our own put both gradients together while
the numbers are at hand, and sum up those of shift and scale on the way; a compiler reads them three
times. Knows tensors; knows no products.
"""

from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models import trials
from engine.models.pointwise import EPSILON, normed
from engine.models.rows import lined_up, third_of, warps_for

_TOKENS_A_PROGRAM = 9
"""With 2 warps each: 45 us for 4,608 tokens of 3,072 numbers; 5 took 50, 12 51, 18 67 (H200)."""
_TRIED_WIDTHS = (3000, 3072)
"""One that a row's three parts are longer than, and one that they just hold."""
_CLOSE = 0.01
"""Twice what rounding to bf16 changes."""


class _NormedBeside(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore
        ctx.save_for_backward(x, scale)
        return _normed(x, shift, scale), x.view_as(x)

    @staticmethod
    def backward(ctx: Any, d_normed: Tensor, d_passed: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # pyright: ignore
        x, scale = ctx.saved_tensors
        d_x, to_shift, to_scale = _normed_back(x, scale, d_normed, d_passed)
        d_shift, d_scale = (part.sum(1, keepdim=True).to(x.dtype) for part in (to_shift, to_scale))
        return d_x, d_shift, d_scale


def normed_beside(x: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens (b, t, d) normalised, scaled and shifted as (b, 1, d) say; and as they are, for
    whatever passes the norm by.
    """
    norming: Any = _NormedBeside.apply
    return norming(x, shift, scale)


@torch.library.custom_op("headshot::normed", mutates_args=())
def _normed(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return _launch(x, shift, scale) if x.device.type == "cuda" else normed(x, shift, scale)


@_normed.register_fake
def _(x: Tensor, shift: Any, scale: Any) -> Tensor:
    return x.new_empty(x.shape)


@torch.library.custom_op("headshot::normed_back", mutates_args=())
def _normed_back(
    x: Tensor, scale: Tensor, d_normed: Tensor, d_passed: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Of the tokens (b, t, d), and parts (b, n, d), fp32, of what shift and scale get."""
    if x.device.type == "cuda":
        return _launch_back(x, scale, d_normed, d_passed)
    wide, given = x.float(), d_normed.float()
    wide = wide - wide.mean(-1, keepdim=True)
    inverse = (wide.square().mean(-1, keepdim=True) + EPSILON).rsqrt()
    wide = wide * inverse
    parts = [F.pad(d, (0, 0, 0, _room(x))).unflatten(1, (-1, _TOKENS_A_PROGRAM)).sum(2)
             for d in (given, given * wide)]  # fmt: skip
    given = given * (1 + scale.float())
    along = (given * wide).mean(-1, keepdim=True)
    d_x = d_passed.float() + inverse * (given - given.mean(-1, keepdim=True) - wide * along)
    return d_x.to(x.dtype), parts[0], parts[1]


@_normed_back.register_fake
def _(x: Tensor, scale: Any, d_normed: Any, d_passed: Any) -> tuple[Tensor, Tensor, Tensor]:
    shape = (x.shape[0], _programs(x), x.shape[2])
    part, other = (x.new_empty(shape, dtype=torch.float32) for _ in range(2))
    return x.new_empty(x.shape), part, other


def _programs(x: Tensor) -> int:
    return (x.shape[1] + _TOKENS_A_PROGRAM - 1) // _TOKENS_A_PROGRAM


def _room(x: Tensor) -> int:
    return _programs(x) * _TOKENS_A_PROGRAM - x.shape[1]


def _launch(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    batch, tokens, columns = x.shape
    x, shift, scale = lined_up(x), lined_up(shift), lined_up(scale)
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    _kernels().norm[(batch * tokens,)](
        x, shift, scale, out, tokens, x.stride(0), x.stride(1), shift.stride(0), scale.stride(0),
        columns=columns, epsilon=EPSILON, third=third_of(columns), num_warps=warps_for(columns),
    )  # fmt: skip
    return out


def _launch_back(
    x: Tensor, scale: Tensor, d_normed: Tensor, d_passed: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    batch, tokens, columns = x.shape
    x, scale, d_passed = lined_up(x), lined_up(scale), lined_up(d_passed)
    d_x = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    programs = _programs(x)
    to_shift, to_scale = (torch.empty(batch, programs, columns, device=x.device) for _ in range(2))
    _kernels().norm_back[(programs, batch)](
        x, scale, d_normed.contiguous(), d_passed, d_x, to_shift, to_scale, tokens, x.stride(0),
        x.stride(1), scale.stride(0), d_passed.stride(0), d_passed.stride(1), _TOKENS_A_PROGRAM,
        columns=columns, epsilon=EPSILON, third=third_of(columns),
        num_warps=max(1, warps_for(columns) // 2),
    )  # fmt: skip
    return d_x, to_shift, to_scale


def _kernels() -> Any:
    from engine.models import norms_kernel

    return norms_kernel


@cache
def own_kernels_work(device: torch.device) -> bool:
    """False without CUDA or Triton, or where they give other numbers."""
    if device.type != "cuda":
        return False
    return all(
        trials.passes("own_norms", partial(_difference, device, width), _CLOSE)
        for width in _TRIED_WIDTHS
    )


def _difference(device: torch.device, width: int) -> float:
    """How far norms and gradients are from the plain way's, at worst, on random numbers."""
    generator = torch.Generator(device).manual_seed(0)
    shapes = ((2, 2 * _TOKENS_A_PROGRAM + 1, width), (2, 1, width), (2, 1, width))
    mine = [
        torch.randn(shape, device=device, generator=generator).bfloat16().requires_grad_()
        for shape in shapes
    ]
    theirs = [x.detach().float().requires_grad_() for x in mine]
    with torch.enable_grad():
        found, expected = list(normed_beside(*mine)), [normed(*theirs), theirs[0] * 1]
        given = [torch.randn_like(x) for x in found]
        found += torch.autograd.grad(found, mine, given)
        expected += torch.autograd.grad(expected, theirs, [x.float() for x in given])
    return trials.furthest(found, expected)
