"""Files as Discord takes them: how many a message, how large each, how large together. Pure.

Nothing is dropped: what does not fit goes into another message, and a file that is too large for
any message goes in pieces that any archiver joins (`headshots.zip.001`, `.002`, …).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_FILES = 10
MAX_REQUEST_BYTES = 24 * 1024 * 1024
"""Discord takes 25 MiB at once; the rest is room for the envelope."""
DEFAULT_LIMIT_BYTES = 10 * 1024 * 1024
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif")


@dataclass(frozen=True)
class Upload:
    name: str
    data: bytes
    caption: str = ""
    is_shown: bool = True
    """In the gallery; else as a file to download."""


def uploads(
    files: Iterable[tuple[str, bytes, str]], limit_bytes: int, shown: bool = True
) -> list[Upload]:
    """Files (name, bytes, caption) with names that differ, each within the limit.

    Pictures go into the gallery, where they are to be `shown`.
    """
    found: list[Upload] = []
    taken: set[str] = set()
    for name, data, caption in files:
        name = _free_name(_STRANGE.sub("_", name).strip("._") or "file", taken)
        if len(data) <= limit_bytes:
            is_shown = shown and name.lower().endswith(PICTURE_ENDINGS)
            found.append(Upload(name, data, caption, is_shown))
            continue
        for number, start in enumerate(range(0, len(data), limit_bytes), start=1):
            piece = data[start : start + limit_bytes]
            found.append(Upload(f"{name}.{number:03}", piece, caption, is_shown=False))
    return found


def batches(found: Sequence[Upload], request_bytes: int = MAX_REQUEST_BYTES) -> list[list[Upload]]:
    """One list a message, in order; at least one, which may be empty."""
    packed: list[list[Upload]] = [[]]
    for upload in found:
        size = sum(len(other.data) for other in packed[-1])
        if len(packed[-1]) == MAX_FILES or size + len(upload.data) > request_bytes:
            packed.append([])
        packed[-1].append(upload)
    return packed


def _free_name(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    free, number = name, 2
    while free in taken:
        free = f"{stem}-{number}{dot}{ending}" if dot else f"{name}-{number}"
        number += 1
    taken.add(free)
    return free
