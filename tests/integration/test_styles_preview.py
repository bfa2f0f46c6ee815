"""Pictures without an order: put in line on a real queue, waited for, given up, taken back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from arq.connections import ArqRedis

from bot.commands.drawn import Drawer
from bot.commands.faults import CommandError
from engine.contract import keys, styles
from engine.contract.blobs import Blobs
from engine.contract.events import Failed
from engine.contract.failures import EngineError, Failure, FailureCode
from engine.contract.jobs import GenerateHeadshots
from engine.contract.manifests import HeadshotsManifest
from engine.contract.queue import QUEUES, EventStream, JobQueue, connect

LINE = QUEUES["generate_headshots"]
FIRST, SECOND, THIRD = (
    GenerateHeadshots(job_id=name, owner="me", style=styles.load()["park"], count=1)
    for name in ("first", "second", "third")
)


class House:
    """A queue and a blob store; the test plays the engine."""

    def __init__(self, redis: ArqRedis, folder: Path) -> None:
        self.redis = redis
        self.queue = JobQueue(redis)
        self.blobs = Blobs.from_url(f"file://{folder}")
        self.drawer = Drawer(self.queue, redis, self.blobs, look_every_s=0.02)

    async def waiting(self) -> list[str]:
        return [name.decode().partition(":")[0] for name in await self.redis.zrange(LINE, 0, -1)]

    async def take(self, job: GenerateHeadshots) -> str:
        """Out of the line, as an engine does when it has done with a job. Returns its queue id."""
        while True:
            for name in await self.redis.zrange(LINE, 0, -1):
                if name.startswith(job.job_id.encode() + b":"):
                    await self.redis.zrem(LINE, name)
                    return name.decode()
            await asyncio.sleep(0.01)

    async def make(self, job: GenerateHeadshots) -> None:
        made = HeadshotsManifest(
            job_id=job.job_id,
            lora_job_id="",
            base="demo",
            style="park",
            prompt="",
            guidance=1,
            num_inference_steps=1,
            strength=1,
            headshots=(),
            seconds=1,
        )
        key = keys.headshots("me", job.job_id) + keys.MANIFEST
        await self.blobs.put(key, made.model_dump_json().encode())
        await self.take(job)


@pytest.fixture
async def house(redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    redis = await connect(redis_url)
    yield House(redis, tmp_path)
    await redis.aclose()


async def test_pictures_are_waited_for_and_the_next_is_in_line(house: House) -> None:
    async with house.drawer.at_work() as drawer:
        drawing = asyncio.create_task(drawer.draw(FIRST, [SECOND]))
        await house.make(FIRST)
        assert (await drawing).job_id == "first"
        assert await house.waiting() == ["second"]

        drawing = asyncio.create_task(drawer.draw(SECOND))
        await house.make(SECOND)
        assert (await drawing).job_id == "second"
        assert await house.waiting() == []


async def test_a_failure_is_told_and_what_waits_is_taken_back(house: House) -> None:
    async with house.drawer.at_work() as drawer:
        drawing = asyncio.create_task(drawer.draw(FIRST, [SECOND, THIRD]))
        queue_id = await house.take(FIRST)
        failed = Failed(
            job_id="first",
            attempt=int(queue_id.partition(":")[2]),
            sequence=1,
            owner="me",
            at=datetime.now(UTC),
            failure=Failure.model_validate({"code": FailureCode.LORA_MISSING}),
        )
        await EventStream(house.redis).publish(failed)
        with pytest.raises(EngineError) as caught:
            await drawing

    assert caught.value.failure.code is FailureCode.LORA_MISSING
    assert await house.waiting() == []


async def test_an_end_that_a_bot_took_first_is_found_out(house: House) -> None:
    async with house.drawer.at_work() as drawer:
        drawing = asyncio.create_task(drawer.draw(FIRST))
        await house.take(FIRST)
        with pytest.raises(CommandError, match="gave up on the style 'park'"):
            await drawing
