"""A real engine for integration tests: `python -m engine` with a tiny base, killed as one likes."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from engine.contract import queue
from engine.contract.events import FINAL, Event
from engine.contract.jobs import Job
from engine.contract.queue import EventStream, JobQueue
from engine.contract.settings import EngineSettings

PATIENCE_S = 100.0


class RunningEngine:
    """One engine process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, settings: EngineSettings) -> "RunningEngine":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "engine",
            stdin=asyncio.subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(settings.model_dump_json().encode())
        process.stdin.close()
        return cls(process)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def terminate(self) -> int:
        """Returns the exit code."""
        self._process.terminate()
        return await asyncio.wait_for(self._process.wait(), 15)

    def children(self, module: str) -> list[psutil.Process]:
        """Those that run a module, such as engine.gpu.process; all for ''."""
        engine = psutil.Process(self._process.pid)
        return [child for child in engine.children() if not module or module in child.cmdline()]

    def kill_child(self, module: str) -> None:
        for child in self.children(module):
            os.kill(child.pid, signal.SIGKILL)


class Bot:
    """The other side of the queue, reduced to asking and listening."""

    def __init__(self, jobs: JobQueue, stream: EventStream) -> None:
        self.jobs = jobs
        self._listening = stream.events("bot", block_s=0.1)
        self.heard: list[Event] = []

    async def ask(self, job: Job) -> list[Event]:
        """Enqueues a job, and waits for its end."""
        assert await self.jobs.enqueue(job)
        return await self.hear_end(job)

    async def hear_end(self, job: Job) -> list[Event]:
        """All events of an attempt so far, the last one final."""
        return await self.hear(job, *FINAL)

    async def hear(self, job: Job, *kinds: str) -> list[Event]:
        """All events of an attempt, up to the next new one of these kinds."""
        async with asyncio.timeout(PATIENCE_S):
            async for event, acknowledge in self._listening:
                await acknowledge()
                self.heard.append(event)
                mine = self.of(job)
                if mine and mine[-1] is event and event.kind in kinds:
                    return mine
        raise AssertionError("events have no end")

    def of(self, job: Job) -> list[Event]:
        return [e for e in self.heard if (e.job_id, e.attempt) == (job.job_id, job.attempt)]

    async def close(self) -> None:
        await self._listening.aclose()


@asynccontextmanager
async def bot_at(redis_url: str) -> AsyncGenerator[Bot, None]:
    redis = await queue.connect(redis_url)
    bot = Bot(JobQueue(redis), EventStream(redis))
    try:
        yield bot
    finally:
        await bot.close()
        await redis.aclose()


@asynccontextmanager
async def running(settings: EngineSettings) -> AsyncGenerator[RunningEngine, None]:
    engine = await RunningEngine.start(settings)
    try:
        yield engine
    finally:
        await engine.kill()


def settings_in(folder: Path, redis_url: str, **fields: object) -> EngineSettings:
    return EngineSettings.model_validate(
        {
            "redis_url": redis_url,
            "blobs_url": f"file://{folder}/blobs",
            "work_dir": folder / "work",
            "device": "cpu",
            **fields,
        }
    )
