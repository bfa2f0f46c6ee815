"""Heads of attention: cut out of what a product made, normalised, and turned by their positions.

Queries and keys have a norm (Zhang and Sennrich, Root Mean Square Layer Normalization, 2019) and
are turned in pairs of numbers (Su et al., RoFormer, 2021). On CUDA kernels of our own read and
write each number once, forward and backward; a compiler reads them several times. Knows tensors;
knows no products and no attention.

Shapes: b batch, t tokens (text first), h heads of s numbers, d = h s.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models import trials
from engine.models.pointwise import gelu
from engine.models.rows import lined_up

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines of every token's position, (t, s) each, fp32; the sines of the first number of
each pair with a minus."""

Norms = tuple[Tensor, Tensor]
"""Factors (s,) of queries and of keys."""

_BLOCK = 8
"""Heads of a program."""
_HIDDEN_BLOCK = 1024
_WARPS = 2
"""33 us for a single block of FLUX.1 at 1024 px, 37 with 4 (H200); backward 145 and 152."""
_LEAST_SIZE = 16
_EPSILON = 1e-6
_CLOSE = 0.01
"""Twice what rounding to bf16 changes."""


def rotated(x: Tensor, rotation: Rotation) -> Tensor:
    """Heads (b, t, h, s) turned by their positions."""
    cosines, sines = (part[None, :, None] for part in rotation)
    swapped = x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
    return (x.float() * cosines + swapped.float() * sines).to(x.dtype)


