"""Frozen linear layers with their LoRA branches: the arithmetic that most of a step consists of.

Linears that read the same input are one matrix. The matrix lies in the dtype of the computation, or
in fp8 with a scale for each row (see `rounding`), which halves memory and, where tensor cores know
it, time: there the input is rounded to fp8 row by row as well, forward and for the gradient of the
input. The branch's own gradients are never rounded. Knows matrices; knows neither blocks nor what
they mean.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import structlog
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models import norms
from engine.models.lora import Branch
from engine.models.pointwise import gelu, normed
from engine.models.rounding import (
    FP8,
    FP8_MOST,
    rounded,
    rounded_gelu,
    rounded_norm,
    to_fp8,
)
from engine.models.spreading import Part

_FP8_CLOSE = 0.1
_LEAST_SCALE = 1 / 64
"""Of a matrix's middle scale: rows of next to nothing must not set the units of a branch."""
_LINE = 128
"""Bytes that memory is read by. Products whose rows begin elsewhere took a tenth longer."""

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
    """A frozen matrix (outputs, inputs), whole or in fp8.

    Where it lies turned as well, both have further columns, in which a product's branch takes part
    in it: no second pass over outputs or gradients then adds it.
    """

    weight: Tensor
    scale: Tensor | None
    turned: Tensor | None
    ones: Tensor | None
    share: Tensor | None
    turned_share: Tensor | None
    """Times which what belongs to the branch stands beside a product's rows, (1,)."""

    def __init__(self, parts: Sequence[Tensor], storage: Storage, few: int = 0) -> None:
        """`parts` lie one under the other; `few` is the width of the branch."""
        super().__init__()
        self.precision: Precision = storage.precision
        whole = torch.cat([p.detach().to(storage.device, storage.dtype) for p in parts])
        scale = turned = ones = share = turned_share = None
        if storage.precision != "plain":
            whole, scale = _rounded_weight(whole)
        if storage.precision == "fp8":
            assert scale is not None
            ones = torch.ones(1, whole.shape[1], device=whole.device)
            if storage.turned:
                turned = _with_room(whole.view(torch.uint8).T, few)
                whole = _with_room(whole.view(torch.uint8), few)
                share, turned_share = torch.ones(2, 1, device=whole.device)
        self.register_buffer("weight", whole, persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("turned", turned, persistent=False)
        self.register_buffer("ones", ones, persistent=False)
        self.register_buffer("share", share, persistent=False)
        self.register_buffer("turned_share", turned_share, persistent=False)

    def rooms(self, branch: Branch, outputs: Sequence[int]) -> list[Part]:
        """Where the matrices of a branch go that takes part in the products; `outputs` of each of
        its layers, none if it does not.
        """
        if self.turned is None or self.share is None or self.turned_share is None:
            return []
        assert self.scale is not None
        rank, reach = branch.b.shape[1], self.scale.amin(0).reciprocal()
        b, room = branch.b.detach(), self.weight[:, self.turned.shape[0] :]
        a, turned_room = branch.a.detach(), self.turned[:, self.weight.shape[0] :]
        parts: list[Part] = []
        first = 0
        for number, count in enumerate(outputs):
            mine, rows = slice(number * rank, (number + 1) * rank), slice(first, first + count)
            first += count
            parts += [
                Part(
                    b[rows], branch.most_b, room[rows, mine], self.share, branch.strength,
                    self.scale[rows], reach,
                ),
                Part(a[mine].T, branch.most_a, turned_room[:, mine], self.turned_share),
            ]  # fmt: skip
        return parts


def _rounded_weight(whole: Tensor) -> tuple[Tensor, Tensor]:
    short, scale = to_fp8(whole, scales=torch.bfloat16)
    least = (scale.median() * _LEAST_SCALE).bfloat16().float()
    if (scale >= least).all():
        return short, scale
    scale = scale.clamp(min=least)
    return (whole.float() / scale).clamp(-FP8_MOST, FP8_MOST).to(FP8), scale


def _with_room(bytes_: Tensor, few: int) -> Tensor:
    """Copied, with at least so many further columns of zeros, as fp8."""
    rows, columns = bytes_.shape
    roomy = bytes_.new_zeros(rows, -(-(columns + few) // _LINE) * _LINE)
    roomy[:, :columns] = bytes_
    return roomy.view(FP8)


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

    def forward(self, x8: Tensor, row_scale: Tensor, bias: Tensor | None, like: Tensor) -> Tensor:
        """Rounded rows (rows, inputs), their scales: (rows, outputs) in the dtype of `like`."""
        return _folded_product(x8, row_scale, self.weight, self.scale, bias, like)


class LoraLinears(nn.Module):
    """Some linears of one input, and their branch: `W x + b + strength * B (A x)` of each."""

    bias: Tensor | None
    draws_folded: bool
    """Whether `folded` holds what is seated; without gradients it is used then."""
    own_norms: bool
    """Whether the kernels of `norms` are used."""

    def __init__(self, linears: Sequence[nn.Linear], branch: Branch, storage: Storage) -> None:
        super().__init__()
        weights = [linear.weight for linear in linears]
        self.matrix = Matrix(weights, storage, branch.a.shape[0])
        self.folded = Folded(weights, storage) if storage.folds else None
        self.branch = branch
        self.draws_folded = self.own_norms = False
        self.out_features = [linear.out_features for linear in linears]
        branch.elsewhere += self.matrix.rooms(branch, self.out_features)
        self.register_buffer("bias", _bias(linears, storage), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs of all)."""
        rows = x.flatten(0, -2)
        if self._folded is not None:
            y = self._folded(*rounded(rows), self.bias, x)
        else:
            y = lora_product(rows, self.matrix, self.bias, self.branch)
        return y.unflatten(0, x.shape[:-1])

    def of_normed(self, x: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Of `normed` tokens (b, t, inputs); and the tokens as they are, for whoever adds to them:
        their gradient is put together once.
        """
        if self._folded is not None:
            y = self._folded(*rounded_norm(x, shift, scale), self.bias, x)
            return y.unflatten(0, x.shape[:-1]), x
        if not self.own_norms:
            return self(normed(x, shift, scale)), x
        normal, x = norms.normed_beside(x, shift, scale)
        return self(normal), x

    def of_gelu(
        self, hidden: Tensor, before: Tensor | None = None,
        activate: Callable[[Tensor], Tensor] = gelu,
    ) -> Tensor:  # fmt: skip
        """Of GELU of (b, t, h), after `before` (b, t, inputs - h) as it is.

        `activate` is GELU with another gradient, where somebody else takes care of it.
        """
        if self._folded is None:
            active = activate(hidden)
            return self(active if before is None else torch.cat((before, active), dim=-1))
        y = self._folded(*rounded_gelu(hidden, before), self.bias, hidden)
        return y.unflatten(0, hidden.shape[:-1])

    @property
    def _folded(self) -> Folded | None:
        """The matrix with the seated branch in it, where that is what computes now.

        Gradients are asked for first: what is compiled for learning must not look at the rest.
        """
        return None if torch.is_grad_enabled() or not self.draws_folded else self.folded


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


def lora_product(x: Tensor, matrix: Matrix, bias: Tensor | None, branch: Branch) -> Tensor:
    """`W x + bias + B (A x)` for rows x (rows, inputs), A (rank, inputs) and B (outputs, rank).

    Gradients reach x, A and B; of x nothing is kept twice.
    """
    y, _low = _product(
        x, matrix.weight, matrix.scale, matrix.turned, matrix.ones, bias, branch.a,
        branch.wide_b(), matrix.share, matrix.turned_share,
    )  # fmt: skip
    return y


@torch.library.custom_op("headshot::lora_product", mutates_args=())
def _product(
    x: Tensor, weight: Tensor, scale: Tensor | None, turned: Tensor | None, ones: Tensor | None,
    bias: Tensor | None, a: Tensor, b: Tensor, share: Tensor | None, turned_share: Tensor | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The outputs, and A x.

    In fp8 the branch is part of the product where the matrix has room for it, in which it was
    written when it was seated; elsewhere it is added in place, so that the outputs are written once
    more, and no second matrix of their size.
    """
    low, inputs = x @ a.T, x.shape[1]
    if scale is None or ones is None:
        return F.linear(x, _restored(weight, scale, x.dtype), bias).addmm_(low, b.T), low
    room = weight.shape[1] - inputs
    if not room:
        x8, row_scale = rounded(x)
        return _scaled_mm(x8, weight.T, row_scale, scale.T, x.dtype, bias).addmm_(low, b.T), low
    x8, row_scale = rounded(x, None, low, share, room)
    return _scaled_mm(x8, weight.T, row_scale, scale.T, x.dtype, bias), low


@_product.register_fake
def _(
    x: Tensor, weight: Tensor, scale: Any, turned: Any, ones: Any, bias: Any, a: Tensor, b: Tensor,
    share: Any, turned_share: Any,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return x.new_empty(x.shape[0], weight.shape[0]), x.new_empty(x.shape[0], a.shape[0])


@torch.library.custom_op("headshot::folded_product", mutates_args=())
def _folded_product(
    x8: Tensor, row_scale: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None, like: Tensor
) -> Tensor:
    return _scaled_mm(x8, weight.T, row_scale, scale.T, like.dtype, bias)


@_folded_product.register_fake
def _(x8: Tensor, row_scale: Any, weight: Tensor, scale: Any, bias: Any, like: Tensor) -> Tensor:
    return like.new_empty(x8.shape[0], weight.shape[0])


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, weight, scale, turned, ones, _, a, b, _, turned_share = inputs
    ctx.save_for_backward(x, output[1], weight, scale, turned, ones, a, b, turned_share)


def _d_product(ctx: Any, dy: Tensor, _d_low: Tensor | None) -> tuple[Tensor | None, ...]:
    x, low, weight, scale, turned, ones, a, b, share = ctx.saved_tensors
    dx, da, db = _gradients(dy, weight, scale, turned, ones, x, low, a, b, share)
    return dx, None, None, None, None, None, da, db, None, None


_product.register_autograd(_d_product, setup_context=_keep)


@torch.library.custom_op("headshot::lora_gradients", mutates_args=())
def _gradients(
    dy: Tensor, weight: Tensor, scale: Tensor | None, turned: Tensor | None, ones: Tensor | None,
    x: Tensor, low: Tensor, a: Tensor, b: Tensor, share: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Of x, A and B. The scales of W's rows lie along the sum of dy W, so they go into dy before it
    is rounded.
    """
    d_low, outputs = dy @ b, dy.shape[1]
    if scale is None or ones is None:
        dx = (dy @ _restored(weight, scale, dy.dtype)).addmm_(d_low, a)
    elif turned is None or turned.shape[1] == outputs:
        if turned is None:
            turned = weight.view(torch.uint8).T.contiguous().view(FP8)
        dy8, row_scale = rounded(dy, scale.flatten())
        dx = _scaled_mm(dy8, turned.T, row_scale, ones, dy.dtype).addmm_(d_low, a)
    else:
        dy8, row_scale = rounded(dy, scale.flatten(), d_low, share, turned.shape[1] - outputs)
        dx = _scaled_mm(dy8, turned.T, row_scale, ones, dy.dtype)
    return dx, d_low.T @ x, dy.T @ low


@_gradients.register_fake
def _(
    dy: Tensor, weight: Tensor, scale: Any, turned: Any, ones: Any, x: Tensor, low: Tensor,
    a: Tensor, b: Tensor, share: Any,
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
    # Products read a bias number by number, whatever lies between: it must be by itself.
    bias = x[:, 0].contiguous()
    try:
        x8, scale = rounded(x)
        found = _scaled_mm(x8, x8.T, scale, scale.T, x.dtype, bias).float()
    except (RuntimeError, NotImplementedError) as error:
        log.warning("fp8_not_used", error=str(error)[:200])
        return False
    expected = (x @ x.T + bias).float()
    return bool((found - expected).norm() < _FP8_CLOSE * expected.norm())


def _bias(linears: Sequence[nn.Linear], storage: Storage) -> Tensor | None:
    if linears[0].bias is None:
        return None
    return torch.cat([x.bias.detach().to(storage.device, storage.dtype) for x in linears])
