"""Takes jobs as they come in line, has them done, and tells how they ended. Nothing gets past it:
every attempt ends with an event, or stays in line for the next engine.

Knows attempts and their ends; what is done is `engine.functions`', the line is `engine.worker`'s.
"""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine.attempt import (
    Attempt,
    CancelledByUserError,
    EngineStopsError,
    read_identity,
    read_job,
)
from engine.contract.blobs import Blobs
from engine.contract.failures import EngineError, Failure, FailureCode
from engine.contract.jobs import Erase
from engine.contract.queue import EventStream
from engine.contract.settings import EngineSettings
from engine.functions import FUNCTIONS, Tools, drop_unfinished
from engine.gpu.client import GpuClient
from engine.lease import Lease
from engine.photo_pool import PhotoPool

LOOK_FOR_CANCELS_EVERY_S = 0.5

log = structlog.get_logger()


class Desk:
    """The attempts that run on this engine."""

    def __init__(
        self,
        redis: Redis,
        lease: Lease,
        settings: EngineSettings,
        blobs: Blobs,
        photos: PhotoPool,
        gpu: GpuClient,
    ) -> None:
        self._redis = redis
        self._stream = EventStream(redis)
        self._lease = lease
        self._tools = Tools(blobs, photos, gpu, settings.max_crashes, self._others_of)
        self._attempts: dict[str, Attempt] = {}

    async def perform(self, payload: str) -> bool:
        """Does one job. False when it has to stay in line."""
        try:
            identity = read_identity(payload)
        except ValueError as error:
            log.error("job_unreadable", error=type(error).__name__)
            return True
        twin = self._attempts.get(identity.queue_id)
        if twin is not None:
            # Redis was away for longer than the lease, and arq handed us the job again
            await twin.ended.wait()
            return not twin.left
        attempt = Attempt(identity, self._redis, self._stream)
        self._attempts[attempt.queue_id] = attempt
        try:
            await self._lease.hold(attempt.queue_id)
            attempt.left = not await self._perform(payload, attempt)
            return not attempt.left
        finally:
            attempt.ended.set()
            del self._attempts[attempt.queue_id]
            await asyncio.shield(self._lease.let_go(attempt.queue_id))

    async def _perform(self, payload: str, attempt: Attempt) -> bool:
        try:
            attempt.job = job = read_job(payload)
            if await attempt.is_cancelled():
                raise CancelledByUserError
            await self._refuse_cursed(attempt)
            with structlog.contextvars.bound_contextvars(job=attempt.queue_id, kind=job.kind):
                await attempt.finished(await FUNCTIONS[job.kind](job, attempt, self._tools))
        except CancelledByUserError:
            await drop_unfinished(attempt.job, self._tools.blobs)
            await attempt.was_cancelled()
        except EngineStopsError:
            await attempt.take_back()
            await attempt.queued()
            return False
        except asyncio.CancelledError:
            await asyncio.shield(attempt.take_back())
            raise
        except EngineError as error:
            await attempt.failed(error.failure)
        except RedisError:
            raise  # nobody can be told; the job is still in line
        except Exception as error:
            log.exception("job_broken")
            await attempt.failed(
                Failure.model_validate(
                    {"code": FailureCode.INTERNAL, "error": type(error).__name__}
                )
            )
        await attempt.forget_crashes()
        return True

    async def _refuse_cursed(self, attempt: Attempt) -> None:
        num_crashes = await attempt.num_crashes()
        if num_crashes >= self._tools.max_crashes:
            raise EngineError(FailureCode.ENGINE_CRASHED, num_crashes=num_crashes)

    async def watch_cancels(self) -> None:
        """Looks for what users want to end, until cancelled."""
        while True:
            attempts = list(self._attempts.values())
            marks = await self._redis.mget([a.cancel_key for a in attempts]) if attempts else []
            for attempt, mark in zip(attempts, marks, strict=True):
                if mark is not None:
                    attempt.ask_to_end(CancelledByUserError())
            await asyncio.sleep(LOOK_FOR_CANCELS_EVERY_S)

    async def clear(self, patience_s: float) -> None:
        """Asks every attempt to end, so that the next engine goes on with it, and waits."""
        attempts = list(self._attempts.values())
        for attempt in attempts:
            attempt.ask_to_end(EngineStopsError())
        if attempts:
            waiting = [asyncio.create_task(attempt.ended.wait()) for attempt in attempts]
            _, late = await asyncio.wait(waiting, timeout=patience_s)
            for task in late:
                task.cancel()
            log.info("attempts_ended", in_time=len(attempts) - len(late), late=len(late))

    def _others_of(self, attempt: Attempt) -> list[Attempt]:
        return [
            other
            for other in self._attempts.values()
            if other.owner == attempt.owner and not isinstance(other.job, Erase)
        ]
