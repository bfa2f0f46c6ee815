"""Jobs and events through a real Valkey."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from arq.connections import ArqRedis
from valkey_server import Valkey

from engine.contract import queue
from engine.contract.events import Cancelled, Event, Started
from engine.contract.jobs import CheckPhoto, Erase, TrainLora
from engine.contract.queue import EngineAlive, EventStream, JobQueue


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[ArqRedis]:
    redis = await queue.connect(redis_url)
    yield redis
    await redis.aclose()


def train(job_id: str = "t1", attempt: int = 1) -> TrainLora:
    return TrainLora(job_id=job_id, attempt=attempt, owner="ann", photos=())


def started(sequence: int, job_id: str = "t1") -> Started:
    return Started(job_id=job_id, attempt=1, sequence=sequence, owner="ann", at=datetime.now(UTC))


async def take(
    stream: EventStream, consumer: str, count: int, ack: bool = True, stale_s: float = 30.0
) -> list[Event]:
    taken: list[Event] = []
    async with aclosing(stream.events(consumer, 0.05, stale_s)) as events:
        async for event, acknowledge in events:
            taken.append(event)
            if ack:
                await acknowledge()
            if len(taken) == count:
                return taken
    raise AssertionError("events end")


async def test_a_job_is_put_in_line_once(redis: ArqRedis) -> None:
    jobs = JobQueue(redis)
    assert not await jobs.is_known(train())
    assert await jobs.enqueue(train())
    assert not await jobs.enqueue(train())
    assert await jobs.is_known(train())
    assert await jobs.enqueue(train(attempt=2))


async def test_each_kind_has_its_line_and_photos_share_it_with_erase(redis: ArqRedis) -> None:
    jobs = JobQueue(redis)
    check = CheckPhoto(job_id="c1", owner="ann", photo_key="p", report_key="r")
    erase = Erase(job_id="e1", owner="ann", prefixes=("people/ann/",))
    for job in (train("t1"), train("t2"), check, erase):
        await jobs.enqueue(job)
        await asyncio.sleep(0.002)  # a line is ordered by milliseconds
    assert await jobs.position(train("t2")) == 1
    assert await jobs.position(check) == 0
    assert await jobs.position(erase) == 1
    assert await jobs.position(train("unknown")) is None


async def test_jobs_lie_in_redis_as_json(redis: ArqRedis) -> None:
    await JobQueue(redis).enqueue(train())
    data = json.loads(await redis.get("arq:job:t1:1"))
    assert json.loads(data["a"][0])["kind"] == "train_lora"


async def test_a_waiting_job_is_cancelled_without_an_engine(redis: ArqRedis) -> None:
    jobs = JobQueue(redis)
    await jobs.enqueue(train())
    await jobs.cancel("t1", 1)
    assert not await jobs.is_known(train())
    assert await jobs.position(train()) is None
    (event,) = await take(EventStream(redis), "bot", 1)
    assert isinstance(event, Cancelled)
    assert event.owner == "ann"


async def test_a_running_job_is_left_to_its_engine(redis: ArqRedis) -> None:
    jobs = JobQueue(redis)
    await jobs.enqueue(train())
    await redis.set("arq:in-progress:t1:1", b"1")
    await jobs.cancel("t1", 1)
    assert await jobs.is_known(train())
    assert await redis.exists(queue.cancel_key("t1", 1))
    assert await redis.xlen(queue.STREAM) == 0


async def test_events_come_in_order_and_once_when_acknowledged(redis: ArqRedis) -> None:
    stream = EventStream(redis)
    for number in (1, 2, 3):
        await stream.publish(started(number))
    assert [e.sequence for e in await take(stream, "bot", 2)] == [1, 2]
    assert [e.sequence for e in await take(stream, "bot", 1)] == [3]


async def test_what_was_not_acknowledged_comes_again_first(redis: ArqRedis) -> None:
    stream = EventStream(redis)
    await stream.publish(started(1))
    await take(stream, "bot", 1, ack=False)
    await stream.publish(started(2))
    assert [e.sequence for e in await take(stream, "bot", 2)] == [1, 2]


async def test_a_dead_consumers_events_are_taken_over(redis: ArqRedis) -> None:
    stream = EventStream(redis)
    await stream.publish(started(1))
    await take(stream, "dead", 1, ack=False)
    await stream.publish(started(2))
    assert [e.sequence for e in await take(stream, "alive", 1)] == [2]
    assert [e.sequence for e in await take(stream, "alive", 1, stale_s=0)] == [1]


async def test_an_unreadable_event_is_skipped_for_good(redis: ArqRedis) -> None:
    stream = EventStream(redis)
    await redis.xadd(queue.STREAM, {"event": '{"kind": "unheard of"}'})
    await redis.xadd(queue.STREAM, {"other": "field"})
    await stream.publish(started(1))
    assert [e.sequence for e in await take(stream, "bot", 1)] == [1]
    assert (await redis.xpending(queue.STREAM, queue.GROUP))["pending"] == 0


async def test_sequences_grow_per_attempt(redis: ArqRedis) -> None:
    stream = EventStream(redis)
    assert [await stream.next_sequence("t1", 1) for _ in range(3)] == [1, 2, 3]
    assert await stream.next_sequence("t1", 2) == 1


async def test_events_outlive_a_redis_that_is_killed(redis: ArqRedis, valkey: Valkey) -> None:
    stream = EventStream(redis)
    await stream.publish(started(1))
    taking = asyncio.create_task(take(stream, "bot", 2))
    await asyncio.sleep(0.1)
    valkey.stop()
    await asyncio.sleep(0.1)
    publishing = asyncio.create_task(stream.publish(started(2)))
    await asyncio.sleep(0.1)
    valkey.start()
    await publishing
    assert [e.sequence for e in await taking] == [1, 2]


async def test_the_stream_is_made_anew_when_redis_forgot_it(redis: ArqRedis) -> None:
    stream = EventStream(redis)
    await stream.publish(started(1))
    taking = asyncio.create_task(take(stream, "bot", 2))
    await asyncio.sleep(0.1)
    await redis.flushall()
    await stream.publish(started(2))
    assert [e.sequence for e in await taking] == [1, 2]


async def test_engines_show_that_they_are_alive(redis: ArqRedis) -> None:
    jobs = JobQueue(redis)
    one = EngineAlive(engine_id="one", roles=("photos",), base="demo")
    two = EngineAlive(engine_id="two", roles=("training",), base="demo")
    await jobs.show_alive(one)
    await jobs.show_alive(two)
    assert await jobs.engines_alive() == [one, two]
    await jobs.show_gone(one)
    assert await jobs.engines_alive() == [two]
    assert await redis.exists(queue.ENGINES)
