"""Which jobs this engine holds, and how others learn that it is dead.

arq marks a job as taken by a key that expires. The marks of a living engine are renewed every
quarter of the lease. An engine that starts in the work folder of a dead one (the kernel has let go
of its lock) takes the dead one's marks away at once instead of waiting for the lease to end.
Knows Redis keys and a lock file; knows no job's content.
"""

import asyncio
import fcntl
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import IO, cast
from uuid import uuid4

import structlog
from redis.asyncio import Redis

from engine.contract.queue import KEEP_S, TAKEN_PREFIX

MAX_ENGINES = 64
"""Engines in one work folder: one for each GPU of a machine."""

log = structlog.get_logger()


class WorkFolder:
    """This engine's place in the work folder, locked while the process lives."""

    def __init__(self, lock: IO[str], engine_id: str, last_engine_id: str) -> None:
        self._lock = lock
        self.engine_id = engine_id
        self.last_engine_id = last_engine_id

    @classmethod
    def take(cls, folder: Path) -> "WorkFolder":
        """The first free place.

        Raises:
            RuntimeError: when all `MAX_ENGINES` are taken.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(MAX_ENGINES):
            path = folder / f"engine-{number}.lock"
            lock = path.open("a+", encoding="ascii")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            lock.seek(0)
            last_engine_id = lock.read().strip()
            engine_id = uuid4().hex[:12]
            lock.truncate(0)
            lock.write(engine_id)
            lock.flush()
            return cls(lock, engine_id, last_engine_id)
        raise RuntimeError(f"{folder} is in use by {MAX_ENGINES} engines")

    def release(self) -> None:
        self._lock.close()


class Lease:
    """The jobs this engine holds."""

    def __init__(self, redis: Redis, engine_id: str, lease_s: float) -> None:
        self._redis = redis
        self._engine_id = engine_id
        self._lease_ms = int(lease_s * 1000)
        self._held: set[str] = set()

    async def free_jobs_of(self, dead_engine_id: str) -> None:
        """Lets anyone take what a dead engine held, and no other has taken since."""
        key = _held_key(dead_engine_id)
        names = await cast(Awaitable[set[bytes]], self._redis.smembers(key))
        held = [name.decode() for name in names]
        holders = await self._redis.mget([_holder_key(name) for name in held]) if held else []
        still = [
            name
            for name, holder in zip(held, holders, strict=True)
            if holder == dead_engine_id.encode()
        ]
        await self._redis.delete(key, *(TAKEN_PREFIX + name for name in still))
        if still:
            log.info("jobs_of_dead_engine_freed", num_jobs=len(still))

    async def hold(self, queue_id: str) -> None:
        self._held.add(queue_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(_holder_key(queue_id), self._engine_id, ex=KEEP_S)
            pipe.sadd(_held_key(self._engine_id), queue_id)
            pipe.expire(_held_key(self._engine_id), KEEP_S)
            await pipe.execute()

    async def let_go(self, queue_id: str) -> None:
        self._held.discard(queue_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.srem(_held_key(self._engine_id), queue_id)
            pipe.delete(_holder_key(queue_id))
            await pipe.execute()

    async def keep(self) -> None:
        """Renews the marks of what is held, until cancelled."""
        while True:
            await self._renew(sorted(self._held))
            await asyncio.sleep(self._lease_ms / 4000)

    async def _renew(self, queue_ids: Iterable[str]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for queue_id in queue_ids:
                pipe.set(TAKEN_PREFIX + queue_id, b"1", px=self._lease_ms)
            await pipe.execute()


def _held_key(engine_id: str) -> str:
    return f"headshots:held:{engine_id}"


def _holder_key(queue_id: str) -> str:
    return f"headshots:holder:{queue_id}"
