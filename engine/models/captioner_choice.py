"""Which captioner a base gets: a name and a folder, on this machine or fetched. Loads no model."""

from pathlib import Path

import httpx
import structlog
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

AUTO, OFF = "auto", "off"
OWN = "the base's own"
DEFAULT = "florence-community/Florence-2-base"
"""MIT licence, 0.23 G parameters, half a gigabyte."""
LARGE_BASE_PX = 512
"""Smaller bases know few words: only a captioner of their own, who knows them too, is of use."""
_PATTERNS = ["*.json", "*.txt", "*.safetensors"]

log = structlog.get_logger()


def choose(wish: str, native_px: int, own: Path) -> tuple[str, Path] | None:
    """Name and folder of the captioner for a base of this size.

    None where none is wanted or none is to be had, which the log then says: captions are made of
    what the photo checks know.

    Args:
        own: where the base's own captioner would be; it is the first choice.
    """
    name = wanted(wish, native_px, own)
    if name is None or name == OWN:
        return None if name is None else (OWN, own)
    folder = find(name)
    if folder is None:
        log.warning("captioner_missing", captioner=name, instead="captions from the photo checks")
        return None
    return (folder.name if Path(name).expanduser().is_dir() else name), folder


def wanted(wish: str, native_px: int, own: Path) -> str | None:
    """The name alone, be it to be had or not; None where none is wanted."""
    if wish == AUTO and _is_complete(own):
        return OWN
    if wish == OFF or (wish == AUTO and native_px < LARGE_BASE_PX):
        return None
    return DEFAULT if wish == AUTO else wish


def is_here(name: str) -> bool:
    """Whether it is on this machine already; nothing is fetched."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _is_complete(folder)
    return name == OWN or (_is_repository(name) and _cached(name) is not None)


def find(name: str) -> Path | None:
    """The folder of a captioner: a path, else a repository, from the cache or downloaded."""
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if not _is_repository(name):
            return None
        folder = _cached(name) or _downloaded(name)
    return folder if folder is not None and _is_complete(folder) else None


def _is_repository(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def _cached(name: str) -> Path | None:
    try:
        folder = Path(snapshot_download(name, allow_patterns=_PATTERNS, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if _is_complete(folder) else None


def _downloaded(name: str) -> Path | None:
    log.info("captioner_download_started", captioner=name)
    try:
        return Path(snapshot_download(name, allow_patterns=_PATTERNS))
    except (HfHubHTTPError, HFValidationError, httpx.HTTPError, OSError) as error:
        log.warning("captioner_download_failed", captioner=name, error=type(error).__name__)
        return None


def _is_complete(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))
