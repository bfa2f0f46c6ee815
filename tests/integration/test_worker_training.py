"""Trainings and headshots through a real engine with a tiny FLUX, interrupted in every way."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from engine_process import Bot, RunningEngine, bot_at, settings_in
from person import headshots, store_photos, train
from valkey_server import Valkey

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.events import (
    Event,
    Failed,
    Finished,
    HeadshotsMade,
    LoraTrained,
    Preview,
    Progress,
    Started,
)
from engine.contract.failures import FailureCode
from engine.contract.jobs import Erase, TrainLora
from engine.contract.settings import EngineSettings
from engine.models.tiny import build_tiny

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUM_STEPS = 240
"""Some seconds of training: time enough to interrupt it."""


class Machine:
    """The computer of an admin: one engine at a time, and what stays when it dies."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self.blobs = Blobs.from_url(settings.blobs_url)
        self.engine: RunningEngine | None = None

    async def running_engine(self) -> RunningEngine:
        if self.engine is None:
            self.engine = await RunningEngine.start(self.settings)
        return self.engine

    async def kill_engine(self) -> None:
        if self.engine is not None:
            await self.engine.kill()
            self.engine = None

    async def terminate_engine(self) -> int:
        assert self.engine is not None
        code = await self.engine.terminate()
        self.engine = None
        return code

    async def last_step(self, job: TrainLora) -> int:
        """Of the checkpoints that are whole; 0 when there is none."""
        names = await self.blobs.list(keys.checkpoints(job.owner, job.job_id))
        steps = [re.search(r"/step-(\d+)\.safetensors$", name) for name in names]
        return max((int(step[1]) for step in steps if step), default=0)

    async def begin(self, bot: Bot, job_id: str) -> TrainLora:
        """A training that has saved a checkpoint, and goes on."""
        job = train(job_id)
        await store_photos(job, self.blobs)
        await self.running_engine()
        assert await bot.jobs.enqueue(job)
        async with asyncio.timeout(100):
            while not await self.last_step(job):  # noqa: ASYNC110 (another process writes)
                await asyncio.sleep(0.02)
        return job


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def machine(
    valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Machine]:
    folder: Path = tmp_path_factory.mktemp("machine")
    base = build_tiny(folder / "tiny")
    machine = Machine(
        settings_in(
            folder, valkey.url, base=str(base), steps=NUM_STEPS, checkpoint_every_s=0.2, lease_s=4
        )
    )
    yield machine
    await machine.kill_engine()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(valkey: Valkey) -> AsyncIterator[Bot]:
    async with bot_at(valkey.url) as bot:
        yield bot


def trained(event: Event) -> LoraTrained:
    assert isinstance(event, Finished), event
    assert isinstance(event.result, LoraTrained)
    return event.result


def made(event: Event) -> HeadshotsMade:
    assert isinstance(event, Finished), event
    assert isinstance(event.result, HeadshotsMade)
    return event.result


def resumed_from(events: list[Event]) -> list[int]:
    return [event.resumed_from_step for event in events if isinstance(event, Started)]


def grow(events: list[Event]) -> bool:
    sequences = [event.sequence for event in events]
    return sequences == sorted(set(sequences))


async def test_photos_become_a_lora_and_a_lora_headshots(machine: Machine, bot: Bot) -> None:
    job = await machine.begin(bot, "whole")
    events = await bot.hear_end(job)
    result = trained(events[-1])
    assert result.num_steps == NUM_STEPS
    assert resumed_from(events) == [0]
    assert grow(events)
    phases = {event.phase for event in events if isinstance(event, Progress)}
    assert {"preparing", "encoding", "training", "saving"} <= phases
    previews = [event for event in events if isinstance(event, Preview)]
    assert (await machine.blobs.get(previews[0].key))[:2] == b"\xff\xd8"
    assert await machine.blobs.list(keys.dataset(job.owner, job.job_id)) == []
    assert await machine.blobs.list(keys.checkpoints(job.owner, job.job_id)) == []

    pictures = made((await bot.ask(headshots("shots", job)))[-1]).headshots
    assert len(pictures) == 2
    assert (await machine.blobs.get(pictures[0].key))[:2] == b"\xff\xd8"

    lora = await machine.blobs.get(result.lora_prefix + keys.LORA)
    again = await bot.ask(job.model_copy(update={"attempt": 2}))
    assert [event.kind for event in again] == ["finished"]
    assert trained(again[-1]) == result
    assert await machine.blobs.get(result.lora_prefix + keys.LORA) == lora
    shots_again = await bot.ask(headshots("shots", job, attempt=2))
    assert made(shots_again[-1]).headshots == pictures


