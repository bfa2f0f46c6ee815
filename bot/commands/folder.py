"""The photos of a folder, as commands take them: what can be handed on, what is refused unread.

Reads files; what is in them is judged elsewhere.
"""

from hashlib import sha256
from pathlib import Path

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


def _refused(file: Path, code: ReasonCode, **facts: object) -> PhotoReport:
    reason = Reason.model_validate({"code": code, **facts})
    name = str(file).encode(errors="surrogateescape")
    return PhotoReport(sha256=sha256(name).hexdigest(), reasons=(reason,))
