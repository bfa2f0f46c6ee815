"""The worker's end of the GPU process against a real process that plays by script."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from engine.contract import styles
from engine.contract.blobs import Blobs
from engine.contract.failures import FailureCode
from engine.contract.jobs import GenerateHeadshots, TrainLora
from engine.contract.settings import EngineSettings
from engine.gpu.client import GpuClient, GpuDiedError
from engine.gpu.messages import Broken, Done, Load, Loaded, Progressed, Reply, Run, Stopped

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture
async def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GpuClient]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FAKES), os.getcwd()]))
    client = GpuClient(_settings(tmp_path), module="fake_gpu", hang_s=2.0)
    yield client
    await client.close()


def _settings(folder: Path, base: str = "none") -> EngineSettings:
    return EngineSettings(
        redis_url="unix:///nowhere", blobs_url=f"file://{folder}", work_dir=folder, base=base
    )


def train(trigger: str = "TOK") -> TrainLora:
    return TrainLora(job_id="t", owner="ann", photos=(), trigger=trigger)


def generate() -> GenerateHeadshots:
    style = next(iter(styles.load().values()))
    return GenerateHeadshots(job_id="g", owner="bob", lora_prefix="l/", style=style)


async def play(gpu: GpuClient, task_id: str, job: TrainLora | GenerateHeadshots) -> list[Reply]:
    async with aclosing(gpu.run(Run(task_id=task_id, job=job))) as replies:
        return [reply async for reply in replies]


async def test_a_task_tells_its_steps_and_its_outcome(gpu: GpuClient) -> None:
    replies = await play(gpu, "a", train())
    steps = [reply.step for reply in replies if isinstance(reply, Progressed)]
    assert steps == [1, 2, 3]
    assert isinstance(replies[-1], Done)


async def test_a_picture_is_made_while_a_training_runs(gpu: GpuClient) -> None:
    order: list[str] = []

    async def note(task_id: str, job: TrainLora | GenerateHeadshots) -> None:
        await play(gpu, task_id, job)
        order.append(task_id)

    training = asyncio.create_task(note("training", train("slow")))
    await asyncio.sleep(0.1)
    await asyncio.gather(training, note("picture", generate()))
    assert order == ["picture", "training"]


async def test_a_dead_process_is_told_to_the_guilty_and_another_one_serves(
    gpu: GpuClient,
) -> None:
    with pytest.raises(GpuDiedError) as caught:
        await play(gpu, "a", train("crash"))
    assert caught.value.guilty
    assert caught.value.returncode == -9
    assert isinstance((await play(gpu, "a", train()))[-1], Done)


async def test_others_are_not_blamed_for_a_death(gpu: GpuClient) -> None:
    ends = await asyncio.gather(
        play(gpu, "first", train("crash")),
        play(gpu, "second", train()),
        return_exceptions=True,
    )
    assert [isinstance(e, GpuDiedError) and e.guilty for e in ends] == [True, False]


async def test_a_hung_process_is_killed(gpu: GpuClient) -> None:
    with pytest.raises(GpuDiedError):
        await play(gpu, "a", train("hang"))


async def test_a_poisoned_process_ends_and_says_why(gpu: GpuClient) -> None:
    with pytest.raises(GpuDiedError) as caught:
        await play(gpu, "a", train("poison"))
    assert caught.value.failure is not None
    assert caught.value.failure.code is FailureCode.GPU_FAILED


async def test_lack_of_memory_fails_the_task_only(gpu: GpuClient) -> None:
    last = (await play(gpu, "a", train("oom")))[-1]
    assert isinstance(last, Broken)
    assert last.failure.code is FailureCode.GPU_OUT_OF_MEMORY
    pid = gpu.pid
    await play(gpu, "b", train())
    assert gpu.pid == pid


async def test_where_memory_lacks_the_next_process_needs_less(gpu: GpuClient) -> None:
    with pytest.raises(GpuDiedError) as caught:
        await play(gpu, "a", train("crowded"))
    assert not caught.value.guilty
    assert isinstance((await play(gpu, "a", train("crowded")))[-1], Done)


async def stop_after_a_step(gpu: GpuClient, job: TrainLora, patience_s: float) -> list[Reply]:
    replies: list[Reply] = []
    stops: list[asyncio.Task[None]] = []
    async with aclosing(gpu.run(Run(task_id="a", job=job))) as running:
        async for reply in running:
            replies.append(reply)
            if isinstance(reply, Progressed) and not stops:
                stop = gpu.stop("a", save=False, patience_s=patience_s)
                stops.append(asyncio.create_task(stop))
    for stopping in stops:
        stopping.cancel()
    return replies


async def test_a_task_is_stopped_between_two_steps(gpu: GpuClient) -> None:
    replies = await stop_after_a_step(gpu, train("slow"), patience_s=30)
    assert isinstance(replies[-1], Stopped)
    assert sum(isinstance(reply, Progressed) for reply in replies) < 3


async def test_a_stop_that_takes_too_long_is_not_waited_for(gpu: GpuClient) -> None:
    replies = await stop_after_a_step(gpu, train("hang"), patience_s=0.1)
    assert isinstance(replies[-1], Stopped)


async def test_a_step_that_outlasts_its_task_writes_nothing_any_more(
    gpu: GpuClient, tmp_path: Path
) -> None:
    blobs = Blobs.from_url(f"file://{tmp_path}")
    assert isinstance((await play(gpu, "kept", train("late")))[-1], Done)
    assert await blobs.erase("people/ann/") == 1
    await stop_after_a_step(gpu, train("late"), patience_s=0.1)
    assert isinstance((await play(gpu, "next", train()))[-1], Done)
    assert await blobs.list("people/ann/") == []


async def test_what_the_base_is_like_can_be_asked(gpu: GpuClient) -> None:
    async with aclosing(gpu.run(Load(task_id="a"))) as replies:
        assert [reply async for reply in replies] == [Loaded(task_id="a", native_px=64)]


async def test_closing_leaves_no_process(gpu: GpuClient) -> None:
    await gpu.start()
    pid = gpu.pid
    assert pid is not None
    await gpu.close()
    assert not psutil.pid_exists(pid)


async def rehearsed(folder: Path, num_pieces: int) -> list[str]:
    """The fake's diary, once so many pieces are in it."""
    while True:
        lines = (folder / "diary").read_text().splitlines() if (folder / "diary").exists() else []
        if sum(line.startswith("piece") for line in lines) >= num_pieces:
            return lines
        await asyncio.sleep(0.01)


