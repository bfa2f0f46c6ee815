"""Photos and erasing through a real engine that knows nothing of torch."""

import os
import signal
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from engine_process import Bot, RunningEngine, bot_at, running, settings_in
from PIL import Image

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.events import Erased, Failed, Finished, PhotoChecked
from engine.contract.failures import FailureCode
from engine.contract.jobs import CheckPhoto, Erase
from engine.contract.photos import PhotoReport, ReasonCode
from engine.contract.settings import EngineSettings


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> EngineSettings:
    return settings_in(tmp_path, redis_url, roles=("photos",), photo_processes=1)


@pytest.fixture
async def engine(settings: EngineSettings) -> AsyncIterator[RunningEngine]:
    async with running(settings) as engine:
        yield engine


@pytest.fixture
async def bot(redis_url: str) -> AsyncIterator[Bot]:
    async with bot_at(redis_url) as bot:
        yield bot


@pytest.fixture
def blobs(settings: EngineSettings) -> Blobs:
    return Blobs.from_url(settings.blobs_url)


def check(name: str) -> CheckPhoto:
    return CheckPhoto(
        job_id=f"check-{name}",
        owner="ann",
        photo_key=keys.photo("ann", name),
        report_key=keys.report("ann", name),
    )


def faceless_photo() -> bytes:
    file = BytesIO()
    Image.new("RGB", (640, 640), (90, 120, 150)).save(file, "JPEG")
    return file.getvalue()


async def verdict(bot: Bot, name: str) -> PhotoReport:
    end = (await bot.ask(check(name)))[-1]
    assert isinstance(end, Finished)
    assert isinstance(end.result, PhotoChecked)
    return end.result.report


async def test_photos_are_judged_and_everything_is_erased(
    engine: RunningEngine, bot: Bot, blobs: Blobs
) -> None:
    await blobs.put(keys.photo("ann", "wall"), faceless_photo())
    await blobs.put(keys.photo("ann", "broken"), b"\xff\xd8\xff no picture")
    wall = await verdict(bot, "wall")
    assert [reason.code for reason in wall.reasons] == [ReasonCode.NO_FACE]
    stored = await blobs.get(keys.report("ann", "wall"))
    assert PhotoReport.model_validate_json(stored) == wall
    assert (await verdict(bot, "broken")).reasons[0].code is ReasonCode.UNREADABLE

    missing = (await bot.ask(check("nowhere")))[-1]
    assert isinstance(missing, Failed)
    assert missing.failure.code is FailureCode.PHOTO_MISSING

    foreign = Erase(job_id="e1", owner="bob", prefixes=("people/bob/../ann/",))
    refused = (await bot.ask(foreign))[-1]
    assert isinstance(refused, Failed)
    assert refused.failure.code is FailureCode.JOB_INVALID
    own = Erase(job_id="e2", owner="ann", prefixes=(keys.person("ann"),))
    erased = (await bot.ask(own))[-1]
    assert isinstance(erased, Finished)
    assert erased.result == Erased(num_blobs=4)
    assert await blobs.list(keys.person("ann")) == []


async def test_a_photo_that_kills_its_process_is_refused(
    engine: RunningEngine, bot: Bot, blobs: Blobs
) -> None:
    await blobs.put(keys.photo("ann", "wall"), faceless_photo())
    await verdict(bot, "wall")  # the process is there
    (process,) = engine.children("engine.photo_process")
    os.kill(process.pid, signal.SIGSTOP)  # it will die over the next photo
    killer = check("killer")
    await bot.jobs.enqueue(killer)
    await bot.hear(killer, "started")
    engine.kill_child("engine.photo_process")
    end = (await bot.hear_end(killer))[-1]
    assert isinstance(end, Finished)
    assert isinstance(end.result, PhotoChecked)
    assert end.result.report.reasons[0].facts == {"problem": "damaged"}
    again = check("wall").model_copy(update={"attempt": 2})
    assert isinstance((await bot.ask(again))[-1], Finished)


async def test_unknown_versions_are_refused_by_name(
    engine: RunningEngine, bot: Bot, blobs: Blobs
) -> None:
    future = check("wall").model_copy(update={"version": 99})
    end = (await bot.ask(future))[-1]
    assert isinstance(end, Failed)
    assert end.failure.facts == {"version": 99, "supported": 1}


async def test_sigterm_ends_it_in_good_order(engine: RunningEngine, bot: Bot, blobs: Blobs) -> None:
    await blobs.put(keys.photo("ann", "wall"), faceless_photo())
    await verdict(bot, "wall")
    children = engine.children("engine.photo_process")
    assert [alive.roles for alive in await bot.jobs.engines_alive()] == [("photos",)]
    assert await engine.terminate() == 0
    assert await bot.jobs.engines_alive() == []
    assert not any(child.is_running() for child in children)
