"""Base models on disk: where the folder is, whether every part is there, what it says of itself.

Knows the diffusers layout and the Hugging Face cache; loads no weights.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import structlog
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from engine.contract.failures import EngineError, FailureCode

INDEX = "model_index.json"
FACTS = "headshot.json"
"""Facts that a folder brings of its own, fields of `ModelFacts`; beside `model_index.json`."""

CAPTIONER = "captioner"
"""A base's own captioner, which knows its words; beside its parts. Few have one."""

_NETWORKS = ("transformer", "vae", "text_encoder", "text_encoder_2")
_PARTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_NETWORKS, ("config.json",)),
    "tokenizer": ("tokenizer_config.json",),
    "tokenizer_2": ("tokenizer_config.json",),
    "scheduler": ("scheduler_config.json",),
}
_PATTERNS = [INDEX, FACTS, *(f"{part}/*" for part in (*_PARTS, CAPTIONER))]
"""What is downloaded: the parts, not the same weights a second time in one file."""

log = structlog.get_logger()


def find(base: str) -> Path:
    """The folder of a base: a path, else a repository, from the cache or downloaded into it.

    A download that broke off is taken up. What comes back may still lack a part; see `check`.

    Raises:
        EngineError: BASE_MISSING, also for a repository that is gated or cannot be reached.
    """
    folder = Path(base).expanduser()
    if folder.is_dir():
        return folder
    if base.count("/") != 1 or base.startswith((".", "/", "~")):
        raise EngineError(FailureCode.BASE_MISSING, base=base)
    cached = _cached(base)
    if cached is not None and _is_complete(cached, base):
        return cached
    log.info("base_download_started", base=base)
    try:
        return Path(snapshot_download(base, allow_patterns=_PATTERNS))
    except (HfHubHTTPError, HFValidationError, httpx.HTTPError, OSError) as error:
        log.warning("base_download_failed", base=base, error=type(error).__name__)
        if cached is not None:
            return cached
        raise EngineError(FailureCode.BASE_MISSING, base=base) from error


def _cached(base: str) -> Path | None:
    try:
        return Path(snapshot_download(base, allow_patterns=_PATTERNS, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def _is_complete(folder: Path, base: str) -> bool:
    try:
        check(folder, base)
    except EngineError:
        return False
    return True


def check(folder: Path, base: str) -> None:
    """Raises EngineError (BASE_MISSING, BASE_INCOMPLETE) unless every part lies in the folder."""
    if not folder.is_dir():
        raise EngineError(FailureCode.BASE_MISSING, base=base)
    if not (folder / INDEX).is_file():
        raise EngineError(FailureCode.BASE_INCOMPLETE, base=base, part=INDEX)
    for part, files in _PARTS.items():
        if not all((folder / part / file).is_file() for file in files):
            raise EngineError(FailureCode.BASE_INCOMPLETE, base=base, part=part)
        if part in _NETWORKS and not _has_weights(folder / part, base):
            raise EngineError(FailureCode.BASE_INCOMPLETE, base=base, part=part)


def _has_weights(part: Path, base: str) -> bool:
    """All files that an index names, or any one where there is no index."""
    indexes = sorted(part.glob("*.safetensors.index.json"))
    if not indexes:
        return any(part.glob("*.safetensors"))
    shards = set(_json(indexes[0], base, part.name).get("weight_map", {}).values())
    return bool(shards) and all((part / shard).is_file() for shard in shards)


def pipeline_class(folder: Path, base: str) -> str:
    """The class in diffusers that the folder was made for, such as FluxPipeline."""
    return str(_json(folder / INDEX, base, INDEX).get("_class_name"))


def facts(folder: Path, base: str) -> dict[str, Any]:
    """What the folder says of itself in `headshot.json`."""
    path = folder / FACTS
    return _json(path, base, FACTS) if path.is_file() else {}


def config(folder: Path, part: str, base: str) -> dict[str, Any]:
    """The configuration of a part."""
    return _json(folder / part / _PARTS[part][0], base, part)


def size_bytes(folder: Path, part: str) -> int:
    return sum(file.stat().st_size for file in (folder / part).glob("*.safetensors"))


def _json(path: Path, base: str, part: str) -> dict[str, Any]:
    """Raises EngineError (BASE_INCOMPLETE) for what is no JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(FailureCode.BASE_INCOMPLETE, base=base, part=part) from error
    if not isinstance(content, dict):
        raise EngineError(FailureCode.BASE_INCOMPLETE, base=base, part=part)
    return content
