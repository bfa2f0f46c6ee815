"""`headshot-bot check`: judges the photos of a folder through the real queue and engine.

Nothing of the photos stays in the blob store afterwards.
"""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console

from bot.commands.folder import files_of, take
from bot.commands.verdict_list import VerdictList
from bot.commands.workplace import Workplace, open_workplace
from bot.settings import Settings
from engine.contract import keys
from engine.contract.blobs import BlobMissingError
from engine.contract.events import Event, Failed, Finished, PhotoChecked
from engine.contract.failures import EngineError, Failure
from engine.contract.jobs import CheckPhoto
from engine.contract.photo_set import judge
from engine.contract.photos import PhotoReport, SetVerdict
from engine.contract.queue import Acknowledge, EventStream

READY, NOT_READY = 0, 1
LOOK_EVERY_S = 0.05
Events = AsyncGenerator[tuple[Event, Acknowledge], None]


async def check(settings: Settings, folder: Path, as_json: bool) -> int:
    """Prints the verdicts; returns the exit code."""
    files = files_of(folder)
    reports: list[PhotoReport] = []
    listing = VerdictList(Console(), files, settings.photos)
    if files:
        async with open_workplace(settings, roles=("photos",)) as place:
            async for report in _reports(place, files):
                reports.append(report)
                if not as_json:
                    listing.add(report)
    verdict = judge(reports, settings.photos)
    if as_json:
        sys.stdout.write(json.dumps(as_object(files, verdict), indent=2) + "\n")
    else:
        listing.finish(verdict)
    return READY if verdict.ready else NOT_READY


def as_object(files: Sequence[Path], verdict: SetVerdict) -> dict[str, Any]:
    """The machine's form of the verdict."""
    photos = [
        {
            "file": file.name,
            "accepted": not reasons,
            "reasons": [reason.model_dump(mode="json") for reason in reasons],
        }
        for file, reasons in zip(files, verdict.reasons, strict=True)
    ]
    coverage = verdict.coverage.model_dump(mode="json")
    return {"photos": photos, "coverage": coverage, "missing": list(verdict.missing)}


@dataclass
class Ward:
    """What became of the jobs of this call. Each photo has an owner of its own: a bot that meets
    results of nobody it knows erases all of that owner at once.
    """

    name: str
    reports: dict[str, PhotoReport] = field(default_factory=dict[str, PhotoReport])
    failures: dict[str, Failure] = field(default_factory=dict[str, Failure])

    async def listen(self, events: Events) -> None:
        async for event, take_away in events:
            if not event.owner.startswith(self.name):
                continue
            if isinstance(event, Finished) and isinstance(event.result, PhotoChecked):
                self.reports[event.job_id] = event.result.report
            elif isinstance(event, Failed):
                self.failures[event.job_id] = event.failure
            await take_away()


async def _reports(place: Workplace, files: Sequence[Path]) -> AsyncIterator[PhotoReport]:
    """One report a file, in order, each as soon as it and those before it are there."""
    ward = Ward(f"check{secrets.token_hex(8)}x")
    listener = asyncio.create_task(ward.listen(await EventStream(place.redis).onlooker()))
    owners: list[str] = []
    try:
        submitted: list[CheckPhoto | PhotoReport] = []
        for number, file in enumerate(files):
            owners.append(f"{ward.name}{number}")
            submitted.append(await _submit(place, owners[-1], file))
        for job in submitted:
            if isinstance(job, PhotoReport):
                yield job
            else:
                yield await place.unless_engine_dies(_report(place, job, ward))
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        for owner in owners:
            await place.blobs.erase(keys.person(owner))


async def _report(place: Workplace, job: CheckPhoto, ward: Ward) -> PhotoReport:
    """As told by the engine, or as it left it where the telling was lost.

    Raises:
        EngineError: when the check itself failed.
    """
    while True:
        if job.job_id in ward.failures:
            failure = ward.failures[job.job_id]
            raise EngineError(failure.code, **failure.facts)
        if job.job_id in ward.reports:
            return ward.reports[job.job_id]
        try:
            return PhotoReport.model_validate_json(await place.blobs.get(job.report_key))
        except BlobMissingError:
            await asyncio.sleep(LOOK_EVERY_S)


async def _submit(place: Workplace, owner: str, file: Path) -> CheckPhoto | PhotoReport:
    """Hands a file to the engine; one that cannot be taken is judged here."""
    limits = place.settings.photos
    data = await asyncio.to_thread(take, file, limits)
    if isinstance(data, PhotoReport):
        return data
    digest = sha256(data).hexdigest()
    job = CheckPhoto(
        job_id=owner,
        owner=owner,
        photo_key=keys.photo(owner, digest),
        report_key=keys.report(owner, digest),
        limits=limits,
    )
    await place.blobs.put(job.photo_key, data)
    await place.queue.enqueue(job)
    return job
