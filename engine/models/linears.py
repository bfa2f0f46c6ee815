"""Frozen linear layers with their LoRA branches: the arithmetic that most of a step consists of.

Linears that read the same input are one matrix. The matrix lies in the dtype of the computation, or
in fp8 with a scale for each row (see `rounding`), which halves memory and, where tensor cores know
it, time: there the input is rounded to fp8 row by row as well, forward and for the gradient of the
input. The branch is never rounded. Knows matrices; knows neither blocks nor what they mean.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import structlog
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.lora import Branch
from engine.models.rounding import FP8, rounded, to_fp8

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
    folds: bool = False
    """Whether whole ones are kept too, to make fp8 matrices with somebody's branch in them."""


class Matrix(nn.Module):
    """A frozen matrix (outputs, inputs), whole or in fp8."""

    weight: Tensor
    scale: Tensor | None
    turned: Tensor | None
    ones: Tensor | None

    def __init__(self, parts: Sequence[Tensor], storage: Storage) -> None:
        """`parts` lie one under the other."""
        super().__init__()
        self.precision: Precision = storage.precision
        whole = torch.cat([p.detach().to(storage.device, storage.dtype) for p in parts])
        scale = turned = ones = None
        if storage.precision != "plain":
            whole, scale = to_fp8(whole, scales=torch.bfloat16)
        if storage.precision == "fp8":
            ones = torch.ones(1, whole.shape[1], device=whole.device)
            if storage.turned:
                turned = whole.view(torch.uint8).T.contiguous().view(FP8)
        self.register_buffer("weight", whole, persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("turned", turned, persistent=False)
        self.register_buffer("ones", ones, persistent=False)


class Folded(nn.Module):
    """The matrix with somebody's branch in it, in fp8: as fast as if there were no branch."""

    whole: Tensor
    weight: Tensor
    scale: Tensor

    def __init__(self, parts: Sequence[Tensor], storage: Storage) -> None:
        super().__init__()
        whole = torch.cat([p.detach().to(storage.device, storage.dtype) for p in parts])
        self.register_buffer("whole", whole, persistent=False)
        for name, values in zip(("weight", "scale"), to_fp8(whole), strict=True):
            self.register_buffer(name, values, persistent=False)

    @torch.no_grad()
    def fill(self, branch: Branch) -> None:
        """In place, for steps are recorded with the addresses."""
        weight, scale = rounded(torch.addmm(self.whole, branch.wide_b(), branch.a))
        self.weight.copy_(weight)
        self.scale.copy_(scale)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        x8, row_scale = rounded(x)
        return _folded_product(x8, row_scale, self.weight, self.scale, bias, x)


class LoraLinears(nn.Module):
    """Some linears of one input, and their branch: `W x + b + strength * B (A x)` of each."""

    bias: Tensor | None
    draws_folded: bool = False
    """Whether `folded` holds what is seated; without gradients it is used then."""

    def __init__(self, linears: Sequence[nn.Linear], branch: Branch, storage: Storage) -> None:
        super().__init__()
        weights = [linear.weight for linear in linears]
        self.matrix = Matrix(weights, storage)
        self.folded = Folded(weights, storage) if storage.folds else None
        self.branch = branch
        self.out_features = [linear.out_features for linear in linears]
        self.register_buffer("bias", _bias(linears, storage), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs of all)."""
        rows = x.flatten(0, -2)
        if self.folded is not None and not torch.is_grad_enabled() and self.draws_folded:
            y = self.folded(rows, self.bias)
        else:
            y = lora_product(rows, self.matrix, self.bias, self.branch.a, self.branch.wide_b())
        return y.unflatten(0, x.shape[:-1])


class Modulations(nn.Module):
    """Many linears of one small input: what shifts, scales and gates every block of a network.

    An error here reaches every token of a block alike, so they are rounded only where there is no
    room for whole ones.
    """

    bias: Tensor

    def __init__(self, linears: Iterable[nn.Linear], branch: Branch, storage: Storage) -> None:
        """All have the same shape."""
        super().__init__()
        is_whole = storage.precision == "plain" or storage.turned
        precision: Precision = "plain" if is_whole else "fp8_stored"
        storage = Storage(storage.device, storage.dtype, precision)
        self.matrices, biases = nn.ModuleList(), list[Tensor]()
        for linear in linears:
            self.matrices.append(ThinMatrix([linear.weight], storage))
            biases.append(cast(Tensor, _bias([linear], storage)))
            linear.to("meta")
        self.branch = branch
        self.register_buffer("bias", torch.stack(biases), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs) to (batch, linears, outputs)."""
        count, outputs = self.bias.shape
        whole = torch.stack([matrix(x) for matrix in self.matrices], 1)
        low = (x @ self.branch.a.T).unflatten(1, (count, -1))
        b = self.branch.b.view(count, outputs, -1)
        return whole + self.bias + torch.einsum("bnr,nor->bno", low * self.branch.strength, b)


class ThinMatrix(Matrix):
    """A frozen matrix for few rows. Rounded ones are restored where a compiler joins that to the
    product, so that each byte is read once.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(rows, inputs) to (rows, outputs)."""
        if self.scale is None:
            return x @ self.weight.T
        summed = (self.weight.float()[None] * x.float()[:, None]).sum(-1)
        return (summed * self.scale.T).to(x.dtype)


def lora_product(x: Tensor, matrix: Matrix, bias: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    """`W x + bias + B (A x)` for rows x (rows, inputs), A (rank, inputs) and B (outputs, rank).

    Gradients reach x, A and B; of x nothing is kept twice.
    """
    x8 = row_scale = None
    if matrix.precision == "fp8":
        x8, row_scale = rounded(x.detach())
    y, _low = _product(
        x, x8, row_scale, matrix.weight, matrix.scale, matrix.turned, matrix.ones, bias, a, b
    )
    return y


@torch.library.custom_op("headshot::lora_product", mutates_args=())
def _product(
    x: Tensor, x8: Tensor | None, row_scale: Tensor | None, weight: Tensor,
    scale: Tensor | None, turned: Tensor | None, ones: Tensor | None, bias: Tensor | None,
    a: Tensor, b: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The outputs, and A x. The branch is added in place: the outputs are written once more, and
    no second matrix of their size.
    """
    if x8 is not None and row_scale is not None and scale is not None:
        y = _scaled_mm(x8, weight.T, row_scale, scale.T, x.dtype, bias)
    else:
        y = F.linear(x, _restored(weight, scale, x.dtype), bias)
    low = x @ a.T
    return y.addmm_(low, b.T), low


@_product.register_fake
def _(
    x: Tensor, x8: Any, row_scale: Any, weight: Tensor, scale: Any, turned: Any, ones: Any,
    bias: Any, a: Tensor, b: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return x.new_empty(x.shape[0], weight.shape[0]), x.new_empty(x.shape[0], a.shape[0])


@torch.library.custom_op("headshot::folded_product", mutates_args=())
def _folded_product(
    x8: Tensor, row_scale: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None, like: Tensor
) -> Tensor:
    return _scaled_mm(x8, weight.T, row_scale, scale.T, like.dtype, bias)


@_folded_product.register_fake
def _(x8: Tensor, row_scale: Any, weight: Tensor, scale: Any, bias: Any, like: Tensor) -> Tensor:
    return like.new_empty(like.shape[0], weight.shape[0])


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, x8, _, weight, scale, turned, ones, _, a, b = inputs
    ctx.rounds = x8 is not None
    ctx.save_for_backward(x, output[1], weight, scale, turned, ones, a, b)


def _d_product(ctx: Any, dy: Tensor, _d_low: Tensor | None) -> tuple[Tensor | None, ...]:
    """The scales of W's rows lie along the sum of dy W, so they go into dy before it is rounded."""
    x, low, weight, scale, turned, ones, a, b = ctx.saved_tensors
    dy8 = row_scale = None
    if ctx.rounds:
        dy8, row_scale = rounded(dy.detach(), scale.flatten())
        if turned is None:
            turned = weight.view(torch.uint8).T.contiguous().view(FP8)
    dx, da, db = _gradients(dy, dy8, row_scale, weight, scale, turned, ones, x, low, a, b)
    return dx, None, None, None, None, None, None, None, da, db


_product.register_autograd(_d_product, setup_context=_keep)


@torch.library.custom_op("headshot::lora_gradients", mutates_args=())
def _gradients(
    dy: Tensor, dy8: Tensor | None, row_scale: Tensor | None, weight: Tensor,
    scale: Tensor | None, turned: Tensor | None, ones: Tensor | None, x: Tensor, low: Tensor,
    a: Tensor, b: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Of x, A and B."""
    if dy8 is not None and row_scale is not None and turned is not None and ones is not None:
        dx = _scaled_mm(dy8, turned.T, row_scale, ones, dy.dtype)
    else:
        dx = dy @ _restored(weight, scale, dy.dtype)
    d_low = dy @ b
    return dx.addmm_(d_low, a), d_low.T @ x, dy.T @ low


@_gradients.register_fake
def _(
    dy: Tensor, dy8: Any, row_scale: Any, weight: Tensor, scale: Any, turned: Any, ones: Any,
    x: Tensor, low: Tensor, a: Tensor, b: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    return dy.new_empty(x.shape), dy.new_empty(a.shape), dy.new_empty(b.shape)


def _restored(weight: Tensor, scale: Tensor | None, dtype: torch.dtype) -> Tensor:
    return weight if scale is None else weight.to(dtype) * scale.to(dtype)


def _scaled_mm(
    x: Tensor, y: Tensor, x_scale: Tensor, y_scale: Tensor, dtype: torch.dtype,
    bias: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """fp8 (m, k) times fp8 (k, n), scaled by rows (m, 1) and columns (1, n), and a bias (n,)."""
    if x.device.type != "cuda":  # the same numbers, for machines without such tensor cores
        whole = (x.float() @ y.float()) * x_scale * y_scale
        return (whole if bias is None else whole + bias).to(dtype)
    multiply: Callable[..., Tensor] = torch._scaled_mm  # pyright: ignore
    return multiply(
        x, y, scale_a=x_scale, scale_b=y_scale, bias=bias, out_dtype=dtype, use_fast_accum=True
    )


def fp8_works(device: torch.device) -> bool:
    """Whether products in fp8 run there and are right."""
    x = torch.randn(32, 64, device=device, dtype=torch.bfloat16)
    try:
        x8, scale = rounded(x)
        found = _scaled_mm(x8, x8.T, scale, scale.T, x.dtype, x[:, 0]).float()
    except (RuntimeError, NotImplementedError) as error:
        log.warning("fp8_not_used", error=str(error)[:200])
        return False
    expected = (x @ x.T + x[:, 0]).float()
    return bool((found - expected).norm() < _FP8_CLOSE * expected.norm())


def _bias(linears: Sequence[nn.Linear], storage: Storage) -> Tensor | None:
    if linears[0].bias is None:
        return None
    return torch.cat([x.bias.detach().to(storage.device, storage.dtype) for x in linears])
