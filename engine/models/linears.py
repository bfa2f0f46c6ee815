"""Frozen linear layers with their LoRA branches: the arithmetic that most of a step consists of.

Linears that read the same input are one matrix. The matrix lies in the dtype of the computation, or
in fp8 with a scale for each row (e4m3; Micikevicius et al., FP8 Formats for Deep Learning, 2022),
which halves memory and, where tensor cores know it, time: there the input is rounded to fp8 row by
row as well, forward and for the gradient of the input. The branch is never rounded. Knows matrices;
knows neither blocks nor what they mean.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import structlog
import torch
from torch import Tensor, nn

from engine.models.lora import Branch

FP8 = torch.float8_e4m3fn
_FP8_MOST = 448.0
_SMALLEST_AMAX = 1e-12
_FP8_CLOSE = 0.1

log = structlog.get_logger()

Precision = Literal["plain", "fp8", "fp8_stored"]
"""As loaded; multiplied in fp8; kept in fp8 and multiplied in the dtype of the computation."""


@dataclass(frozen=True)
class Storage:
    """How matrices are kept."""

    device: torch.device
    dtype: torch.dtype
    precision: Precision = "plain"
    turned: bool = False
    """Whether fp8 matrices are kept a second time, transposed, for gradients: twice the memory."""


class Matrix(nn.Module):
    """A frozen matrix (outputs, inputs), whole or in fp8."""

    weight: Tensor
    scale: Tensor | None
    turned: Tensor | None

    def __init__(self, parts: Sequence[Tensor], storage: Storage) -> None:
        """`parts` lie one under the other."""
        super().__init__()
        self.precision: Precision = storage.precision
        whole = torch.cat([p.detach().to(storage.device, storage.dtype) for p in parts])
        scale = turned = None
        if storage.precision != "plain":
            whole, scale = to_fp8(whole)
            if storage.turned and storage.precision == "fp8":
                turned = whole.view(torch.uint8).T.contiguous().view(FP8)
        self.register_buffer("weight", whole, persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("turned", turned, persistent=False)


def to_fp8(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, columns) rounded to e4m3, and what to multiply each row by: (rows, 1), fp32.

    Scales are numbers that bf16 has too, so that restoring in bf16 adds no error of its own.
    """
    most = rows.abs().amax(dim=-1, keepdim=True).float().clamp(min=_SMALLEST_AMAX)
    scale = (most / _FP8_MOST).to(torch.bfloat16).float()
    scaled = (rows.float() / scale).clamp(-_FP8_MOST, _FP8_MOST)
    return scaled.to(FP8), scale


class LoraLinears(nn.Module):
    """Some linears of one input, and their branch: `W x + b + strength * B (A x)` of each."""

    bias: Tensor | None

    def __init__(self, linears: Sequence[nn.Linear], branch: Branch, storage: Storage) -> None:
        super().__init__()
        self.matrix = Matrix([linear.weight for linear in linears], storage)
        self.branch = branch
        self.out_features = [linear.out_features for linear in linears]
        self.register_buffer("bias", _bias(linears, storage), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs of all)."""
        rows = x.flatten(0, -2)
        y = frozen_product(rows, self.matrix) + (rows @ self.branch.a.T) @ self.branch.wide_b().T
        if self.bias is not None:
            y = y + self.bias
        return y.unflatten(0, x.shape[:-1])


class Modulations(nn.Module):
    """Many linears of one small input: what shifts, scales and gates every block of a network."""

    bias: Tensor

    def __init__(self, linears: Iterable[nn.Linear], branch: Branch, storage: Storage) -> None:
        """All have the same shape. Rounded ones stay in fp8 and are multiplied one by one."""
        super().__init__()
        precision: Precision = "plain" if storage.precision == "plain" else "fp8_stored"
        storage = Storage(storage.device, storage.dtype, precision)
        self.matrices, biases = nn.ModuleList(), list[Tensor]()
        for linear in linears:
            self.matrices.append(Matrix([linear.weight], storage))
            biases.append(cast(Tensor, _bias([linear], storage)))
            linear.to("meta")
        self.branch = branch
        self.register_buffer("bias", torch.stack(biases), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs) to (batch, linears, outputs)."""
        count, outputs = self.bias.shape
        whole = torch.stack([x @ restored(cast(Matrix, m), x.dtype).T for m in self.matrices], 1)
        low = (x @ self.branch.a.T).unflatten(1, (count, -1))
        b = self.branch.b.view(count, outputs, -1)
        return whole + self.bias + torch.einsum("bnr,nor->bno", low * self.branch.strength, b)


