"""Keeps the bot small: a photo's memory goes back to the system when the photo is done.

glibc takes ever larger pieces from one heap once a large one was freed, and a heap shrinks only
from its end. With a fixed threshold every large piece is a mapping of its own. Elsewhere than on
glibc nothing is done.
"""

import ctypes
import sys

M_MMAP_THRESHOLD = -3
THRESHOLD_BYTES = 256 * 1024


def return_large_pieces() -> None:
    """For the whole process; once, at its start."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, THRESHOLD_BYTES)