async def test_a_lora_that_is_not_there_is_named(machine: Machine, bot: Bot) -> None:
    await machine.running_engine()
    end = (await bot.ask(headshots("orphan", train("never"))))[-1]
    assert isinstance(end, Failed)
    assert end.failure.code is FailureCode.LORA_MISSING


async def test_too_few_photos_are_refused(machine: Machine, bot: Bot) -> None:
    await machine.running_engine()
    end = (await bot.ask(train("few").model_copy(update={"photos": ()})))[-1]
    assert isinstance(end, Failed)
    assert end.failure.facts == {"num_photos": 0, "min_photos": 6}


async def test_headshots_go_first_and_cancelled_trainings_end(machine: Machine, bot: Bot) -> None:
    lora = await trained_lora(machine, bot)
    running = await machine.begin(bot, "running")
    waiting = train("waiting")
    await bot.jobs.enqueue(waiting)
    made((await bot.ask(headshots("urgent", lora)))[-1])
    assert bot.of(running)[-1].kind not in ("finished", "failed")

    await bot.jobs.cancel(waiting.job_id, waiting.attempt)
    assert [event.kind for event in await bot.hear_end(waiting)] == ["cancelled"]
    assert bot.of(running)[-1].kind not in ("finished", "failed")

    preview = keys.lora(running.owner, running.job_id) + "preview-000001.jpg"
    await machine.blobs.put(preview, b"of a person who does not want it any more")
    await bot.jobs.cancel(running.job_id, running.attempt)
    assert (await bot.hear_end(running))[-1].kind == "cancelled"
    for prefix in (keys.dataset, keys.checkpoints, keys.lora):
        assert await machine.blobs.list(prefix(running.owner, running.job_id)) == []


async def trained_lora(machine: Machine, bot: Bot) -> TrainLora:
    job = train("whole")
    if not await machine.blobs.exists(keys.lora(job.owner, job.job_id) + keys.MANIFEST):
        await bot.hear_end(await machine.begin(bot, job.job_id))
    return job


async def test_a_training_outlives_its_gpu_process(machine: Machine, bot: Bot) -> None:
    job = await machine.begin(bot, "gpu-dies")
    (await machine.running_engine()).kill_child("engine.gpu.process")
    events = await bot.hear_end(job)
    assert trained(events[-1]).num_steps == NUM_STEPS
    first, second = resumed_from(events)
    assert first == 0
    assert second > 0


async def test_a_training_outlives_its_killed_engine(machine: Machine, bot: Bot) -> None:
    job = await machine.begin(bot, "engine-killed")
    children = (await machine.running_engine()).children("")
    await machine.kill_engine()
    psutil.wait_procs(children, timeout=5)
    assert not any(child.is_running() for child in children)
    await machine.running_engine()
    events = await bot.hear_end(job)
    assert trained(events[-1]).num_steps == NUM_STEPS
    assert grow(events)
    first, second = resumed_from(events)
    assert first == 0
    assert second > 0


async def test_a_training_outlives_its_stopped_engine(machine: Machine, bot: Bot) -> None:
    job = await machine.begin(bot, "engine-stopped")
    assert await machine.terminate_engine() == 0
    assert (await bot.hear(job, "queued"))[-1].kind == "queued"
    assert await bot.jobs.is_known(job)
    saved = await machine.last_step(job)
    await machine.running_engine()
    events = await bot.hear_end(job)
    assert trained(events[-1]).num_steps == NUM_STEPS
    assert resumed_from(events) == [0, saved]
    assert grow(events)


async def test_forgetting_a_person_ends_their_training_first(machine: Machine, bot: Bot) -> None:
    job = await machine.begin(bot, "forgotten")
    forget = Erase(job_id="forget", owner=job.owner, prefixes=(keys.person(job.owner),))
    erased = (await bot.ask(forget))[-1]
    assert isinstance(erased, Finished), erased
    assert bot.of(job)[-1].kind == "cancelled"
    assert await machine.blobs.list(keys.person(job.owner)) == []
