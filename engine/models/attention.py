"""Attention over all tokens, by the fastest kernels that the device has.

PyTorch's own everywhere; FlashAttention 4 (the package `flash-attn-4`) on Hopper and Blackwell
where it is installed and gives the same numbers, since its backward is much faster there. Knows
queries, keys and values (batch, tokens, heads, head size); knows no mask, for FLUX has none.
"""

import importlib
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models import trials

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]

FLASH4 = "flash_attn.cute.interface"
_FLASH4_CAPABILITIES = (9, 10)
_CLOSE = 0.02
"""Relative error that rounding to bf16 explains, twice over."""


def choose(device: torch.device, dtype: torch.dtype, head_size: int) -> tuple[str, Attend]:
    """The name of the kernels, and the function."""
    if device.type != "cuda" or dtype != torch.bfloat16:
        return "torch", torch_attention
    if torch.cuda.get_device_capability(device)[0] not in _FLASH4_CAPABILITIES:
        return "torch", torch_attention
    if not trials.passes(
        "flash_attention_4", lambda: _error(flash4_attention, device, head_size), _CLOSE
    ):
        return "torch", torch_attention
    return "flash_attention_4", flash4_attention


def torch_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2)


def flash4_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return _flash4(q, k, v)[0]


@torch.library.custom_op("headshot::flash4", mutates_args=())
def _flash4(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The output, and the logarithms of the sums of exponentials (batch, heads, tokens), fp32."""
    kernels: Any = importlib.import_module(FLASH4)
    out, lse = kernels._flash_attn_fwd(q, k, v, return_lse=True)[:2]
    return out, lse


@_flash4.register_fake
def _(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    batch, tokens, heads, _ = q.shape
    return torch.empty_like(q), q.new_empty(batch, heads, tokens, dtype=torch.float32)


@torch.library.custom_op("headshot::flash4_backward", mutates_args=())
def _flash4_backward(
    q: Tensor, k: Tensor, v: Tensor, out: Tensor, d_out: Tensor, lse: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    kernels: Any = importlib.import_module(FLASH4)
    dq, dk, dv = kernels._flash_attn_bwd(q, k, v, out, d_out, lse)[:3]
    return dq, dk, dv


@_flash4_backward.register_fake
def _(
    q: Tensor, k: Tensor, v: Tensor, out: Tensor, d_out: Tensor, lse: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs, *output)


def _gradients(ctx: Any, d_out: Tensor, _d_lse: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    q, k, v, out, lse = ctx.saved_tensors
    return _flash4_backward(q, k, v, out, d_out, lse)


_flash4.register_autograd(_gradients, setup_context=_keep)


def _error(attend: Attend, device: torch.device, head_size: int) -> float:
    """How far output and gradients are from PyTorch's, at worst, on random numbers."""
    generator = torch.Generator(device).manual_seed(0)
    shape = (1, 333, 2, head_size)
    inputs = [
        torch.randn(shape, device=device, generator=generator).bfloat16().requires_grad_()
        for _ in range(3)
    ]
    found = _with_gradients(attend, inputs)
    expected = _with_gradients(
        torch_attention, [x.detach().float().requires_grad_() for x in inputs]
    )
    return trials.furthest(found, expected)


def _with_gradients(attend: Attend, inputs: list[Tensor]) -> list[Tensor]:
    """The output's gradient comes with gaps between tokens, as it does in a block."""
    with torch.enable_grad():
        out = attend(*inputs)
        beside = torch.cat((out.flatten(2), out.detach().flatten(2)), dim=-1)
        gradients = torch.autograd.grad(beside.float().square().sum(), inputs)
    return [out.detach(), *gradients]
