"""Whole rows of numbers in a program's registers. Needs Triton, which comes with PyTorch for CUDA.

In three parts: the widths of a transformer are three times a power of two, which is what a part can
have, or are lengthened to that.
"""

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit
def read_row(source, columns: tl.constexpr, third: tl.constexpr):
    """A row in fp32, in three parts; zeros beyond its end."""
    at = tl.arange(0, third)
    if columns == 3 * third:
        x = tl.load(source + at)
        y = tl.load(source + third + at)
        z = tl.load(source + 2 * third + at)
    else:
        x = tl.load(source + at, mask=at < columns, other=0.0)
        y = tl.load(source + third + at, mask=third + at < columns, other=0.0)
        z = tl.load(source + 2 * third + at, mask=2 * third + at < columns, other=0.0)
    return x.to(tl.float32), y.to(tl.float32), z.to(tl.float32)


@triton.jit
def within_row(x, y, z, columns: tl.constexpr, third: tl.constexpr):
    """Zeros beyond the row's end again."""
    if columns != 3 * third:
        at = tl.arange(0, third)
        x = tl.where(at < columns, x, 0.0)
        y = tl.where(third + at < columns, y, 0.0)
        z = tl.where(2 * third + at < columns, z, 0.0)
    return x, y, z


@triton.jit
def write_row(target, x, y, z, columns: tl.constexpr, third: tl.constexpr):
    """A row's parts in the target's kind. What would be more than fp8's most is the most, as CUDA
    rounds.
    """
    at = tl.arange(0, third)
    kind = target.dtype.element_ty
    x, y, z = x.to(kind), y.to(kind), z.to(kind)
    if columns == 3 * third:
        tl.store(target + at, x)
        tl.store(target + third + at, y)
        tl.store(target + 2 * third + at, z)
    else:
        tl.store(target + at, x, mask=at < columns)
        tl.store(target + third + at, y, mask=third + at < columns)
        tl.store(target + 2 * third + at, z, mask=2 * third + at < columns)
