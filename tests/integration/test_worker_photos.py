"""Photos and erasing through a real engine that knows nothing of torch."""

import asyncio
import sys
from collections.abc import AsyncIterator
from io import BytesIO
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from engine_process import Bot, RunningEngine, bot_at, running, settings_in
from PIL import Image
from redis.asyncio import Redis
from valkey_server import Valkey

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.events import Erased, Failed, Finished, PhotoChecked
from engine.contract.failures import FailureCode
from engine.contract.jobs import CheckPhoto, Erase
from engine.contract.photos import PhotoReport, ReasonCode
from engine.contract.settings import EngineSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def settings(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> EngineSettings:
    folder: Path = tmp_path_factory.mktemp("machine")
    return settings_in(folder, valkey.url, roles=("photos",), photo_processes=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(settings: EngineSettings) -> AsyncIterator[RunningEngine]:
    """One for all tests: they leave it as they found it."""
    async with running(settings) as engine:
        yield engine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(valkey: Valkey) -> AsyncIterator[Bot]:
    async with bot_at(valkey.url) as bot:
        yield bot


@pytest.fixture
def blobs(settings: EngineSettings) -> Blobs:
    return Blobs.from_url(settings.blobs_url)


ATTEMPTS = count(1)


def check(name: str) -> CheckPhoto:
    return CheckPhoto(
        job_id=f"check-{name}",
        attempt=next(ATTEMPTS),
        owner="ann",
        photo_key=keys.photo("ann", name),
        report_key=keys.report("ann", name),
    )


def faceless_photo() -> bytes:
    file = BytesIO()
    Image.new("RGB", (640, 640), (90, 120, 150)).save(file, "JPEG")
    return file.getvalue()


async def hang_over(job: CheckPhoto, engine: RunningEngine, bot: Bot) -> None:
    """Lets the only photo process hang, and then gives it a job."""
    await bot.ask(check("nowhere"))  # once it has answered it is tied to its engine
    (process,) = engine.children("engine.photo_process")
    process.suspend()
    await bot.jobs.enqueue(job)
    await bot.hear(job, "started")


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
    killer = check("killer")
    await hang_over(killer, engine, bot)
    engine.kill_child("engine.photo_process")
    end = (await bot.hear_end(killer))[-1]
    assert isinstance(end, Finished)
    assert isinstance(end.result, PhotoChecked)
    assert end.result.report.reasons[0].facts == {"problem": "damaged"}
    await verdict(bot, "wall")


async def test_unknown_versions_are_refused_by_name(
    engine: RunningEngine, bot: Bot, blobs: Blobs
) -> None:
    future = check("wall").model_copy(update={"version": 99})
    end = (await bot.ask(future))[-1]
    assert isinstance(end, Failed)
    assert end.failure.facts == {"version": 99, "supported": 1}


async def test_it_outlives_a_redis_that_is_killed(
    engine: RunningEngine, bot: Bot, blobs: Blobs, valkey: Valkey
) -> None:
    await blobs.put(keys.photo("ann", "wall"), faceless_photo())
    await verdict(bot, "wall")
    valkey.stop()
    await asyncio.sleep(0.5)
    valkey.start()
    await verdict(bot, "wall")


async def test_a_job_that_crashed_too_often_is_given_up(
    engine: RunningEngine, bot: Bot, valkey: Valkey
) -> None:
    job = check("cursed")
    async with Redis.from_url(valkey.url) as redis:
        await redis.set(f"headshots:crashes:{job.queue_id}", 4)
    end = (await bot.ask(job))[-1]
    assert isinstance(end, Failed)
    assert end.failure.code is FailureCode.ENGINE_CRASHED
    assert end.failure.facts == {"num_crashes": 4}


async def test_another_machine_takes_over_when_the_lease_ends_and_stops_in_good_order(
    valkey: Valkey, tmp_path: Path
) -> None:
    """The lines of another Redis database, so that the tests' common engine does not help."""
    here = settings_in(
        tmp_path, f"{valkey.url}?db=1", roles=("photos",), photo_processes=1, lease_s=2.0
    )
    there = here.model_copy(update={"work_dir": tmp_path / "there"})
    await Blobs.from_url(here.blobs_url).put(keys.photo("ann", "wall"), faceless_photo())
    job = check("wall")
    async with bot_at(here.redis_url) as bot:
        async with running(here) as first:
            await hang_over(job, first, bot)
            await first.kill()
        async with running(there) as second:
            assert isinstance((await bot.hear_end(job))[-1], Finished)
            assert [event.kind for event in bot.of(job)] == ["started", "started", "finished"]
            assert ("photos",) in [alive.roles for alive in await bot.jobs.engines_alive()]
            children = second.children("engine.photo_process")
            assert await second.terminate() == 0
            assert not any(child.is_running() for child in children)


async def test_a_store_that_cannot_be_written_fails_the_job_by_code(
    engine: RunningEngine, bot: Bot, blobs: Blobs
) -> None:
    await blobs.put(keys.photo("ann", "stuck"), faceless_photo())
    job = check("stuck")
    in_its_way = blobs.path_of(job.report_key)
    assert in_its_way is not None
    in_its_way.mkdir(parents=True)
    end = (await bot.ask(job))[-1]
    assert isinstance(end, Failed)
    assert end.failure.code is FailureCode.STORAGE_UNREACHABLE


async def test_settings_that_cannot_be_read_have_an_exit_code() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "engine", stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(b'{"redis_url": 1}')
    assert process.returncode == 2
