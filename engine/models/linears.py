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

import torch
from torch import Tensor, nn

from engine.models.lora import Branch

FP8 = torch.float8_e4m3fn
_FP8_MOST = 448.0
_SMALLEST_AMAX = 1e-12

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
        y = branched(rows, self.branch.a, self.branch.wide_b(), self.matrix)
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


def branched(x: Tensor, a: Tensor, wide_b: Tensor, matrix: Matrix) -> Tensor:
    """`W x + B (A x)` for rows x (rows, inputs); gradients reach x, A and B."""
    native = matrix.precision == "fp8"
    return cast(
        Tensor,
        _Branched.apply(x, a, wide_b, matrix.weight, matrix.scale, matrix.turned, native),
    )


def restored(matrix: Matrix, dtype: torch.dtype) -> Tensor:
    """The matrix in the dtype of the computation."""
    return _restored(matrix.weight, matrix.scale, dtype)


class _Branched(torch.autograd.Function):
    """Keeps the input and A x; of the frozen matrix nothing is learned, so nothing is kept."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, a: Tensor, wide_b: Tensor,
        weight: Tensor, scale: Tensor | None, turned: Tensor | None, native: bool,
    ) -> Tensor:  # fmt: skip
        low = x @ a.T
        ctx.save_for_backward(x, a, wide_b, low, weight, scale, turned)
        ctx.native = native
        return _times(x, weight, scale, native) + low @ wide_b.T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, a, wide_b, low, weight, scale, turned = ctx.saved_tensors
        (dy,) = gradients
        d_low = dy @ wide_b
        dx = None
        if ctx.needs_input_grad[0]:
            dx = _times_turned(dy, weight, scale, turned, ctx.native) + d_low @ a
        return dx, d_low.T @ x, dy.T @ low, None, None, None, None


def _times(x: Tensor, weight: Tensor, scale: Tensor | None, native: bool) -> Tensor:
    """x W^T"""
    if scale is None or not native:
        return x @ _restored(weight, scale, x.dtype).T
    rounded, row_scale = to_fp8(x)
    return _scaled_mm(rounded, weight.T, row_scale, scale.T, x.dtype)


def _times_turned(
    dy: Tensor, weight: Tensor, scale: Tensor | None, turned: Tensor | None, native: bool
) -> Tensor:
    """dy W. The scales of W's rows lie along the sum, so they go into dy before it is rounded."""
    if scale is None or not native:
        return dy @ _restored(weight, scale, dy.dtype)
    rounded, row_scale = to_fp8(dy.float() * scale.T)
    if turned is None:
        turned = weight.view(torch.uint8).T.contiguous().view(FP8)
    ones = torch.ones(1, weight.shape[1], device=dy.device)
    return _scaled_mm(rounded, turned.T, row_scale, ones, dy.dtype)


def _restored(weight: Tensor, scale: Tensor | None, dtype: torch.dtype) -> Tensor:
    return weight if scale is None else (weight.to(dtype) * scale.to(dtype))


def _scaled_mm(
    x: Tensor, y: Tensor, x_scale: Tensor, y_scale: Tensor, dtype: torch.dtype
) -> Tensor:
    """fp8 (m, k) times fp8 (k, n), scaled by rows (m, 1) and columns (1, n)."""
    if x.device.type != "cuda":  # the same numbers, for machines without such tensor cores
        return ((x.float() @ y.float()) * x_scale * y_scale).to(dtype)
    multiply: Callable[..., Tensor] = torch._scaled_mm  # pyright: ignore
    return multiply(x, y, scale_a=x_scale, scale_b=y_scale, out_dtype=dtype, use_fast_accum=True)


def _bias(linears: Sequence[nn.Linear], storage: Storage) -> Tensor | None:
    if linears[0].bias is None:
        return None
    return torch.cat([x.bias.detach().to(storage.device, storage.dtype) for x in linears])
