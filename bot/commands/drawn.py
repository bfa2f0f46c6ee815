"""Jobs of a command's own, without an order in the database: put in line, and waited for.

Knows queue and blobs. A bot on the same queue may take an end from the stream before we hear it,
so the artifact itself is looked for besides.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from time import time
from typing import Self

from redis.asyncio import Redis

from bot.commands.faults import CommandError
from engine.contract import keys
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.events import Failed
from engine.contract.failures import EngineError, Failure
from engine.contract.jobs import GenerateHeadshots
from engine.contract.manifests import HeadshotsManifest
from engine.contract.queue import EventStream, JobQueue

LOOK_EVERY_S = 0.3
PATIENCE = 10
"""Looks at a job that is neither in line nor done, before it is given up."""


class Drawer:
    """Has headshots drawn that belong to no order."""

    def __init__(
        self, queue: JobQueue, redis: Redis, blobs: Blobs, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._queue = queue
        self._stream = EventStream(redis)
        self._blobs = blobs
        self._look_every_s = look_every_s
        self._attempt = int(time())  # another one each time the command runs
        self._in_line: dict[str, GenerateHeadshots] = {}
        self._failures: dict[str, Failure] = {}

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[Self]:
        """What is still in line at the end is taken out of it."""
        listening = asyncio.create_task(self._listen())
        try:
            yield self
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            for job in self._in_line.values():
                await self._queue.cancel(job.job_id, job.attempt)

    async def draw(
        self, job: GenerateHeadshots, following: Sequence[GenerateHeadshots] = ()
    ) -> HeadshotsManifest:
        """What was made; those that follow are put in line behind it.

        Raises:
            EngineError: when the engine could not.
        """
        for one in (job, *following):
            if one.job_id not in self._in_line:
                attempt = one.model_copy(update={"attempt": self._attempt})
                await self._queue.enqueue(attempt)
                self._in_line[one.job_id] = attempt
        made = await self._made(self._in_line[job.job_id])
        del self._in_line[job.job_id]
        return made

    async def _made(self, job: GenerateHeadshots) -> HeadshotsManifest:
        """Once the engine has let go of the job: until then it may look at the artifact."""
        patience = PATIENCE
        while patience:
            has_ended = await self._queue.position(job) is None
            made = await self._manifest(job) if has_ended else None
            if made is not None:
                return made
            if job.job_id in self._failures:
                failure = self._failures[job.job_id]
                del self._in_line[job.job_id]
                raise EngineError(failure.code, **failure.facts)
            patience = patience - 1 if has_ended else PATIENCE
            await asyncio.sleep(self._look_every_s)
        del self._in_line[job.job_id]
        raise CommandError(f"the engine gave up on the style {job.style.name!r}; its log says why")

    async def _manifest(self, job: GenerateHeadshots) -> HeadshotsManifest | None:
        key = keys.headshots(job.owner, job.job_id) + keys.MANIFEST
        try:
            return HeadshotsManifest.model_validate_json(await self._blobs.get(key))
        except BlobMissingError:
            return None

    async def _listen(self) -> None:
        async for event, acknowledge in await self._stream.onlooker():
            if event.job_id in self._in_line and event.attempt == self._attempt:
                if isinstance(event, Failed):
                    self._failures[event.job_id] = event.failure
                await acknowledge()
