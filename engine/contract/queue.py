"""The way between bot and engine: arq queues for jobs, one Redis stream for events.

Knows Redis and arq (only `engine.worker` knows arq besides); knows nothing of what a job does.
Everything is JSON. Both sides survive a Redis that goes away and comes back: every command is
tried again for about two minutes.
"""

# pyright: reportUnknownMemberType=false
# (redis-py declares its commands as Awaitable[Unknown])

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import structlog
from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix, result_key_prefix
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    ConnectionError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
    WatchError,
)

from engine.contract.base import Frozen
from engine.contract.events import EVENT, Cancelled, Event
from engine.contract.jobs import JOB, Job

QUEUES: dict[str, str] = {
    "check_photo": "headshots:photos",
    "erase": "headshots:photos",
    "train_lora": "headshots:training",
    "generate_headshots": "headshots:generation",
}
"""Where each kind of job waits; one arq worker of an engine reads one queue."""

FUNCTION = "job"
"""The one arq function. It takes a job as JSON and decides by version and kind."""

STREAM = "headshots:events"
GROUP = "bot"
ENGINES = "headshots:engines"

TAKEN_PREFIX = in_progress_key_prefix
"""arq's mark on a job that an engine works on."""
KEEP_S = 30 * 24 * 3600
KEEP_RESULT_S = 600.0
"""An attempt that ended is known this long; later its artifact's manifest tells."""
ENGINE_LEASE_S = 15.0
MAX_EVENTS = 100_000

Acknowledge = Callable[[], Awaitable[None]]
log = structlog.get_logger()


def encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=lambda x: type(x).__name__).encode()


def decode(data: bytes) -> dict[str, Any]:
    return json.loads(data)


async def connect(redis_url: str) -> ArqRedis:
    """Opens redis://, rediss:// or unix:///path/to/socket.

    Raises:
        ValueError: for another scheme.
        redis.exceptions.ConnectionError: when nothing answers for about two minutes.
    """
    lost: list[type[Exception]] = [
        ConnectionError,
        TimeoutError,
        ReadOnlyError,
        OSError,
        asyncio.TimeoutError,
    ]
    redis: ArqRedis = ArqRedis.from_url(
        redis_url,
        retry=Retry(ExponentialBackoff(cap=2, base=0.1), 60),
        retry_on_error=lost,
        retry_on_timeout=True,
        socket_connect_timeout=5,
        health_check_interval=30,
        **({} if redis_url.startswith("unix") else {"socket_keepalive": True}),
    )
    redis.job_serializer = encode
    redis.job_deserializer = decode
    await redis.ping()
    return redis


class EngineAlive(Frozen):
    """One engine that has shown a sign of life within `ENGINE_LEASE_S`."""

    engine_id: str
    roles: tuple[str, ...]
    base: str


