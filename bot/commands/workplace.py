"""What commands that put jobs into the queue stand on: queue server, blobs, an engine."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from arq.connections import ArqRedis

from bot.processes.engine import engine_at_hand
from bot.processes.valkey import embedded
from bot.settings import Settings
from engine.contract.blobs import Blobs
from engine.contract.queue import JobQueue, connect

T = TypeVar("T")


@dataclass(frozen=True)
class Workplace:
    settings: Settings
    redis_url: str
    redis: ArqRedis
    queue: JobQueue
    blobs: Blobs
    engine: asyncio.Task[None]

    async def unless_engine_dies(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result.

        Raises:
            PartHopelessError: as soon as our engine is given up.
        """
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait([task, self.engine], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self.engine.result()
        finally:
            task.cancel()
        return await task


@asynccontextmanager
async def open_workplace(
    settings: Settings, roles: tuple[str, ...] | None = None
) -> AsyncGenerator[Workplace, None]:
    """Starts what is not running yet, and stops at the end what it started.

    Args:
        roles: of the engine that is needed; none: those in the settings.
    """
    async with AsyncExitStack() as stack:
        url = settings.redis_url or await stack.enter_async_context(
            embedded(settings.data_dir, settings.log_dir)
        )
        redis = await connect(url)
        stack.push_async_callback(redis.aclose)
        queue = JobQueue(redis)
        told = settings.engine_settings(url, **({"roles": roles} if roles else {}))
        log = settings.log_dir / "engine.log"
        engine = await stack.enter_async_context(engine_at_hand(queue, told, log))
        yield Workplace(settings, url, redis, queue, Blobs.from_url(settings.blobs_url), engine)
