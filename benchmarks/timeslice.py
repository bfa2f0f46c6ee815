"""How well one GPU serves people while it trains: `python -m benchmarks.timeslice`.

Asks the engine's own GPU process for headshots, first on an idle device, then while a training
runs, then without end; and prints as JSON how long people waited and what the training had left.
`--full` measures FLUX.1-dev's shapes in random weights; without it, the base at hand. The requests
of the first two parts come one at a time, at random moments of a training step; in the second,
the pauses between them are about as long as a request: with less, they are the flood of the third.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.timeslice_process import FULL, LORA, NUM_PHOTOS, OWNERS, TRAINING
from engine.contract import keys, styles
from engine.contract.jobs import GenerateHeadshots, PhotoRef, TrainLora
from engine.contract.settings import EngineSettings
from engine.gpu.client import GpuClient
from engine.gpu.messages import Broken, Done, Load, Progressed, Run, Stopped
from engine.gpu.scheduler import BURST_S

TARGET_RATIO = 1.3
IDLE_PAUSE_S = 0.5
MODULE = "benchmarks.timeslice_process"


class Training:
    """A training that runs on the side, and how many steps it has made."""

    def __init__(self, gpu: GpuClient, owner: str) -> None:
        self._gpu = gpu
        self._job = TrainLora(
            job_id=TRAINING,
            owner=owner,
            photos=tuple(
                PhotoRef(photo_key=keys.photo(owner, str(n)), report_key=keys.report(owner, str(n)))
                for n in range(NUM_PHOTOS)
            ),
        )
        self._step = 0
        self._running: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Returns when it is well under way: compiled, warm, in the middle of its steps."""
        self._running = asyncio.create_task(self._run())
        while self._step < 10:
            await asyncio.sleep(0.05)
            if self._running.done():
                self._running.result()

    async def steps_in(self, seconds: float) -> float:
        """Steps a second, over so long."""
        before, began = self._step, time.monotonic()
        await asyncio.sleep(seconds)
        return (self._step - before) / (time.monotonic() - began)

    async def end(self) -> None:
        assert self._running is not None
        stopping = self._gpu.stop(self._job.queue_id, save=False, patience_s=60)
        stop = asyncio.create_task(stopping)
        await self._running
        stop.cancel()

    async def _run(self) -> None:
        request = Run(task_id=self._job.queue_id, job=self._job)
        async with aclosing(self._gpu.run(request)) as replies:
            async for reply in replies:
                if isinstance(reply, Progressed) and reply.phase == "training":
                    self._step = reply.step
                if isinstance(reply, Broken):
                    raise RuntimeError(f"the training failed: {reply.failure}")
                if isinstance(reply, Done):
                    raise RuntimeError("the training ended too soon; give it more --steps")
                if isinstance(reply, Stopped):
                    return


class Studio:
    """Asks for headshots, and takes the time."""

    def __init__(self, gpu: GpuClient, count: int) -> None:
        self._gpu = gpu
        self._count = count
        self._number = 0

    async def ask(self, owner: str) -> float:
        """Seconds from the request to the pictures."""
        self._number += 1
        job = GenerateHeadshots(
            job_id=f"shots-{self._number}",
            owner=owner,
            lora_prefix=keys.lora(owner, LORA),
            style=styles.load()["linkedin"],
            count=self._count,
            seed=self._number,
        )
        began = time.monotonic()
        async with aclosing(self._gpu.run(Run(task_id=job.queue_id, job=job))) as replies:
            async for reply in replies:
                if isinstance(reply, Broken):
                    raise RuntimeError(f"a request failed: {reply.failure}")
        return time.monotonic() - began

    async def one_by_one(self, num: int, dice: random.Random, pause_s: float) -> list[float]:
        """Seconds of each; `pause_s` of pause before each, on average."""
        taken: list[float] = []
        for number in range(num):
            await asyncio.sleep(pause_s * dice.uniform(0.5, 1.5))
            taken.append(await self.ask(OWNERS[1 + number % 3]))
        return taken

    async def without_end(self, owner: str) -> None:
        while True:
            await asyncio.gather(self.ask(owner), self.ask(owner))

    async def first_behind_many(self) -> tuple[float, float]:
        """Seconds of one person's only request behind ten of another, and of all those."""
        began = time.monotonic()
        many = [asyncio.create_task(self.ask("bob")) for _ in range(10)]
        await asyncio.sleep(0.2)
        only = await self.ask("cleo")
        await asyncio.gather(*many)
        return only, time.monotonic() - began


