"""Says in sentences what a picture shows: a vision-language model of the Florence-2 family.

Used once before a training and dropped. Knows pictures and the model's own words; what of them may
be said in a caption is `engine.photos.descriptions`'. Xiao et al., Florence-2, 2023. The folder is
in the layout that transformers itself reads, without code of the repository's own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import httpx
import structlog
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from PIL import Image
from transformers import Florence2ForConditionalGeneration, Florence2Processor

AUTO, OFF = "auto", "off"
OWN = "the base's own"
DEFAULT = "florence-community/Florence-2-base"
"""MIT licence, 0.23 G parameters, half a gigabyte."""
LARGE_BASE_PX = 512
"""Smaller bases know few words: only a captioner of their own, who knows them too, is of use."""
TASK = "<MORE_DETAILED_CAPTION>"
FAULTS = (OSError, ValueError, RuntimeError, KeyError, AttributeError, TypeError)
"""What a folder that is no such model, or a broken one, raises somewhere on its way."""
MAX_WORD_PIECES = 200
NUM_BEAMS = 3
"""As the model's authors describe pictures."""
_PATTERNS = ["*.json", "*.txt", "*.safetensors"]

log = structlog.get_logger()


def choose(wish: str, native_px: int, own: Path) -> tuple[str, Path] | None:
    """Name and folder of the captioner for a base of this size.

    None where none is wanted or none is to be had, which the log then says: captions are made of
    what the photo checks know.

    Args:
        own: where the base's own captioner would be; it is the first choice.
    """
    if wish == AUTO and _is_complete(own):
        return OWN, own
    if wish == OFF or (wish == AUTO and native_px < LARGE_BASE_PX):
        return None
    name = DEFAULT if wish == AUTO else wish
    folder = find(name)
    if folder is None:
        log.warning("captioner_missing", captioner=name, instead="captions from the photo checks")
        return None
    return (folder.name if Path(name).expanduser().is_dir() else name), folder


def find(name: str) -> Path | None:
    """The folder of a captioner: a path, else a repository, from the cache or downloaded."""
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if name.count("/") != 1 or name.startswith((".", "/", "~")):
            return None
        folder = _cached(name) or _downloaded(name)
    return folder if folder is not None and _is_complete(folder) else None


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


class Captioner:
    """One loaded captioner. Loading takes about a second; let go of it to free its memory."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        """Raises OSError, ValueError or RuntimeError for a folder that holds no such model."""
        self._processor: Any = Florence2Processor.from_pretrained(folder, local_files_only=True)
        model = Florence2ForConditionalGeneration.from_pretrained(
            folder, local_files_only=True, dtype=dtype
        )
        self._model: Any = cast(Any, model).to(device).eval()
        own_limit = self._model.generation_config.max_new_tokens
        self._max_word_pieces = min(own_limit or MAX_WORD_PIECES, MAX_WORD_PIECES)
        self._device, self._dtype = device, dtype

    @torch.inference_mode()
    def describe(self, pictures: Sequence[Image.Image]) -> list[str]:
        """A paragraph for each; the same picture always gets the same."""
        inputs = self._processor(
            text=[TASK] * len(pictures),
            images=[picture.convert("RGB") for picture in pictures],
            return_tensors="pt",
        )
        written = self._model.generate(
            input_ids=inputs["input_ids"].to(self._device),
            attention_mask=inputs["attention_mask"].to(self._device),
            pixel_values=inputs["pixel_values"].to(self._device, self._dtype),
            max_new_tokens=self._max_word_pieces,
            num_beams=NUM_BEAMS,
            do_sample=False,
        )
        said: list[str] = self._processor.batch_decode(written, skip_special_tokens=True)
        return [text.strip() for text in said]
