"""The kernels behind `rounding`. Need Triton, which comes with PyTorch for CUDA."""

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit
def round_rows(
    rows, factors, beside, share, out, scales, row_stride, columns: tl.constexpr,
    few: tl.constexpr, room: tl.constexpr, has_factors: tl.constexpr, has_share: tl.constexpr,
    most: tl.constexpr, smallest: tl.constexpr, block: tl.constexpr, room_block: tl.constexpr,
):  # fmt: skip
    """One row: its largest number first, then all of them, which are in the cache by then."""
    row = tl.program_id(0).to(tl.int64)
    source, target = rows + row * row_stride, out + row * (columns + room)
    largest = tl.full((block,), smallest, tl.float32)
    for start in range(0, columns, block):
        x = _read(source, factors, start, columns, has_factors, block)
        largest = tl.maximum(largest, tl.abs(x))
    top = tl.max(largest, 0)
    place = tl.arange(0, room_block)
    low = tl.zeros((room_block,), tl.float32)
    if few > 0:
        low = tl.load(beside + row * few + place, mask=place < few, other=0.0).to(tl.float32)
        if has_share:
            low *= tl.load(share).to(tl.float32)
        top = tl.maximum(top, tl.max(tl.abs(low), 0))
    scale = top * (1 / most)
    tl.store(scales + row, scale)
    back = 1.0 / scale
    for start in range(0, columns, block):
        x = _read(source, factors, start, columns, has_factors, block)
        at = start + tl.arange(0, block)
        tl.store(target + at, _short(x * back, most), mask=at < columns)
    if room > 0:
        tl.store(target + columns + place, _short(low * back, most), mask=place < room)


@triton.jit
def round_normed(
    rows, shifts, factors, out, scales, tokens, shift_stride, factor_stride,
    columns: tl.constexpr, epsilon: tl.constexpr, most: tl.constexpr, smallest: tl.constexpr,
    block: tl.constexpr,
):  # fmt: skip
    """One token: normalised, scaled and shifted as its picture's, rounded; held all the while."""
    row = tl.program_id(0).to(tl.int64)
    picture = row // tokens
    at = tl.arange(0, block)
    inside = at < columns
    x = tl.load(rows + row * columns + at, mask=inside, other=0.0).to(tl.float32)
    mean = tl.sum(x, 0) / columns
    centred = tl.where(inside, x - mean, 0.0)
    deviation = tl.sqrt(tl.sum(centred * centred, 0) / columns + epsilon)
    factor = tl.load(factors + picture * factor_stride + at, mask=inside, other=0.0)
    shift = tl.load(shifts + picture * shift_stride + at, mask=inside, other=0.0)
    x = centred / deviation * (1.0 + factor.to(tl.float32)) + shift.to(tl.float32)
    scale = tl.maximum(tl.max(tl.abs(x), 0), smallest) * (1 / most)
    tl.store(scales + row, scale)
    tl.store(out + row * columns + at, _short(x * (1.0 / scale), most), mask=inside)


@triton.jit
def round_gelu(
    hidden, before, out, scales, tokens, picture_stride, token_stride, first_picture_stride,
    first_token_stride, columns: tl.constexpr, first: tl.constexpr, most: tl.constexpr,
    smallest: tl.constexpr, block: tl.constexpr, first_block: tl.constexpr,
):  # fmt: skip
    """One token: what comes before, then GELU of the hidden numbers, rounded as one row."""
    row = tl.program_id(0).to(tl.int64)
    picture, token = row // tokens, row % tokens
    target = out + row * (columns + first)
    at = tl.arange(0, block)
    inside = at < columns
    source = hidden + picture * picture_stride + token * token_stride
    x = tl.load(source + at, mask=inside, other=0.0).to(tl.float32)
    x = x * tl.sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))
    top = tl.maximum(tl.max(tl.abs(x), 0), smallest)
    led = tl.zeros((first_block,), tl.float32)
    if first > 0:
        place = tl.arange(0, first_block)
        source = before + picture * first_picture_stride + token * first_token_stride
        led = tl.load(source + place, mask=place < first, other=0.0).to(tl.float32)
        top = tl.maximum(top, tl.max(tl.abs(led), 0))
    scale = top * (1 / most)
    tl.store(scales + row, scale)
    back = 1.0 / scale
    if first > 0:
        place = tl.arange(0, first_block)
        tl.store(target + place, _short(led * back, most), mask=place < first)
    tl.store(target + first + at, _short(x * back, most), mask=inside)


@triton.jit
def spread(
    branch, weight_scales, largest, reach, out, share, rows, row_stride, column_stride, out_stride,
    columns: tl.constexpr, has_scales: tl.constexpr, has_reach: tl.constexpr, most: tl.constexpr,
    smallest: tl.constexpr, room: tl.constexpr, row_block: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Some rows of a branch's matrix, in the units that leave both sides of a product room."""
    number = tl.program_id(0)
    row = (number * row_block + tl.arange(0, row_block)).to(tl.int64)
    at = tl.arange(0, block)
    inside = (row < rows)[:, None] & (at < columns)[None]
    widest = tl.load(largest)
    if has_reach:
        widest *= tl.load(reach)
    unit = tl.maximum(widest, smallest) * (1 / room)
    source = branch + row[:, None] * row_stride + at[None] * column_stride
    x = tl.load(source, mask=inside, other=0.0).to(tl.float32) / unit
    if has_scales:
        x = x / tl.load(weight_scales + row, mask=row < rows, other=1.0)[:, None]
    tl.store(out + row[:, None] * out_stride + at[None], _short(x, most), mask=inside)
    if number == 0:
        tl.store(share, unit)


@triton.jit
def _short(x, most: tl.constexpr):
    return tl.minimum(tl.maximum(x, -most), most).to(tl.float8e4nv)


@triton.jit
def _read(
    source, factors, start, columns: tl.constexpr, has_factors: tl.constexpr, block: tl.constexpr
):
    """A block of the row in fp32, times its factors; zeros beyond the end."""
    at = start + tl.arange(0, block)
    inside = at < columns
    x = tl.load(source + at, mask=inside, other=0.0).to(tl.float32)
    if has_factors:
        x *= tl.load(factors + at, mask=inside, other=0.0)
    return x
