"""A process of the photo pool: looks at photos and builds datasets, one request after the other.

The engine's `PhotoPool` is at the other end. Knows the blob store and `engine.photos`; decides
nothing. Requests: `{"blobs_url"}` first, then `{"look", "limits"}` or
`{"dataset", "resolution_px"}`.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from engine.child import Message, Parent
from engine.contract import keys, photo_set
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.failures import EngineError, FailureCode
from engine.contract.jobs import PhotoRef, TrainLora
from engine.contract.manifests import LoraManifest
from engine.contract.photos import PhotoLimits, PhotoReport

LOOK_CPU_S = 30.0
DATASET_CPU_S = 600.0


@contextmanager
def at_most(cpu_s: float) -> Iterator[None]:
    """The kernel ends this process when the work takes longer.

    Only time on a processor counts: a hostile file burns it, a good photo on a machine that is
    busy with other things waits for it.
    """
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def look(key: str, limits: PhotoLimits, blobs: Blobs) -> Message:
    from engine.photos import report

    try:
        data = blobs.get_sync(key)
    except BlobMissingError as error:
        raise EngineError(FailureCode.PHOTO_MISSING, number=1) from error
    return {"report": report.look(data, limits).model_dump(mode="json")}


def build_dataset(job: TrainLora, resolution_px: int, blobs: Blobs) -> Message:
    """Does nothing where the dataset is there already: a training goes on with the very same."""
    from engine.photos import dataset, holdout

    prefix = keys.dataset(job.owner, job.job_id)
    if prefix + keys.DATASET in blobs.list_sync(prefix):
        return {}
    photos = _accepted(job, blobs)
    known = _known(job, blobs)
    manifest, pictures = dataset.build(
        photos,
        prefix=prefix,
        trigger=job.trigger,
        class_word=job.class_word,
        resolutions_px=(resolution_px,),
        held_out=holdout.choose([report for _, report in photos], known),
    )
    for key, png in pictures.items():
        blobs.put_sync(key, png)
    blobs.put_sync(prefix + keys.DATASET, manifest.model_dump_json().encode())
    return {}


def _known(job: TrainLora, blobs: Blobs) -> tuple[str, ...]:
    """Photos that the LoRA to go on from was trained on."""
    if job.refresh_from is None:
        return ()
    try:
        data = blobs.get_sync(job.refresh_from + keys.MANIFEST)
        return LoraManifest.model_validate_json(data).photos_sha256
    except (BlobMissingError, ValidationError):
        return ()


def _accepted(job: TrainLora, blobs: Blobs) -> list[tuple[bytes, PhotoReport]]:
    """The photos that may be learned from, judged once more: the bot's word is not enough.

    Raises:
        EngineError: PHOTO_MISSING, TOO_FEW_PHOTOS.
    """
    photos = [_read(ref, number, job.limits, blobs) for number, ref in enumerate(job.photos, 1)]
    verdict = photo_set.judge([report for _, report in photos], job.limits)
    good = [photo for photo, why in zip(photos, verdict.reasons, strict=True) if not why]
    if len(good) < job.limits.min_photos:
        raise EngineError(
            FailureCode.TOO_FEW_PHOTOS, num_photos=len(good), min_photos=job.limits.min_photos
        )
    return good[: job.limits.max_photos]


def _read(
    ref: PhotoRef, number: int, limits: PhotoLimits, blobs: Blobs
) -> tuple[bytes, PhotoReport]:
    from engine.photos import report

    try:
        data = blobs.get_sync(ref.photo_key)
    except BlobMissingError as error:
        raise EngineError(FailureCode.PHOTO_MISSING, number=number) from error
    try:
        return data, PhotoReport.model_validate_json(blobs.get_sync(ref.report_key))
    except (BlobMissingError, ValidationError):
        return data, report.look(data, limits)


def answer(request: Message, blobs: Blobs) -> Message:
    """A reply, or `{"failure"}`. What is unexpected ends the process; the pool copes with it."""
    try:
        if "dataset" in request:
            job = TrainLora.model_validate(request["dataset"])
            with at_most(DATASET_CPU_S):
                return build_dataset(job, request["resolution_px"], blobs)
        with at_most(LOOK_CPU_S):
            return look(request["look"], PhotoLimits.model_validate(request["limits"]), blobs)
    except EngineError as error:
        return {"failure": error.failure.model_dump(mode="json")}


def _warm() -> None:
    """Loads the detectors before anybody waits for them."""
    import numpy as np

    from engine.photos import faces

    faces.find(np.zeros((320, 320, 3), np.uint8))


def main() -> None:
    parent = Parent()
    messages = parent.messages()
    setup = next(messages, None)
    if setup is None:
        return
    blobs = Blobs.from_url(setup["blobs_url"])
    _warm()
    for message in messages:
        parent.send(answer(message, blobs))


if __name__ == "__main__":
    main()
