"""The kernel behind `rounding`. Needs Triton, which comes with PyTorch for CUDA."""

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit
def round_rows(
    rows, factors, out, scales, row_stride, columns: tl.constexpr, has_factors: tl.constexpr,
    most: tl.constexpr, smallest: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """One row: its largest number first, then all of them, which are in the cache by then."""
    row = tl.program_id(0).to(tl.int64)
    source, target = rows + row * row_stride, out + row * columns
    largest = tl.full((block,), smallest, tl.float32)
    for start in range(0, columns, block):
        x = _read(source, factors, start, columns, has_factors, block)
        largest = tl.maximum(largest, tl.abs(x))
    scale = tl.max(largest, 0) * (1 / most)
    tl.store(scales + row, scale)
    back = 1.0 / scale
    for start in range(0, columns, block):
        x = _read(source, factors, start, columns, has_factors, block)
        x = tl.minimum(tl.maximum(x * back, -most), most)
        at = start + tl.arange(0, block)
        tl.store(target + at, x.to(tl.float8e4nv), mask=at < columns)


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
