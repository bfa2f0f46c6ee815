"""One attempt at a job, on this engine: what it tells, and what is remembered of it in Redis.

Knows a job's identity, its events, its cancel key and its crashes; knows nothing of rooms or arq.
"""

import asyncio
import json
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError
from redis.asyncio import Redis

from engine.contract.events import (
    Cancelled,
    Event,
    Failed,
    Finished,
    Outcome,
    Phase,
    Preview,
    Progress,
    Queued,
    Started,
)
from engine.contract.failures import EngineError, Failure, FailureCode
from engine.contract.jobs import JOB, VERSION, Job, JobBase
from engine.contract.queue import KEEP_S, EventStream, cancel_key

TELL_EVERY_S = 1.0
T = TypeVar("T")


class AskedToEndError(Exception):
    """The attempt ends early, and is no failure."""


class CancelledByUserError(AskedToEndError):
    """The person does not want it any more."""


class EngineStopsError(AskedToEndError):
    """The job goes back into line: this engine is told to stop."""


def read_job(payload: str) -> Job:
    """Raises EngineError: VERSION_NOT_SUPPORTED or JOB_INVALID."""
    version = json.loads(payload)["version"]
    if version != VERSION:
        raise EngineError(FailureCode.VERSION_NOT_SUPPORTED, version=version, supported=VERSION)
    try:
        return JOB.validate_json(payload)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise EngineError(FailureCode.JOB_INVALID, error=field) from error


def read_identity(payload: str) -> JobBase:
    """Whose job it is, of a payload that may say more than this engine understands.

    Raises:
        ValueError: when it says not even that.
    """
    fields = json.loads(payload)
    if not isinstance(fields, dict):
        raise ValueError("a job is a JSON object")
    return JobBase.model_validate({name: fields.get(name) for name in JobBase.model_fields})


class Attempt:
    """Tells events in order, and can be asked to end by the user or by the engine."""

    def __init__(self, identity: JobBase, redis: Redis, stream: EventStream) -> None:
        self.queue_id = identity.queue_id
        self.owner = identity.owner
        self.cancel_key = cancel_key(identity.job_id, identity.attempt)
        self.job: Job | None = None
        """Once its payload is understood."""
        self.ended = asyncio.Event()
        self.at_risk = False
        """A crash now would be counted as this attempt's."""
        self.left = False
        """It ended, and stays in line."""
        self._asked = asyncio.Event()
        self._reason: AskedToEndError | None = None
        self._identity = identity
        self._redis = redis
        self._stream = stream
        self._crashes_key = f"headshots:crashes:{self.queue_id}"
        self.started_from: int | None = None
        """The step that the last `Started` told; None before the first."""
        self._told_phase: Phase | None = None
        self._told_at_s = 0.0

    async def num_crashes(self) -> int:
        """How often this attempt took something down with it, without getting on in between."""
        return int(await self._redis.get(self._crashes_key) or 0)

    async def take_risk(self) -> None:
        """Counts a crash in advance: from here on the work is the job's own."""
        if not self.at_risk:
            self.at_risk = True
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.incr(self._crashes_key)
                pipe.expire(self._crashes_key, KEEP_S)
                await pipe.execute()

    async def got_on(self) -> None:
        """It is past what it crashed at, if it did: only this run may still crash."""
        await self._redis.set(self._crashes_key, int(self.at_risk), ex=KEEP_S)

    async def take_back(self) -> None:
        """What ended was no crash of this attempt's. Another run of it may follow."""
        if self.at_risk:
            self.at_risk = False
            await self._redis.decr(self._crashes_key)

    async def crashed(self) -> None:
        """It took the GPU process down."""
        await self.take_risk()
        self.at_risk = False

    async def forget_crashes(self) -> None:
        await self._redis.delete(self._crashes_key)

    def ask_to_end(self, reason: AskedToEndError) -> None:
        """A user's wish outweighs the engine's."""
        if not isinstance(self._reason, CancelledByUserError):
            self._reason = reason
        self._asked.set()

    async def asked_to_end(self) -> AskedToEndError:
        """Waits until somebody asks."""
        await self._asked.wait()
        assert self._reason is not None
        return self._reason

    async def unless_asked(self, work: Coroutine[Any, Any, T]) -> T:
        """Does work that may be broken off anywhere.

        Raises:
            AskedToEndError: when somebody asks before it is done.
        """
        working = asyncio.ensure_future(work)
        asking = asyncio.ensure_future(self.asked_to_end())
        try:
            await asyncio.wait((working, asking), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise await asking
            return await working
        finally:
            for task in (working, asking):
                task.cancel()
            await asyncio.gather(working, asking, return_exceptions=True)

    async def is_cancelled(self) -> bool:
        return await self._redis.exists(self.cancel_key) > 0

    async def queued(self) -> None:
        await self._tell(Queued)

    async def started(self, resumed_from_step: int = 0) -> None:
        self.started_from = resumed_from_step
        await self._tell(Started, resumed_from_step=resumed_from_step)

    async def progress(self, phase: Phase, **facts: Any) -> None:
        """Told once a second at most, but every change of phase and every likeness at once."""
        now_s = time.monotonic()
        is_news = phase != self._told_phase or facts.get("likeness") is not None
        if is_news or now_s - self._told_at_s >= TELL_EVERY_S:
            self._told_phase, self._told_at_s = phase, now_s
            await self._tell(Progress, phase=phase, **facts)

    async def preview(self, key: str, step: int) -> None:
        await self._tell(Preview, key=key, step=step)

    async def finished(self, result: Outcome) -> None:
        await self._tell(Finished, result=result)

    async def failed(self, failure: Failure) -> None:
        await self._tell(Failed, failure=failure)

    async def was_cancelled(self) -> None:
        await self._tell(Cancelled)

    async def _tell(self, kind: type[Event], **fields: Any) -> None:
        job_id, attempt = self._identity.job_id, self._identity.attempt
        await self._stream.publish(
            kind(
                job_id=job_id,
                attempt=attempt,
                owner=self.owner,
                sequence=await self._stream.next_sequence(job_id, attempt),
                at=datetime.now(UTC),
                **fields,
            )
        )
