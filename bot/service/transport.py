"""The way to the engines. Redis may be away at any time, at the start too; nobody waits here
who owes a person an answer.
"""

import asyncio
from contextlib import suppress

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from engine.contract.queue import EventStream, JobQueue, connect

log = structlog.get_logger()


class Transport:
    """Connects in the background, as long as it takes."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._redis: asyncio.Future[ArqRedis] | None = None

    async def run(self) -> None:
        """Connects, and closes when cancelled."""
        arrival = self._arrival()
        while not arrival.done():
            try:
                arrival.set_result(await connect(self._url))
            except (RedisError, OSError) as error:
                log.warning("redis_unreachable", error=type(error).__name__)
                await asyncio.sleep(1.0)
        try:
            await asyncio.Event().wait()
        finally:
            with suppress(RedisError, OSError):
                await arrival.result().aclose()

    async def queue(self) -> JobQueue:
        """Waits for the first connection."""
        return JobQueue(await asyncio.shield(self._arrival()))

    async def stream(self) -> EventStream:
        return EventStream(await asyncio.shield(self._arrival()))

    @property
    def queue_now(self) -> JobQueue | None:
        """None before the first connection."""
        arrival = self._arrival()
        return JobQueue(arrival.result()) if arrival.done() else None

    def _arrival(self) -> asyncio.Future[ArqRedis]:
        if self._redis is None:
            self._redis = asyncio.get_running_loop().create_future()
        return self._redis