async def test_while_nobody_waits_first_tasks_are_rehearsed(gpu: GpuClient, tmp_path: Path) -> None:
    await gpu.start()
    async with asyncio.timeout(10):
        await rehearsed(tmp_path, 1)
        await play(gpu, "a", train())
        diary = await rehearsed(tmp_path, 5)
    assert diary.index("step 3") < diary.index("piece 4"), "a task does not wait for the rest of it"
    assert [line for line in diary if "piece" in line] == [f"piece {n}" for n in range(5)]


async def test_a_rehearsal_that_fails_harms_nobody(tmp_path: Path, gpu: GpuClient) -> None:
    clumsy = GpuClient(_settings(tmp_path, base="clumsy"), module="fake_gpu")
    await clumsy.start()
    pid = clumsy.pid
    try:
        assert isinstance((await play(clumsy, "a", train()))[-1], Done)
        assert clumsy.pid == pid
    finally:
        await clumsy.close()


async def test_a_rehearsal_without_room_lays_the_base_out_for_less(
    tmp_path: Path, gpu: GpuClient
) -> None:
    crowded = GpuClient(_settings(tmp_path, base="crowded"), module="fake_gpu")
    await crowded.start()
    try:
        async with asyncio.timeout(10):
            while crowded.pid is not None:  # noqa: ASYNC110 (another process ends)
                await asyncio.sleep(0.01)
            await crowded.start()
            assert await rehearsed(tmp_path, 5)
    finally:
        await crowded.close()


@pytest.mark.parametrize(
    ("set_by_admin", "expected"),
    [
        ({}, {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}),
        ({"PYTORCH_CUDA_ALLOC_CONF": "backend:cudaMallocAsync"},) * 2,
        ({"PYTORCH_ALLOC_CONF": "max_split_size_mb:512"},) * 2,
    ],
)
async def test_the_process_has_its_memory_in_pages_unless_an_admin_says_otherwise(
    gpu: GpuClient,
    monkeypatch: pytest.MonkeyPatch,
    set_by_admin: dict[str, str],
    expected: dict[str, str],
) -> None:
    for name in ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"):
        monkeypatch.delenv(name, raising=False)
    for name, value in set_by_admin.items():
        monkeypatch.setenv(name, value)

    await gpu.start()

    assert gpu.pid is not None
    found = psutil.Process(gpu.pid).environ()
    assert {n: v for n, v in found.items() if n.endswith("ALLOC_CONF")} == expected