async def measure(asked: argparse.Namespace) -> dict[str, Any]:
    dice = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="timeslice-") as folder:
        async with _process(Path(folder), asked) as gpu:
            studio, training = Studio(gpu, asked.count), Training(gpu, OWNERS[0])
            first_s = await studio.ask("bob")
            _tell(f"first request {first_s:.1f} s")
            idle = await studio.one_by_one(asked.requests, dice, IDLE_PAUSE_S)
            _tell(f"idle {_spread(idle)}")
            only_s, many_s = await studio.first_behind_many() if asked.fairness else (0.0, 0.0)
            _tell(f"one behind ten: {only_s:.1f} s of {many_s:.1f} s")
            await training.begin()
            alone = await training.steps_in(asked.alone_s)
            _tell(f"training alone {alone:.2f} steps a second")
            busy = await studio.one_by_one(asked.requests, dice, _quantile(idle, 0.5))
            _tell(f"while a training runs {_spread(busy)}")
            share = await _flood(studio, training, alone, asked.flood_s) if asked.flood_s else None
            await training.end()
    ratio = _quantile(busy, 0.95) / _quantile(idle, 0.95)
    return {
        "base": "FLUX.1-dev shapes, random weights" if asked.full else asked.base,
        "device": asked.device,
        "pictures_a_request": asked.count,
        "drawn_for_each": asked.choice,  # and then up to whole batches: four on a GPU
        "first_request_s": round(first_s, 3),
        "idle": _spread(idle),
        "training": _spread(busy),
        "p95_ratio": round(ratio, 3),
        "p95_ratio_target": TARGET_RATIO,
        "training_steps_a_second_alone": round(alone, 3),
        "training_share_in_a_flood": share,
        "training_share_promised": asked.share,
        "one_behind_ten_s": round(only_s, 3),
        "eleven_s": round(many_s, 3),
    }


async def _flood(studio: Studio, training: Training, alone: float, seconds: float) -> float:
    """The share of its own speed that the training keeps, once the burst is used up."""
    flood = [asyncio.create_task(studio.without_end(owner)) for owner in OWNERS[1:]]
    _tell(f"flooded; {BURST_S:.0f} s of it are free")
    await asyncio.sleep(BURST_S + 10)
    share = await training.steps_in(seconds) / alone
    _tell(f"share of the training in the flood {share:.2f}")
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)
    return round(share, 3)


@asynccontextmanager
async def _process(folder: Path, asked: argparse.Namespace) -> AsyncGenerator[GpuClient]:
    settings = EngineSettings(
        redis_url="unix:///nowhere",
        blobs_url=(folder / "blobs").as_uri(),
        work_dir=folder,
        base=asked.base,
        device=asked.device,
        steps=asked.steps,
        patience=0,
        choice=asked.choice,
        training_share=asked.share,
    )
    gpu = GpuClient(settings, MODULE)
    try:
        async with aclosing(gpu.run(Load(task_id="load"))) as replies:
            async for reply in replies:
                if isinstance(reply, Broken):
                    raise RuntimeError(f"the base cannot be loaded: {reply.failure}")
        yield gpu
    finally:
        with suppress(ProcessLookupError):
            await gpu.close()


def _spread(taken: Sequence[float]) -> dict[str, float]:
    return {
        "num": len(taken),
        "p50_s": round(_quantile(taken, 0.5), 3),
        "p95_s": round(_quantile(taken, 0.95), 3),
    }


def _quantile(taken: Sequence[float], share: float) -> float:
    ordered = sorted(taken)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="FLUX.1-dev's shapes, random weights")
    parser.add_argument("--base", default="demo", help="as in the settings")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--requests", type=int, default=20, help="of each of the first two parts")
    parser.add_argument("--count", type=int, default=4, help="pictures of a request")
    parser.add_argument("--choice", type=float, default=2.0, help="drawn for each that is shown")
    parser.add_argument("--share", type=float, default=0.3, help="promised to trainings")
    parser.add_argument("--steps", type=int, default=4000, help="of the training, which must last")
    parser.add_argument("--alone-s", type=float, default=20, help="the training alone")
    parser.add_argument("--flood-s", type=float, default=60, help="0 leaves the flood out")
    parser.add_argument("--fairness", action="store_true", help="one request behind ten as well")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.full:
        os.environ[FULL] = "1"
    print(json.dumps(asyncio.run(measure(asked)), indent=2))


if __name__ == "__main__":
    main()
