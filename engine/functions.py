"""What the engine does with each kind of job: photos, dataset, training, headshots, erasing.

Each function reads artifacts of the room before, has the next one made, and returns its outcome;
an artifact that is already there is not made again. Knows the order of the rooms; the rooms' work
is done in other processes. Nothing here knows Redis or arq.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from engine.attempt import Attempt, CancelledByUserError
from engine.contract import keys
from engine.contract.base import Frozen
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.events import Erased, HeadshotsMade, LoraTrained, Outcome, PhotoChecked
from engine.contract.failures import EngineError, FailureCode
from engine.contract.jobs import CheckPhoto, Erase, GenerateHeadshots, Job, TrainLora
from engine.contract.manifests import HeadshotsManifest, LoraManifest
from engine.contract.photos import PhotoReport, Reason, ReasonCode
from engine.gpu.client import GpuClient, GpuDiedError
from engine.gpu.messages import (
    Begun,
    Broken,
    Done,
    Load,
    Loaded,
    Previewed,
    Progressed,
    Run,
    Saved,
    Stopped,
)
from engine.photo_pool import PhotoPool, PhotoProcessLostError
from engine.training import recipe

PHOTO_TIMEOUT_S = 300.0
DATASET_TIMEOUT_S = 3600.0
"""For processes that hang; those that work for too long end themselves, much earlier."""
STOP_PATIENCE_S = 10.0

log = structlog.get_logger()
ManifestT = TypeVar("ManifestT", bound=Frozen)


@dataclass(frozen=True)
class Tools:
    """What the functions work with."""

    blobs: Blobs
    photos: PhotoPool
    gpu: GpuClient
    max_crashes: int
    others_of: Callable[[Attempt], list[Attempt]]
    """The same person's attempts on this engine that are not about erasing."""


async def check_photo(job: CheckPhoto, attempt: Attempt, tools: Tools) -> PhotoChecked:
    await attempt.started()
    request = {"look": job.photo_key, "limits": job.limits.model_dump(mode="json")}
    try:
        reply = await tools.photos.ask(request, PHOTO_TIMEOUT_S)
        report = PhotoReport.model_validate(reply["report"])
    except PhotoProcessLostError:
        reason = Reason.model_validate({"code": ReasonCode.UNREADABLE, "problem": "damaged"})
        report = PhotoReport(sha256=job.photo_key.rpartition("/")[2], reasons=(reason,))
    await tools.blobs.put(job.report_key, report.model_dump_json().encode())
    return PhotoChecked(report=report)


async def train_lora(job: TrainLora, attempt: Attempt, tools: Tools) -> LoraTrained:
    prefix = keys.lora(job.owner, job.job_id)
    made = await _manifest(tools.blobs, prefix, LoraManifest)
    if made is None:
        await attempt.started(await _last_step(job, tools.blobs))
        await attempt.progress("preparing")
        loaded = await _on_gpu(Load(task_id=attempt.queue_id), attempt, tools)
        assert isinstance(loaded, Loaded)
        await attempt.unless_asked(_build_dataset(job, loaded.native_px, tools))
        await _on_gpu(Run(task_id=attempt.queue_id, job=job), attempt, tools)
        made = await _manifest(tools.blobs, prefix, LoraManifest)
        assert made is not None, "a training that is done has written its manifest"
    await drop_traces(job, tools.blobs)
    return LoraTrained(
        lora_prefix=prefix,
        base=made.base,
        num_steps=made.num_steps,
        seconds=made.seconds,
        likeness=made.likeness,
    )


async def generate_headshots(
    job: GenerateHeadshots, attempt: Attempt, tools: Tools
) -> HeadshotsMade:
    prefix = keys.headshots(job.owner, job.job_id)
    made = await _manifest(tools.blobs, prefix, HeadshotsManifest)
    if made is None:  # it has started once it had its first turn on the GPU
        await _on_gpu(Run(task_id=attempt.queue_id, job=job), attempt, tools)
        made = await _manifest(tools.blobs, prefix, HeadshotsManifest)
        assert made is not None, "a generation that is done has written its manifest"
    return made.outcome()


async def erase(job: Erase, attempt: Attempt, tools: Tools) -> Erased:
    """Ends what else runs for the person first, so that nothing is written after the erasing."""
    for prefix in job.prefixes:
        if not prefix.startswith(keys.person(job.owner)) or ".." in prefix.split("/"):
            raise EngineError(FailureCode.JOB_INVALID, error="prefixes")
    await attempt.started()
    for other in tools.others_of(attempt) if keys.person(job.owner) in job.prefixes else ():
        other.ask_to_end(CancelledByUserError())
        await other.ended.wait()
    return Erased(num_blobs=sum([await tools.blobs.erase(prefix) for prefix in job.prefixes]))


