"""Says what drawn pictures show, for whoever chooses among them: the base's own captioner.

Kept loaded, for it is small; large bases have none of their own, follow their prompts, and would
wait for a large captioner. One that fails is not asked again, and pictures are chosen without it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from PIL import Image

from engine.gpu import faults
from engine.models.base import ImageModel
from engine.models.captioner import FAULTS, Captioner

Describe = Callable[[Sequence[Image.Image]], Sequence[str]]
"""A sentence for each picture; an empty one says nothing."""

log = structlog.get_logger()


def blind(pictures: Sequence[Image.Image]) -> Sequence[str]:
    return [""] * len(pictures)


def of(chosen: tuple[str, Path] | None, own: Path, load: Callable[[], ImageModel]) -> Describe:
    """The base's own captioner at `own`, where that is the chosen one; else nobody's words."""
    return Witness(own, load).describe if chosen is not None and chosen[1] == own else blind


class Witness:
    def __init__(self, folder: Path, load: Callable[[], ImageModel]) -> None:
        """`load` gives the base, which tells where to compute."""
        self._folder = folder
        self._load = load
        self._captioner: Captioner | None = None
        self._has_failed = False

    def describe(self, pictures: Sequence[Image.Image]) -> Sequence[str]:
        if self._has_failed:
            return blind(pictures)
        try:
            if self._captioner is None:
                model = self._load()
                self._captioner = Captioner(self._folder, model.device, model.dtype)
            return self._captioner.describe(pictures)
        except FAULTS as error:
            if faults.judge(error)[1]:
                raise
            log.warning("pictures_not_described", error=type(error).__name__)
            self._has_failed = True
            return blind(pictures)
