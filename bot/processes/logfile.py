"""Files that logs are appended to: private, and never larger than two halves."""

from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 20 * 1024 * 1024


def open_log(path: Path) -> BinaryIO:
    """Opens at the end; one that has grown too large makes way as `….log.1`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")
