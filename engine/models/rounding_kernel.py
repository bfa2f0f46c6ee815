"""The kernels behind `rounding`. Need Triton, which comes with PyTorch for CUDA.

A program holds a whole row, in three parts (see `rows_kernel`).
"""

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

from engine.models.norms_kernel import normed_row
from engine.models.rows_kernel import read_row, write_row


@triton.jit
def round_rows(
    rows, factors, beside, share, out, scales, row_stride, columns: tl.constexpr,
    few: tl.constexpr, room: tl.constexpr, has_factors: tl.constexpr, has_share: tl.constexpr,
    most: tl.constexpr, smallest: tl.constexpr, third: tl.constexpr, room_block: tl.constexpr,
):  # fmt: skip
    """One row, times its factors, and what stands beside it."""
    row = tl.program_id(0).to(tl.int64)
    source, target = rows + row * row_stride, out + row * (columns + room)
    x, y, z = read_row(source, columns, third)
    if has_factors:
        by_x, by_y, by_z = read_row(factors, columns, third)
        x, y, z = x * by_x, y * by_y, z * by_z
    top = tl.maximum(_top(x, y, z), smallest)
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
    write_row(target, x * back, y * back, z * back, columns, third)
    if room > 0:
        tl.store(target + columns + place, (low * back).to(tl.float8e4nv), mask=place < room)


@triton.jit
def round_normed(
    rows, shifts, factors, out, scales, tokens, shift_stride, factor_stride,
    columns: tl.constexpr, epsilon: tl.constexpr, most: tl.constexpr, smallest: tl.constexpr,
    third: tl.constexpr,
):  # fmt: skip
    """One token: normalised, scaled and shifted as its picture's, rounded."""
    row = tl.program_id(0).to(tl.int64)
    picture = row // tokens
    factors, shifts = factors + picture * factor_stride, shifts + picture * shift_stride
    x, y, z = normed_row(rows + row * columns, factors, shifts, columns, epsilon, third)
    scale = tl.maximum(_top(x, y, z), smallest) * (1 / most)
    tl.store(scales + row, scale)
    back = 1.0 / scale
    write_row(out + row * columns, x * back, y * back, z * back, columns, third)


@triton.jit
def round_gelu(
    hidden, before, out, scales, tokens, picture_stride, token_stride, first_picture_stride,
    first_token_stride, columns: tl.constexpr, first: tl.constexpr, most: tl.constexpr,
    smallest: tl.constexpr, third: tl.constexpr, first_third: tl.constexpr,
):  # fmt: skip
    """One token: what comes before, then GELU of the hidden numbers, rounded as one row."""
    row = tl.program_id(0).to(tl.int64)
    picture, token = row // tokens, row % tokens
    target = out + row * (columns + first)
    x, y, z = read_row(hidden + picture * picture_stride + token * token_stride, columns, third)
    x, y, z = _gelu(x), _gelu(y), _gelu(z)
    top = tl.maximum(_top(x, y, z), smallest)
    if first > 0:
        source = before + picture * first_picture_stride + token * first_token_stride
        led_x, led_y, led_z = read_row(source, first, first_third)
        top = tl.maximum(top, _top(led_x, led_y, led_z))
    scale = top * (1 / most)
    tl.store(scales + row, scale)
    back = 1.0 / scale
    if first > 0:
        led_x, led_y, led_z = led_x * back, led_y * back, led_z * back  # pyright: ignore
        write_row(target, led_x, led_y, led_z, first, first_third)
    write_row(target + first, x * back, y * back, z * back, columns, third)


@triton.jit
def _gelu(x):
    """Approximated by tanh, which the processor has an instruction for: exact to eleven bits."""
    inner = x * (0.7978845608028654 + 0.035677408136300125 * x * x)
    bent = tl.inline_asm_elementwise(
        "tanh.approx.f32 $0, $1;", "=f,f", [inner], dtype=tl.float32, is_pure=True, pack=1
    )
    half = 0.5 * x
    return half + half * bent


@triton.jit
def _top(x, y, z):
    """The largest size of a number in a row."""
    return tl.max(tl.maximum(tl.maximum(tl.abs(x), tl.abs(y)), tl.abs(z)), 0)
