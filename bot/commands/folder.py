"""Folders that commands take photos from and write to: what can be handed on, what cannot be used.

Reads files; what is in them is judged elsewhere.
"""

import os
from hashlib import sha256
from pathlib import Path

from bot.commands.faults import CommandError
from engine.contract.photos import PhotoLimits, PhotoReport, Reason, ReasonCode


def files_of(folder: Path) -> list[Path]:
    """The visible files of a folder, by name."""
    return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def take(file: Path, limits: PhotoLimits) -> bytes | PhotoReport:
    """What is in a file, or the verdict on one that cannot be taken."""
    try:
        size = file.stat().st_size
        if size > limits.max_bytes:
            facts = {"value": size, "limit": limits.max_bytes, "unit": "bytes"}
            return _refused(file, ReasonCode.TOO_LARGE, **facts)
        return file.read_bytes()
    except OSError:
        return _refused(file, ReasonCode.UNREADABLE, problem="no_access")


def make_ready(out: Path) -> None:
    """Lays out the folder for results, before hours go into what could then not be written.

    Raises:
        CommandError: when nothing can be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--out {out} cannot be used: {error.strerror}") from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise CommandError(f"--out {out} cannot be used: nothing may be written there")


def _refused(file: Path, code: ReasonCode, **facts: object) -> PhotoReport:
    reason = Reason.model_validate({"code": code, **facts})
    name = str(file).encode(errors="surrogateescape")
    return PhotoReport(sha256=sha256(name).hexdigest(), reasons=(reason,))