def plain(
    parts: Sequence[Tensor], norms: Norms, rotation: Rotation | None, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (b, t, h, s) from their numbers (b, t, d) each."""
    size = norms[0].shape[0]
    q, k, v = (part.unflatten(-1, (-1, size)) for part in parts)
    q, k = (F.rms_norm(x, (size,), norm, epsilon) for x, norm in zip((q, k), norms, strict=True))
    return (q, k, v) if rotation is None else (rotated(q, rotation), rotated(k, rotation), v)


def _plain_back(
    given: Sequence[Tensor], made: Tensor, norms: Norms,
    rotation: Rotation | None, epsilon: float,
) -> Tensor:  # fmt: skip
    """The gradient of the first 3 d numbers of each token, from those of q, k and v."""
    *turned, d_v = (d.float() for d in given)
    out: list[Tensor] = []
    for number, (d, norm) in enumerate(zip(turned, norms, strict=True)):
        if rotation is not None:
            cosines, sines = (part[None, :, None] for part in rotation)
            d = d * cosines + (d * sines).unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
        width = d.shape[2] * d.shape[3]
        x = made[..., number * width : (number + 1) * width].float().unflatten(-1, d.shape[2:])
        inverse = (x.square().mean(-1, keepdim=True) + epsilon).rsqrt()
        d = d * norm.float()
        out.append(inverse * (d - x * inverse * inverse * (d * x).mean(-1, keepdim=True)))
    return torch.cat([d.flatten(2) for d in (*out, d_v)], -1).to(made.dtype)


class _Opened(torch.autograd.Function):
    """What a single block's first product made (b, t, 3 d + n), as heads and what GELU is for.

    All of the product's gradient is written at once, so GELU's part in it is here and not where
    GELU is applied (see `passed_gelu`).
    """

    @staticmethod
    def forward(  # pyright: ignore
        ctx: Any, made: Tensor, width: int, q_norm: Tensor, k_norm: Tensor, cosines: Tensor,
        sines: Tensor, epsilon: float,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
        ctx.save_for_backward(made, q_norm, k_norm, cosines, sines)
        ctx.epsilon = epsilon
        q, k, _ = _turned(
            None, made, None, None, q_norm, k_norm, cosines, sines, width, epsilon, False
        )
        v = made[..., 2 * width : 3 * width].unflatten(-1, (-1, q_norm.shape[0]))
        return q, k, v, made[..., 3 * width :]

    @staticmethod
    def backward(ctx: Any, d_q: Tensor, d_k: Tensor, d_v: Tensor, d_active: Tensor) -> Any:  # pyright: ignore
        d_made = _opened_back(d_q, d_k, d_v, d_active, *ctx.saved_tensors, ctx.epsilon)
        return d_made, None, None, None, None, None, None


class _PassedGelu(torch.autograd.Function):
    """GELU that hands its output's gradient on as it is, to `opened`, which knows what to do."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # pyright: ignore
        return gelu(x)

    @staticmethod
    def backward(ctx: Any, d_active: Tensor) -> Tensor:  # pyright: ignore
        return d_active


def opened(
    made: Tensor, width: int, norms: Norms, rotation: Rotation, epsilon: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Queries, keys and values as `plain` does, and the rest (b, t, n), for `passed_gelu` alone."""
    opening: Any = _Opened.apply
    return opening(made, width, *norms, *rotation, epsilon)


def passed_gelu(x: Tensor) -> Tensor:
    """GELU of the rest that `opened` gave."""
    passing: Any = _PassedGelu.apply
    return passing(x)


def joined(
    text: Tensor, made: Tensor, text_norms: Norms, norms: Norms,
    rotation: Rotation, epsilon: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Queries, keys and values of text (b, t', 3 d), which nothing turns, then of an image
    (b, t, 3 d): (b, t' + t, h, s) each.
    """
    width = made.shape[-1] // 3
    return _turned(text, made, *text_norms, *norms, *rotation, width, epsilon, True)


@torch.library.custom_op("headshot::turned", mutates_args=())
def _turned(
    text: Tensor | None, made: Tensor, text_q: Tensor | None, text_k: Tensor | None,
    q_norm: Tensor, k_norm: Tensor, cosines: Tensor, sines: Tensor, width: int, epsilon: float,
    with_values: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The third is empty without values."""
    if made.device.type == "cuda":
        return _launch(
            text, made, text_q, text_k, q_norm, k_norm, cosines, sines, width, epsilon, with_values
        )
    parts = made[..., : 3 * width].chunk(3, -1)
    q, k, v = plain(parts, (q_norm, k_norm), (cosines, sines), epsilon)
    if text is None or text_q is None or text_k is None:
        return q.contiguous(), k.contiguous(), made.new_empty(0)
    words = plain(text.chunk(3, -1), (text_q, text_k), None, epsilon)
    q, k, v = (torch.cat(pair, 1) for pair in zip(words, (q, k, v), strict=True))
    return q, k, v


@_turned.register_fake
def _(
    text: Tensor | None, made: Tensor, text_q: Any, text_k: Any, q_norm: Tensor, k_norm: Any,
    cosines: Any, sines: Any, width: int, epsilon: Any, with_values: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    size = q_norm.shape[0]
    tokens = made.shape[1] + (0 if text is None else text.shape[1])
    shape = (made.shape[0], tokens, width // size, size)
    v = made.new_empty(shape if with_values else (0,))
    return made.new_empty(shape), made.new_empty(shape), v


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    text, made, text_q, text_k, q_norm, k_norm, cosines, sines, _, epsilon, _ = inputs
    ctx.save_for_backward(text, made, text_q, text_k, q_norm, k_norm, cosines, sines)
    ctx.epsilon = epsilon


def _gradients(ctx: Any, d_q: Tensor, d_k: Tensor, d_v: Tensor) -> tuple[Tensor | None, ...]:
    d_text, d_made = _turned_back(d_q, d_k, d_v, *ctx.saved_tensors, ctx.epsilon)
    return d_text, d_made, *(None,) * 9


_turned.register_autograd(_gradients, setup_context=_keep)


@torch.library.custom_op("headshot::turned_back", mutates_args=())
def _turned_back(
    d_q: Tensor, d_k: Tensor, d_v: Tensor, text: Tensor, made: Tensor, text_q: Tensor,
    text_k: Tensor, q_norm: Tensor, k_norm: Tensor, cosines: Tensor, sines: Tensor, epsilon: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Of text and image, (b, t', 3 d) and (b, t, 3 d)."""
    if made.device.type == "cuda":
        return _launch_back(
            d_q, d_k, d_v, text, made, text_q, text_k, q_norm, k_norm, cosines, sines, epsilon
        )
    num_text = text.shape[1]
    words, image = zip(*((d[:, :num_text], d[:, num_text:]) for d in (d_q, d_k, d_v)), strict=True)
    return (
        _plain_back(words, text, (text_q, text_k), None, epsilon),
        _plain_back(image, made, (q_norm, k_norm), (cosines, sines), epsilon),
    )


@_turned_back.register_fake
def _(
    d_q: Any, d_k: Any, d_v: Any, text: Tensor, made: Tensor, text_q: Any, text_k: Any,
    q_norm: Any, k_norm: Any, cosines: Any, sines: Any, epsilon: Any,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return text.new_empty(text.shape), made.new_empty(made.shape)


@torch.library.custom_op("headshot::opened_back", mutates_args=())
def _opened_back(
    d_q: Tensor, d_k: Tensor, d_v: Tensor, d_active: Tensor, made: Tensor, q_norm: Tensor,
    k_norm: Tensor, cosines: Tensor, sines: Tensor, epsilon: float,
) -> Tensor:  # fmt: skip
    """(b, t, 3 d + n), of which `d_active` (b, t, n) is the gradient after GELU."""
    if made.device.type == "cuda":
        return _launch_opened_back(
            d_q, d_k, d_v, d_active, made, q_norm, k_norm, cosines, sines, epsilon
        )
    hidden = made[..., -d_active.shape[-1] :].float()
    d_hidden = torch.ops.aten.gelu_backward(d_active.float(), hidden, approximate="tanh")
    norms, rotation = (q_norm, k_norm), (cosines, sines)
    d_heads = _plain_back((d_q, d_k, d_v), made, norms, rotation, epsilon)
    return torch.cat((d_heads, d_hidden.to(made.dtype)), -1)


@_opened_back.register_fake
def _(
    d_q: Any, d_k: Any, d_v: Any, d_active: Any, made: Tensor, q_norm: Any, k_norm: Any,
    cosines: Any, sines: Any, epsilon: Any,
) -> Tensor:  # fmt: skip
    return made.new_empty(made.shape)


def _launch(
    text: Tensor | None, made: Tensor, text_q: Tensor | None, text_k: Tensor | None,
    q_norm: Tensor, k_norm: Tensor, cosines: Tensor, sines: Tensor, width: int, epsilon: float,
    with_values: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    made = lined_up(made)
    text = made if text is None else lined_up(text)
    num_text = 0 if text_q is None else text.shape[1]
    size, batch, tokens = q_norm.shape[0], made.shape[0], made.shape[1] + num_text
    heads = width // size
    shape = (batch, tokens, heads, size)
    q, k = made.new_empty(shape), made.new_empty(shape)
    v = made.new_empty(shape if with_values else (0,))
    _kernels().turn[(batch * tokens, -(-heads // _BLOCK))](
        text, made, q_norm if text_q is None else text_q, k_norm if text_k is None else text_k,
        q_norm, k_norm, cosines, sines, q, k, v, tokens, num_text, text.stride(0), text.stride(1),
        made.stride(0), made.stride(1), epsilon=epsilon, heads=heads, size=size, block=_BLOCK,
        has_values=with_values, num_warps=_WARPS,
    )  # fmt: skip
    return q, k, v


def _launch_back(
    d_q: Tensor, d_k: Tensor, d_v: Tensor, text: Tensor, made: Tensor, text_q: Tensor,
    text_k: Tensor, q_norm: Tensor, k_norm: Tensor, cosines: Tensor, sines: Tensor, epsilon: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    text, made = lined_up(text), lined_up(made)
    batch, tokens, heads, size = d_q.shape
    d_text, d_made = text.new_empty(text.shape), made.new_empty(made.shape)
    _kernels().turn_back[(batch * tokens, -(-heads // _BLOCK))](
        d_q.contiguous(), d_k.contiguous(), d_v.contiguous(), text, made, text_q, text_k, q_norm,
        k_norm, cosines, sines, d_text, d_made, tokens, text.shape[1], text.stride(0),
        text.stride(1), made.stride(0), made.stride(1), epsilon=epsilon, heads=heads, size=size,
        block=_BLOCK, num_warps=_WARPS,
    )  # fmt: skip
    return d_text, d_made


def _launch_opened_back(
    d_q: Tensor, d_k: Tensor, d_v: Tensor, d_active: Tensor, made: Tensor, q_norm: Tensor,
    k_norm: Tensor, cosines: Tensor, sines: Tensor, epsilon: float,
) -> Tensor:  # fmt: skip
    made, d_active = lined_up(made), lined_up(d_active)
    batch, tokens, heads, size = d_q.shape
    hidden = d_active.shape[-1]
    out = made.new_empty(made.shape)
    parts = -(-heads // _BLOCK) + -(-hidden // _HIDDEN_BLOCK)
    _kernels().open_back[(batch * tokens, parts)](
        d_q.contiguous(), d_k.contiguous(), d_v.contiguous(), d_active, made, q_norm, k_norm,
        cosines, sines, out, tokens, d_active.stride(0), d_active.stride(1), made.stride(0),
        made.stride(1), epsilon=epsilon, heads=heads, size=size, block=_BLOCK, hidden=hidden,
        hidden_block=_HIDDEN_BLOCK, num_warps=_WARPS,
    )  # fmt: skip
    return out


@cache
def own_kernels_work(device: torch.device, size: int) -> bool:
    """For heads of that size: False without CUDA or Triton, or where they give other numbers."""
    if device.type != "cuda" or size < _LEAST_SIZE or size & (size - 1):
        return False
    return trials.passes("own_heads", lambda: _difference(device, size), _CLOSE)


def _difference(device: torch.device, size: int) -> float:
    """How far heads and gradients are from the plain way's, at worst, on random numbers."""
    generator = torch.Generator(device).manual_seed(0)

    def some(*shape: int) -> Tensor:
        return torch.randn(shape, device=device, generator=generator).bfloat16()

    width = (_BLOCK + 1) * size
    inputs = [some(2, 3, 3 * width), some(2, 5, 3 * width), some(2, 5, 3 * width + 96)]
    of_image, of_text = (some(size), some(size)), (some(size), some(size))
    rotation = (some(5, size).float(), some(5, size).float())
    image, text = ((q.float(), k.float()) for q, k in (of_image, of_text))
    with torch.enable_grad():
        mine = [x.requires_grad_() for x in inputs]
        q, k, v, rest = opened(mine[2], width, of_image, rotation, _EPSILON)
        found = [
            *joined(mine[0], mine[1], of_text, of_image, rotation, _EPSILON),
            *(q, k, v, passed_gelu(rest)),
        ]
        theirs = [x.detach().float().requires_grad_() for x in inputs]
        pairs = zip(
            plain(theirs[0].chunk(3, -1), text, None, _EPSILON),
            plain(theirs[1].chunk(3, -1), image, rotation, _EPSILON),
            strict=True,
        )
        alone = theirs[2][..., : 3 * width].chunk(3, -1)
        expected = [
            *(torch.cat(pair, 1) for pair in pairs),
            *plain(alone, image, rotation, _EPSILON),
            gelu(theirs[2][..., 3 * width :]),
        ]  # fmt: skip
        given = [some(*x.shape) for x in found]
        found += torch.autograd.grad(found, mine, given)
        expected += torch.autograd.grad(expected, theirs, [x.float() for x in given])
    return trials.furthest(found, expected)


def _kernels() -> Any:
    from engine.models import heads_kernel

    return heads_kernel