def frozen_product(x: Tensor, matrix: Matrix) -> Tensor:
    """`W x` for rows x (rows, inputs); gradients reach x alone, and nothing of x is kept for them.

    In fp8, x is rounded here, where a compiler can join that to what made x.
    """
    if matrix.scale is None:
        return x @ matrix.weight.T
    if matrix.precision == "fp8_stored":
        return _stored_product(x, matrix.weight, matrix.scale)
    rounded, row_scale = to_fp8(x.detach())
    return _rounded_product(x, rounded, row_scale, matrix.weight, matrix.scale, matrix.turned)


def restored(matrix: Matrix, dtype: torch.dtype) -> Tensor:
    """The matrix in the dtype of the computation."""
    return matrix.weight if matrix.scale is None else _restored(matrix.weight, matrix.scale, dtype)


@torch.library.custom_op("headshot::rounded_product", mutates_args=())
def _rounded_product(
    x: Tensor, rounded: Tensor, row_scale: Tensor, weight: Tensor, scale: Tensor,
    turned: Tensor | None,
) -> Tensor:  # fmt: skip
    """x W^T from what x was rounded to."""
    return _scaled_mm(rounded, weight.T, row_scale, scale.T, x.dtype)


@_rounded_product.register_fake
def _(x: Tensor, rounded: Any, row_scale: Any, weight: Tensor, scale: Any, turned: Any) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0])


def _keep_rounded(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[3:])


def _d_rounded(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    """dy W. The scales of W's rows lie along the sum, so they go into dy before it is rounded."""
    weight, scale, turned = ctx.saved_tensors
    rounded, row_scale = to_fp8(dy.float() * scale.T)
    if turned is None:
        turned = weight.view(torch.uint8).T.contiguous().view(FP8)
    dx = _turned_product(rounded, row_scale, turned, dy)
    return dx, None, None, None, None, None


_rounded_product.register_autograd(_d_rounded, setup_context=_keep_rounded)


@torch.library.custom_op("headshot::turned_product", mutates_args=())
def _turned_product(rounded: Tensor, row_scale: Tensor, turned: Tensor, like: Tensor) -> Tensor:
    ones = torch.ones(1, turned.shape[0], device=rounded.device)
    return _scaled_mm(rounded, turned.T, row_scale, ones, like.dtype)


@_turned_product.register_fake
def _(rounded: Tensor, row_scale: Any, turned: Tensor, like: Tensor) -> Tensor:
    return like.new_empty(rounded.shape[0], turned.shape[0])


@torch.library.custom_op("headshot::stored_product", mutates_args=())
def _stored_product(x: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
    return x @ _restored(weight, scale, x.dtype).T


@_stored_product.register_fake
def _(x: Tensor, weight: Tensor, scale: Any) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0])


@torch.library.custom_op("headshot::stored_turned_product", mutates_args=())
def _stored_turned_product(dy: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
    return dy @ _restored(weight, scale, dy.dtype)


@_stored_turned_product.register_fake
def _(dy: Tensor, weight: Tensor, scale: Any) -> Tensor:
    return dy.new_empty(dy.shape[0], weight.shape[1])


def _keep_stored(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[1:])


def _d_stored(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    return _stored_turned_product(dy, *ctx.saved_tensors), None, None


_stored_product.register_autograd(_d_stored, setup_context=_keep_stored)


def _restored(weight: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    return weight.to(dtype) * scale.to(dtype)


def _scaled_mm(
    x: Tensor, y: Tensor, x_scale: Tensor, y_scale: Tensor, dtype: torch.dtype
) -> Tensor:
    """fp8 (m, k) times fp8 (k, n), scaled by rows (m, 1) and columns (1, n)."""
    if x.device.type != "cuda":  # the same numbers, for machines without such tensor cores
        return ((x.float() @ y.float()) * x_scale * y_scale).to(dtype)
    multiply: Callable[..., Tensor] = torch._scaled_mm  # pyright: ignore
    return multiply(x, y, scale_a=x_scale, scale_b=y_scale, out_dtype=dtype, use_fast_accum=True)


def fp8_works(device: torch.device) -> bool:
    """Whether products in fp8 run there and are right."""
    x = torch.randn(32, 64, device=device, dtype=torch.bfloat16)
    rounded, scale = to_fp8(x)
    try:
        found = _scaled_mm(rounded, rounded.T, scale, scale.T, x.dtype).float()
    except (RuntimeError, NotImplementedError) as error:
        log.warning("fp8_not_used", error=str(error)[:200])
        return False
    expected = (x @ x.T).float()
    return bool((found - expected).norm() < _FP8_CLOSE * expected.norm())


def _bias(linears: Sequence[nn.Linear], storage: Storage) -> Tensor | None:
    if linears[0].bias is None:
        return None
    return torch.cat([x.bias.detach().to(storage.device, storage.dtype) for x in linears])
