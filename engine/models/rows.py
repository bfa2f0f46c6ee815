"""How rows of numbers are dealt out to programs of a GPU (see `rows_kernel`). Knows sizes only."""

from torch import Tensor

_NUMBERS_A_WARP = 768
"""Of a row, as a kernel holds them in registers: 24 for each of a warp's threads."""
_MOST_WARPS = 8
"""Rows of 12,288 numbers took 37 us with 8, 43 with 4, 38 with 16 (4,096 rows, GELU, H200), and of
21,504 numbers 81, 98 and 82.
"""


def lined_up(x: Tensor) -> Tensor:
    """Numbers of a row side by side."""
    return x if x.stride(-1) == 1 else x.contiguous()


def power_for(count: int, least: int = 16) -> int:
    """The power of two that holds so many; Triton's blocks are such."""
    return max(least, 1 << (count - 1).bit_length()) if count else least


def third_of(columns: int) -> int:
    """How long each of a row's three parts is."""
    return power_for(-(-columns // 3))


def warps_for(columns: int) -> int:
    """That share a row."""
    return min(_MOST_WARPS, power_for(columns // _NUMBERS_A_WARP, least=1))
