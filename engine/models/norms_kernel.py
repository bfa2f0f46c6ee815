"""The kernels behind `norms`. Need Triton, which comes with PyTorch for CUDA.

A program holds a whole row, in three parts (see `rows_kernel`).
"""

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

from engine.models.rows_kernel import read_row, within_row, write_row


@triton.jit
def norm(
    rows, shifts, factors, out, tokens, picture_stride, token_stride, shift_stride, factor_stride,
    columns: tl.constexpr, epsilon: tl.constexpr, third: tl.constexpr,
):  # fmt: skip
    """One token: normalised, scaled and shifted as its picture's."""
    row = tl.program_id(0).to(tl.int64)
    picture, token = row // tokens, row % tokens
    source = rows + picture * picture_stride + token * token_stride
    factors, shifts = factors + picture * factor_stride, shifts + picture * shift_stride
    x, y, z = normed_row(source, factors, shifts, columns, epsilon, third)
    write_row(out + row * columns, x, y, z, columns, third)


@triton.jit
def norm_back(
    rows, factors, gradients, passed, out, to_shift, to_factor, tokens, picture_stride,
    token_stride, factor_stride, passed_picture, passed_token, share, columns: tl.constexpr,
    epsilon: tl.constexpr, third: tl.constexpr,
):  # fmt: skip
    """Some tokens of a picture: their own gradient with what was passed by, and their part in those
    of shift and factors.
    """
    number, picture = tl.program_id(0), tl.program_id(1).to(tl.int64)
    by_x, by_y, by_z = read_row(factors + picture * factor_stride, columns, third)
    shift_x = tl.zeros((third,), tl.float32)
    shift_y, shift_z = shift_x, shift_x
    factor_x, factor_y, factor_z = shift_x, shift_x, shift_x
    for token in range(number * share, tl.minimum((number + 1) * share, tokens)):
        source = rows + picture * picture_stride + token * token_stride
        x, y, z, inverse = _centred(source, columns, epsilon, third)
        x, y, z = x * inverse, y * inverse, z * inverse
        at = (picture * tokens + token) * columns
        d_x, d_y, d_z = read_row(gradients + at, columns, third)
        shift_x, shift_y, shift_z = shift_x + d_x, shift_y + d_y, shift_z + d_z
        factor_x, factor_y, factor_z = factor_x + d_x * x, factor_y + d_y * y, factor_z + d_z * z
        d_x, d_y, d_z = d_x * (1.0 + by_x), d_y * (1.0 + by_y), d_z * (1.0 + by_z)
        mean = tl.sum(d_x + d_y + d_z, 0) / columns
        along = tl.sum(d_x * x + d_y * y + d_z * z, 0) / columns
        beside = passed + picture * passed_picture + token * passed_token
        left_x, left_y, left_z = read_row(beside, columns, third)
        d_x = left_x + inverse * (d_x - mean - x * along)
        d_y = left_y + inverse * (d_y - mean - y * along)
        d_z = left_z + inverse * (d_z - mean - z * along)
        write_row(out + at, d_x, d_y, d_z, columns, third)
    part = (picture * tl.num_programs(0) + number) * columns
    write_row(to_shift + part, shift_x, shift_y, shift_z, columns, third)
    write_row(to_factor + part, factor_x, factor_y, factor_z, columns, third)


@triton.jit
def normed_row(
    source, factors, shifts, columns: tl.constexpr, epsilon: tl.constexpr, third: tl.constexpr
):
    """A row normalised, scaled and shifted."""
    x, y, z, inverse = _centred(source, columns, epsilon, third)
    by_x, by_y, by_z = read_row(factors, columns, third)
    to_x, to_y, to_z = read_row(shifts, columns, third)
    x = x * inverse * (1.0 + by_x) + to_x
    y = y * inverse * (1.0 + by_y) + to_y
    return x, y, z * inverse * (1.0 + by_z) + to_z


@triton.jit
def _centred(source, columns: tl.constexpr, epsilon: tl.constexpr, third: tl.constexpr):
    """A row around its mean, and the reciprocal of its deviation."""
    x, y, z = read_row(source, columns, third)
    mean = tl.sum(x + y + z, 0) / columns
    x, y, z = within_row(x - mean, y - mean, z - mean, columns, third)
    return x, y, z, tl.rsqrt(tl.sum(x * x + y * y + z * z, 0) / columns + epsilon)
