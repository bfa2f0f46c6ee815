"""The kernels behind `heads`. Need Triton, which comes with PyTorch for CUDA.

A program holds some heads of one token: rows of numbers whose neighbours are turned in pairs.
"""

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit
def turn(
    text, made, text_q, text_k, by_q, by_k, cosines, sines, q_out, k_out, v_out, tokens, num_text,
    text_picture, text_token, made_picture, made_token, epsilon: tl.constexpr,
    heads: tl.constexpr, size: tl.constexpr, block: tl.constexpr, has_values: tl.constexpr,
):  # fmt: skip
    """Queries and keys of one token, text's first; with values, where those are copied too."""
    number, part = tl.program_id(0).to(tl.int64), tl.program_id(1)
    picture, place = number // tokens, number % tokens - num_text
    source, query, key = made + picture * made_picture + place * made_token, by_q, by_k
    if place < 0:
        source = text + picture * text_picture + (place + num_text) * text_token
        query, key = text_q, text_k
    cos_x, cos_y, sin_x, sin_y = _angles(cosines, sines, place, size)
    at, inside = _heads(part, heads, size, block)
    width: tl.constexpr = heads * size
    target = number * width + at
    x, y, _ = _normed(source + at, inside, query, epsilon, size, block)
    _write(q_out + target, x * cos_x + y * sin_x, y * cos_y + x * sin_y, inside, size, block)
    x, y, _ = _normed(source + width + at, inside, key, epsilon, size, block)
    _write(k_out + target, x * cos_x + y * sin_x, y * cos_y + x * sin_y, inside, size, block)
    if has_values:
        v = tl.load(source + 2 * width + at, mask=inside)
        tl.store(v_out + target, v, mask=inside)


