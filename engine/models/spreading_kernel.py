"""The kernel behind `spreading`. Needs Triton, which comes with PyTorch for CUDA."""

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit
def spread(
    table, jobs, sources, rooms, numbers, strength, columns: tl.constexpr, fields: tl.constexpr,
    nowhere: tl.constexpr, most: tl.constexpr, smallest: tl.constexpr, room: tl.constexpr,
    row_block: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Some rows of a part, in the units that leave both sides of a product room."""
    job = jobs + tl.program_id(0) * 2
    part, start = table + tl.load(job).to(tl.int64) * fields, tl.load(job + 1)
    row = (start + tl.arange(0, row_block)).to(tl.int64)
    at = tl.arange(0, block)
    there = row < tl.load(part + 3)
    inside = there[:, None] & (at < columns)[None]
    widest = tl.load(numbers + tl.load(part + 6))
    reach = tl.load(part + 9)
    if reach != nowhere:
        widest *= tl.load(numbers + reach)
    unit = tl.maximum(widest, smallest) * (1 / room)
    source = sources + tl.load(part) + row[:, None] * tl.load(part + 1)
    x = tl.load(source + at[None] * tl.load(part + 2), mask=inside, other=0.0).to(tl.float32) / unit
    scales = tl.load(part + 8)
    if scales != nowhere:
        x = x / tl.load(numbers + scales + row, mask=there, other=1.0)[:, None]
    short = tl.minimum(tl.maximum(x, -most), most).to(tl.float8e4nv)
    target = rooms + tl.load(part + 4) + row[:, None] * tl.load(part + 5)
    tl.store(target + at[None], short, mask=inside)
    if start == 0:
        if tl.load(part + 10) != 0:
            unit *= tl.load(strength).to(tl.float32)
        tl.store(numbers + tl.load(part + 7), unit)
