"""Gives the pictures of a dataset fuller captions, once, before a training begins.

Knows the order of things: the captioner looks, what varies is kept, the dataset is written again
and the captioner let go. A captioner that fails costs nothing but its captions.
"""

from collections.abc import Generator
from io import BytesIO
from pathlib import Path

import structlog
import torch
from PIL import Image

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.manifests import DatasetManifest
from engine.gpu import faults
from engine.models.base import ImageModel
from engine.models.captioner import FAULTS, Captioner
from engine.photos import captions

BY_THE_CHECKS = "photo checks"
AT_ONCE = 4

log = structlog.get_logger()


def caption(
    dataset: DatasetManifest,
    captioner: tuple[str, Path] | None,
    model: ImageModel,
    blobs: Blobs,
    prefix: str,
) -> Generator[int, None, DatasetManifest]:
    """The dataset as it is to be trained on; yields how many pictures were looked at.

    What was decided is written down at once: a training that is taken up again must find the very
    captions that it began with, whether a captioner is there by then or not.

    Args:
        captioner: its name and its folder; none: the captions stay as they are.
        model: tells where to compute.
        prefix: of the dataset in the blob store.
    """
    if dataset.captioned_by:
        return dataset
    captioned = dataset.model_copy(update={"captioned_by": BY_THE_CHECKS})
    if captioner is not None:
        name, folder = captioner
        try:
            described = yield from _described(dataset, folder, model, blobs)
            captioned = captions.retell(dataset, described, name)
            log.info("captioned", by=name, num_pictures=len(described))
        except FAULTS as error:
            if faults.judge(error)[1]:
                raise
            problem = type(error).__name__
            log.warning("captioner_failed", captioner=name, error=problem, instead=BY_THE_CHECKS)
    blobs.put_sync(prefix + keys.DATASET, captioned.model_dump_json().encode())
    return captioned


def _described(
    dataset: DatasetManifest, folder: Path, model: ImageModel, blobs: Blobs
) -> Generator[int, None, dict[str, str]]:
    captioner = Captioner(folder, model.device, model.dtype)
    described: dict[str, str] = {}
    try:
        for start in range(0, len(dataset.examples), AT_ONCE):
            examples = dataset.examples[start : start + AT_ONCE]
            pictures = [Image.open(BytesIO(blobs.get_sync(example.key))) for example in examples]
            texts = captioner.describe(pictures)
            described |= {e.key: text for e, text in zip(examples, texts, strict=True)}
            yield len(described)
        return described
    finally:
        del captioner
        if model.device.type == "cuda":
            torch.cuda.empty_cache()