@triton.jit
def turn_back(
    d_q, d_k, d_v, text, made, text_q, text_k, by_q, by_k, cosines, sines, d_text, d_made, tokens,
    num_text, text_picture, text_token, made_picture, made_token, epsilon: tl.constexpr,
    heads: tl.constexpr, size: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """The gradients of what `turn` read, values included."""
    number, part = tl.program_id(0).to(tl.int64), tl.program_id(1)
    picture, place = number // tokens, number % tokens - num_text
    width: tl.constexpr = heads * size
    source, query, key = made + picture * made_picture + place * made_token, by_q, by_k
    target = d_made + (picture * (tokens - num_text) + place) * (3 * width)
    if place < 0:
        source = text + picture * text_picture + (place + num_text) * text_token
        target = d_text + (picture * num_text + place + num_text) * (3 * width)
        query, key = text_q, text_k
    at, inside = _heads(part, heads, size, block)
    given = number * width + at
    _turn_back(
        d_q + given, d_k + given, d_v + given, source + at, target + at, query, key, cosines, sines,
        place, inside, epsilon, width, size, block,
    )  # fmt: skip


@triton.jit
def open_back(
    d_q, d_k, d_v, d_active, made, by_q, by_k, cosines, sines, out, tokens, active_picture,
    active_token, made_picture, made_token, epsilon: tl.constexpr, heads: tl.constexpr,
    size: tl.constexpr, block: tl.constexpr, hidden: tl.constexpr, hidden_block: tl.constexpr,
):  # fmt: skip
    """The gradient of a token of a single block's first product: of queries, keys and values, and
    of what GELU was applied to.
    """
    number, part = tl.program_id(0).to(tl.int64), tl.program_id(1)
    picture, token = number // tokens, number % tokens
    width: tl.constexpr = heads * size
    parts: tl.constexpr = (heads + block - 1) // block
    source = made + picture * made_picture + token * made_token
    target = out + number * (3 * width + hidden)
    if part < parts:
        at, inside = _heads(part, heads, size, block)
        given = number * width + at
        _turn_back(
            d_q + given, d_k + given, d_v + given, source + at, target + at, by_q, by_k, cosines,
            sines, token, inside, epsilon, width, size, block,
        )  # fmt: skip
    else:
        of_hidden = (part - parts) * hidden_block + tl.arange(0, hidden_block)
        there = of_hidden < hidden
        after = d_active + picture * active_picture + token * active_token + of_hidden
        x = tl.load(source + 3 * width + of_hidden, mask=there, other=0.0).to(tl.float32)
        dy = tl.load(after, mask=there, other=0.0).to(tl.float32)
        dx = (dy * _gelu_slope(x)).to(out.dtype.element_ty)
        tl.store(target + 3 * width + of_hidden, dx, mask=there)


@triton.jit
def _turn_back(
    d_q, d_k, d_v, source, target, query, key, cosines, sines, place, inside,
    epsilon: tl.constexpr, width: tl.constexpr, size: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    cos_x, cos_y, sin_x, sin_y = _angles(cosines, sines, place, size)
    _back(d_q, source, target, query, cos_x, cos_y, sin_x, sin_y, inside, epsilon, size, block)
    source, target = source + width, target + width
    _back(d_k, source, target, key, cos_x, cos_y, sin_x, sin_y, inside, epsilon, size, block)
    tl.store(target + width, tl.load(d_v, mask=inside), mask=inside)


@triton.jit
def _back(
    given, source, target, weight, cos_x, cos_y, sin_x, sin_y, inside, epsilon: tl.constexpr,
    size: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Turned back, then through the norm."""
    to_x, to_y = _pairs(given, inside, size, block)
    by_x, by_y = _row(weight, size)
    d_x, d_y = (to_x * cos_x + to_y * sin_y) * by_x, (to_y * cos_y + to_x * sin_x) * by_y
    x, y = _pairs(source, inside, size, block)
    inverse = _inverse(x, y, epsilon, size)
    along = (tl.sum(d_x * x + d_y * y, 1) / size)[:, None] * inverse * inverse
    _write(target, inverse * (d_x - x * along), inverse * (d_y - y * along), inside, size, block)


@triton.jit
def _heads(part, heads: tl.constexpr, size: tl.constexpr, block: tl.constexpr):
    """Where the numbers of some heads lie in a token's row, and which of them there are."""
    head = part * block + tl.arange(0, block)
    at = head[:, None] * size + tl.arange(0, size)[None]
    return at, (head < heads)[:, None] & (tl.arange(0, size) >= 0)[None]


@triton.jit
def _angles(cosines, sines, place, size: tl.constexpr):
    """Of the two numbers of each pair; of text, which is nowhere, what turns nothing."""
    at = tl.arange(0, size)
    cos = tl.load(cosines + place * size + at, mask=(at >= 0) & (place >= 0), other=1.0)
    sin = tl.load(sines + place * size + at, mask=(at >= 0) & (place >= 0), other=0.0)
    cos_x, cos_y = tl.split(tl.reshape(cos, (size // 2, 2)))
    sin_x, sin_y = tl.split(tl.reshape(sin, (size // 2, 2)))
    return cos_x[None], cos_y[None], sin_x[None], sin_y[None]


@triton.jit
def _normed(source, inside, weight, epsilon: tl.constexpr, size: tl.constexpr, block: tl.constexpr):
    x, y = _pairs(source, inside, size, block)
    by_x, by_y = _row(weight, size)
    inverse = _inverse(x, y, epsilon, size)
    return x * inverse * by_x, y * inverse * by_y, inverse


@triton.jit
def _inverse(x, y, epsilon: tl.constexpr, size: tl.constexpr):
    return tl.rsqrt(tl.sum(x * x + y * y, 1) / size + epsilon)[:, None]


@triton.jit
def _pairs(source, inside, size: tl.constexpr, block: tl.constexpr):
    """Heads (block, size) in fp32, as the first and the second numbers of their pairs."""
    x = tl.load(source, mask=inside, other=0.0).to(tl.float32)
    return tl.split(tl.reshape(x, (block, size // 2, 2)))


@triton.jit
def _row(source, size: tl.constexpr):
    x, y = tl.split(tl.reshape(tl.load(source + tl.arange(0, size)).to(tl.float32), (size // 2, 2)))
    return x[None], y[None]


@triton.jit
def _write(target, x, y, inside, size: tl.constexpr, block: tl.constexpr):
    whole = tl.reshape(tl.join(x, y), (block, size))
    tl.store(target, whole.to(target.dtype.element_ty), mask=inside)


@triton.jit
def _gelu_slope(x):
    """Of GELU as tanh approximates it."""
    bent = 2.0 * tl.sigmoid(x * (1.5957691216057308 + 0.07135481627260025 * x * x)) - 1.0
    steep = 0.7978845608028654 + 0.10703222440890037 * x * x
    return 0.5 * (1.0 + bent) + 0.5 * x * (1.0 - bent * bent) * steep
