"""Looks at drawn pictures while the GPU goes on: in processes of their own, where dlib belongs.

dlib holds Python's lock for a tenth of a second at a time; in the GPU process that would be a gap
between two steps. Composes faces, sharpness and likeness into what the ranking asks for. Needs no
torch. A critic that dies costs its verdict, not the picture.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, parent_process

import numpy as np
import structlog
from PIL import Image

from engine.generation.ranking import UNSEEN, Look
from engine.gpu import cores
from engine.photos import checks, faces, likeness
from engine.photos.decoding import RGB
from engine.photos.faces import Detection
from engine.photos.report import face_crop
from engine.photos.sharpness import sharpness

MAX_CRITICS = 4
MIN_FACE_PX = 96
"""The sharpness of smaller faces says how small they are."""
SMALL_SIDE_PX = 8
"""Of the copies by which pictures are compared with one another."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Person:
    """Whom the pictures are to show."""

    references: Sequence[Sequence[float]]
    """Embeddings of their own photos; without any, likeness is not judged."""
    typical: float


@dataclass(frozen=True)
class Verdict:
    """A look that is on its way."""

    _future: Future[Look] | None

    def is_there(self) -> bool:
        return self._future is None or self._future.done()

    def wait(self) -> Look:
        """The look; `UNSEEN` where it came to grief."""
        if self._future is None:
            return UNSEEN
        error = self._future.exception()
        if error is not None:
            log.warning("critic_failed", error=type(error).__name__)
            return UNSEEN
        return self._future.result()


class Critics:
    """Processes that look at pictures, started when the first one comes."""

    def __init__(self, open_pool: Callable[[], Executor] | None = None) -> None:
        self._open_pool = open_pool or _processes
        self._pool: Executor | None = None

    def look(self, image: Image.Image, person: Person) -> Verdict:
        rgb = np.asarray(image.convert("RGB"))
        for _ in range(2):
            self._pool = self._pool or self._open_pool()
            try:
                return Verdict(self._pool.submit(look, rgb, person))
            except BrokenExecutor:
                self._pool = None
        return Verdict(None)


def look(rgb: RGB, person: Person) -> Look:
    """All that the ranking wants to know of one picture."""
    found = faces.find_drawn(rgb)
    small = _small(rgb)
    if not found:
        return Look(0, likeness=0.0 if person.references else None, small=small)
    face = found[0]
    height, width = rgb.shape[:2]
    like: float | None = None
    if person.references:
        embedding = [float(number) for number in faces.describe(rgb, face).embedding]
        like = round(likeness.likeness(embedding, person.references, person.typical), 4)
    return Look(
        num_faces=len(checks.companions(found)),
        face=(face.left, face.top, face.right, face.bottom),
        is_whole=checks.cut_side(face, width, height) is None,
        sharpness=_sharpness(rgb, face),
        likeness=like,
        small=small,
    )


def _sharpness(rgb: RGB, face: Detection) -> float | None:
    if face.size_px < MIN_FACE_PX:
        return None
    return round(sharpness(face_crop(rgb, face)), 4)


def _small(rgb: RGB) -> tuple[float, ...]:
    side = (SMALL_SIDE_PX, SMALL_SIDE_PX)
    copy = Image.fromarray(rgb).resize(side, Image.Resampling.BOX)
    return tuple((np.asarray(copy, dtype=np.float64).ravel() / 255).round(4).tolist())


def _processes() -> Executor:
    """Spawned, for a process with threads and a GPU must not be forked."""
    num = min(MAX_CRITICS, max(1, cores.usable_cores() // 2))
    return ProcessPoolExecutor(num, mp_context=get_context("spawn"), initializer=_die_with_parent)


def _die_with_parent() -> None:
    """Also where the parent is killed."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        with contextlib.suppress(OSError):
            parent.join()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