FUNCTIONS: dict[str, Callable[[Any, Attempt, Tools], Awaitable[Outcome]]] = {
    "check_photo": check_photo,
    "train_lora": train_lora,
    "generate_headshots": generate_headshots,
    "erase": erase,
}


async def drop_traces(job: Job | None, blobs: Blobs) -> None:
    """Deletes what only the way to a LoRA needed. For other jobs there is nothing."""
    if isinstance(job, TrainLora):
        await blobs.erase(keys.dataset(job.owner, job.job_id))
        await blobs.erase(keys.checkpoints(job.owner, job.job_id))


async def drop_unfinished(job: Job | None, blobs: Blobs) -> None:
    """Deletes all that a cancelled job made, previews too, unless it was finished before."""
    await drop_traces(job, blobs)
    match job:
        case TrainLora():
            prefix = keys.lora(job.owner, job.job_id)
        case GenerateHeadshots():
            prefix = keys.headshots(job.owner, job.job_id)
        case _:
            return
    if not await blobs.exists(prefix + keys.MANIFEST):
        await blobs.erase(prefix)


async def _build_dataset(job: TrainLora, native_px: int, tools: Tools) -> None:
    """In the largest size that will be trained; the trainer scales down what it wants smaller."""
    chosen = recipe.choose(job.quality, len(job.photos), native_px)
    request = {
        "dataset": job.model_dump(mode="json"),
        "resolution_px": max(chosen.resolutions),
    }
    try:
        await tools.photos.ask(request, DATASET_TIMEOUT_S)
    except PhotoProcessLostError as error:
        raise EngineError(FailureCode.INTERNAL, error="PhotoProcessLostError") from error


async def _on_gpu(request: Run | Load, attempt: Attempt, tools: Tools) -> Done | Loaded:
    """Has a task done on the GPU, again after each death of its process, which goes on from the
    last checkpoint.
    """
    while True:
        try:
            return await _run(request, attempt, tools.gpu)
        except GpuDiedError as error:
            log.warning("gpu_died", guilty=error.guilty, returncode=error.returncode)
            await (attempt.crashed() if error.guilty else attempt.take_back())
            num_crashes = await attempt.num_crashes()
            if num_crashes < tools.max_crashes:
                continue
            if error.failure is not None:
                raise EngineError(error.failure.code, **error.failure.facts) from error
            raise EngineError(FailureCode.ENGINE_CRASHED, num_crashes=num_crashes) from error


async def _run(request: Run | Load, attempt: Attempt, gpu: GpuClient) -> Done | Loaded:
    stopping = asyncio.create_task(_stop_when_asked(attempt, gpu))
    try:
        async with aclosing(gpu.run(request)) as replies:
            async for reply in replies:
                match reply:
                    case Begun():
                        await attempt.take_risk()
                        if reply.resumed_from_step != attempt.started_from:
                            await attempt.started(reply.resumed_from_step)
                    case Progressed():
                        await attempt.progress(**reply.model_dump(exclude={"kind", "task_id"}))
                    case Previewed():
                        await attempt.preview(reply.key, reply.step)
                    case Saved():
                        await attempt.got_on()
                    case Broken(failure=failure):
                        raise EngineError(failure.code, **failure.facts)
                    case Stopped():
                        raise await attempt.asked_to_end()
                    case Done() | Loaded():
                        return reply
                    case _:
                        log.warning("reply_out_of_place", kind=reply.kind)
        raise AssertionError("the last reply is one of LAST")
    finally:
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)


async def _stop_when_asked(attempt: Attempt, gpu: GpuClient) -> None:
    reason = await attempt.asked_to_end()
    save = not isinstance(reason, CancelledByUserError)
    patience_s = STOP_PATIENCE_S if attempt.at_risk else 0.0  # else it has not even begun
    await gpu.stop(attempt.queue_id, save=save, patience_s=patience_s)


async def _manifest(blobs: Blobs, prefix: str, kind: type[ManifestT]) -> ManifestT | None:
    try:
        return kind.model_validate_json(await blobs.get(prefix + keys.MANIFEST))
    except BlobMissingError:
        return None


async def _last_step(job: TrainLora, blobs: Blobs) -> int:
    """Of the checkpoints that are there, 0 when there is none."""
    names = await blobs.list(keys.checkpoints(job.owner, job.job_id))
    steps = [int(found[1]) for name in names if (found := re.search(r"/step-(\d+)\.\w+$", name))]
    return max(steps, default=0)
