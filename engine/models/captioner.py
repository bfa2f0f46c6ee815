"""Says in sentences what a picture shows: a vision-language model of the Florence-2 family.

Used once before a training and dropped. Knows pictures and the model's own words; what of them may
be said in a caption is `engine.photos.descriptions`'. Xiao et al., Florence-2, 2023. The folder is
in the layout that transformers itself reads, without code of the repository's own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image
from transformers import Florence2ForConditionalGeneration, Florence2Processor

TASK = "<MORE_DETAILED_CAPTION>"
FAULTS = (OSError, ValueError, RuntimeError, KeyError, AttributeError, TypeError)
"""What a folder that is no such model, or a broken one, raises somewhere on its way."""
MAX_WORD_PIECES = 200
NUM_BEAMS = 3
"""As the model's authors describe pictures."""


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