class EventStream:
    """Events from engines to bots, kept until a bot acknowledges them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def next_sequence(self, job_id: str, attempt: int) -> int:
        """The next number of this attempt, whichever engine asks."""
        key = f"headshots:sequence:{job_id}:{attempt}"
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, KEEP_S)
            sequence, _ = await pipe.execute()
        return int(sequence)

    async def publish(self, event: Event) -> None:
        fields: Any = {"event": event.model_dump_json()}
        await self._redis.xadd(STREAM, fields, maxlen=MAX_EVENTS, approximate=True)

    async def events(
        self, consumer: str, block_s: float = 2.0, stale_s: float = 30.0
    ) -> AsyncGenerator[tuple[Event, Acknowledge], None]:
        """Every event, without end. First what this consumer took before and never acknowledged,
        then new ones, and in between what any consumer left lying for `stale_s`.

        An event may come twice; (job_id, attempt, sequence) tells.
        """
        await self._create_group()
        entries = await self._own_pending(consumer)
        while True:
            try:
                if not entries:
                    entries = await self._left_lying(consumer, stale_s)
                if not entries:
                    entries = await self._new(consumer, block_s)
            except ResponseError as error:
                if not str(error).startswith("NOGROUP"):
                    raise
                await self._create_group()
                continue
            for entry_id, fields in entries:
                event = await self._read(entry_id, fields)
                if event is not None:
                    yield event, self._ack_of(entry_id)
            entries = ()

    async def onlooker(
        self, block_s: float = 1.0
    ) -> AsyncGenerator[tuple[Event, Acknowledge], None]:
        """Every event from now on, taken from no bot: for who waits for a job of their own.

        Acknowledging takes an event away from everybody.
        """
        newest = await self._redis.xrevrange(STREAM, count=1)
        return self._onlook(newest[0][0] if newest else b"0", block_s)

    async def _onlook(
        self, last: bytes, block_s: float
    ) -> AsyncGenerator[tuple[Event, Acknowledge], None]:
        while True:
            found = await self._redis.xread({STREAM: last}, count=100, block=int(block_s * 1000))
            for entry_id, fields in _entries(found):
                last = entry_id
                try:
                    event = EVENT.validate_json((fields or {})[b"event"])
                except (KeyError, ValidationError):
                    continue
                yield event, self._ack_of(entry_id)

    async def _create_group(self) -> None:
        try:
            await self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _own_pending(self, consumer: str) -> "Sequence[Entry]":
        found = await self._redis.xreadgroup(GROUP, consumer, {STREAM: "0"})
        return _entries(found)

    async def _new(self, consumer: str, block_s: float) -> "Sequence[Entry]":
        found = await self._redis.xreadgroup(
            GROUP, consumer, {STREAM: ">"}, count=100, block=int(block_s * 1000)
        )
        return _entries(found)

    async def _left_lying(self, consumer: str, stale_s: float) -> "Sequence[Entry]":
        found = await self._redis.xautoclaim(
            STREAM, GROUP, consumer, min_idle_time=int(stale_s * 1000), count=100
        )
        return cast("Sequence[Entry]", found[1])

    async def _read(self, entry_id: bytes, fields: dict[bytes, bytes] | None) -> Event | None:
        """None, and gone for good, where an entry was trimmed away or cannot be read."""
        try:
            return EVENT.validate_json((fields or {})[b"event"])
        except (KeyError, ValidationError) as error:
            log.warning("event_skipped", entry=entry_id.decode(), error=type(error).__name__)
            await self._ack_of(entry_id)()
            return None

    def _ack_of(self, entry_id: bytes) -> Acknowledge:
        async def ack() -> None:
            """Deleted, not only marked as read: a photo's report holds the face's numbers."""
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.xack(STREAM, GROUP, entry_id)
                pipe.xdel(STREAM, entry_id)
                await pipe.execute()

        return ack


Entry = tuple[bytes, dict[bytes, bytes] | None]


def _entries(found: Any) -> Sequence[Entry]:
    return cast("Sequence[Entry]", found[0][1]) if found else ()


class JobQueue:
    """Jobs from the bot to whichever engine is free."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._stream = EventStream(redis)

    async def enqueue(self, job: Job) -> bool:
        """Puts a job at the end of its line. False when this attempt is known already."""
        put = await self._redis.enqueue_job(
            FUNCTION,
            job.model_dump_json(),
            _job_id=job.queue_id,
            _queue_name=QUEUES[job.kind],
            _expires=KEEP_S,
        )
        return put is not None

    async def is_known(self, job: Job) -> bool:
        """Waits, runs, or has ended within the last `KEEP_RESULT_S`."""
        prefixes = (job_key_prefix, in_progress_key_prefix, result_key_prefix)
        return await self._redis.exists(*(prefix + job.queue_id for prefix in prefixes)) > 0

    async def position(self, job: Job) -> int | None:
        """How many jobs of its line are ahead, running ones included. 0: running, or next.

        None when it is not in line.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.exists(in_progress_key_prefix + job.queue_id)
            pipe.zrank(QUEUES[job.kind], job.queue_id)
            running, rank = await pipe.execute()
        return 0 if running else rank

    async def cancel(self, job_id: str, attempt: int) -> None:
        """Asks for the end of an attempt. `Cancelled` follows on the stream: at once where the
        job only waited, within seconds where an engine works on it.
        """
        await self._redis.set(cancel_key(job_id, attempt), b"1", ex=KEEP_S)
        queue_id = f"{job_id}:{attempt}"
        data = await self._redis.get(job_key_prefix + queue_id)
        if data is not None and await self._take_out(queue_id):
            job = JOB.validate_json(decode(data)["a"][0])
            await self._stream.publish(
                Cancelled(
                    job_id=job_id,
                    attempt=attempt,
                    owner=job.owner,
                    sequence=await self._stream.next_sequence(job_id, attempt),
                    at=datetime.now(UTC),
                )
            )

    async def _take_out(self, queue_id: str) -> bool:
        """Removes a job from its line unless an engine holds it."""
        running = in_progress_key_prefix + queue_id
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(running)
            if await pipe.exists(running):
                return False
            pipe.multi()
            for queue in sorted(set(QUEUES.values())):
                pipe.zrem(queue, queue_id)
            pipe.delete(job_key_prefix + queue_id)
            try:
                removed = await pipe.execute()
            except WatchError:
                return False
        return any(removed[:-1])

    async def engines_alive(self) -> list[EngineAlive]:
        """Every engine that showed a sign of life lately."""
        names = sorted(await cast(Awaitable[set[bytes]], self._redis.smembers(ENGINES)))
        if not names:
            return []
        keys = [engine_key(name.decode()) for name in names]
        values = await self._redis.mget(keys)
        if gone := [name for name, value in zip(names, values, strict=True) if value is None]:
            await cast(Awaitable[int], self._redis.srem(ENGINES, *gone))
        return [_ENGINE.validate_json(value) for value in values if value is not None]

    async def show_alive(self, engine: EngineAlive) -> None:
        """An engine's sign of life, worth `ENGINE_LEASE_S`."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(ENGINES, engine.engine_id)
            pipe.set(
                engine_key(engine.engine_id), engine.model_dump_json(), px=int(ENGINE_LEASE_S * 1e3)
            )
            await pipe.execute()

    async def show_gone(self, engine: EngineAlive) -> None:
        """An engine's goodbye."""
        await self._redis.delete(engine_key(engine.engine_id))


_ENGINE: TypeAdapter[EngineAlive] = TypeAdapter(EngineAlive)


def engine_key(engine_id: str) -> str:
    return f"headshots:engine:{engine_id}"


def cancel_key(job_id: str, attempt: int) -> str:
    """Set by the bot, polled by the engine that runs the attempt."""
    return f"headshots:cancel:{job_id}:{attempt}"
