"""A process of the photo pool: looks at photos and builds datasets, one request after the other.

The engine's `PhotoPool` is at the other end. Knows the blob store and `engine.photos`; decides
nothing. Requests: `{"blobs_url"}` first, then `{"look", "limits"}` or `{"dataset"}`.
"""

from engine.child import Message, Parent
from engine.contract import keys
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.failures import EngineError, FailureCode
from engine.contract.jobs import TrainLora
from engine.contract.photos import PhotoLimits


def look(key: str, limits: PhotoLimits, blobs: Blobs) -> Message:
    from engine.photos import report

    try:
        data = blobs.get_sync(key)
    except BlobMissingError as error:
        raise EngineError(FailureCode.PHOTO_MISSING, number=1) from error
    return {"report": report.look(data, limits).model_dump(mode="json")}


def build_dataset(job: TrainLora, blobs: Blobs) -> Message:
    """Does nothing where the dataset is there already: a training goes on with the very same."""
    prefix = keys.dataset(job.owner, job.job_id)
    if prefix + keys.DATASET in blobs.list_sync(prefix):
        return {}
    raise NotImplementedError


def answer(request: Message, blobs: Blobs) -> Message:
    """A reply, or `{"failure"}`. What is unexpected ends the process; the pool copes with it."""
    try:
        if "dataset" in request:
            return build_dataset(TrainLora.model_validate(request["dataset"]), blobs)
        return look(request["look"], PhotoLimits.model_validate(request["limits"]), blobs)
    except EngineError as error:
        return {"failure": error.failure.model_dump(mode="json")}


def main() -> None:
    parent = Parent()
    messages = parent.messages()
    setup = next(messages, None)
    if setup is None:
        return
    blobs = Blobs.from_url(setup["blobs_url"])
    for message in messages:
        parent.send(answer(message, blobs))


if __name__ == "__main__":
    main()
