"""A GPU process without torch: trainings whose every step is a request's own script.

A training's trigger says what goes wrong: `crash`, `hang`, `poison`, `oom`; `slow` takes its
time, and `late` writes a blob after a long step;
`crowded` lacks memory until the base is laid out for less. Bases named `clumsy` and `crowded` fail
their rehearsal alike. What happens is written to a diary in the work folder.
"""

import os
import time
from collections.abc import Callable, Iterator

from engine.child import Parent
from engine.contract.blobs import Blobs
from engine.contract.events import HeadshotsMade, LoraTrained
from engine.contract.jobs import TrainLora
from engine.contract.settings import EngineSettings, MemoryTier
from engine.gpu.messages import Begun, Progressed, Run, Saved
from engine.gpu.process import serve
from engine.gpu.scheduler import Outcome, Steps, Task

NUM_STEPS = 3
NUM_PIECES = 5
DIARY = "diary"
LATE = "people/ann/loras/t/preview.jpg"


class FakeRooms:
    device = "none"
    is_crowded = False

    def __init__(self, settings: EngineSettings) -> None:
        self._blobs = Blobs.from_url(settings.blobs_url)
        self._memory = settings.memory
        self._base = settings.base
        self._diary = settings.work_dir / DIARY
        self.training_share = settings.training_share

    def smaller_tier(self) -> MemoryTier | None:
        return "24" if self.is_crowded else None

    def load(self) -> int:
        return 64

    def rehearse(self) -> Iterator[str]:
        self.is_crowded = self._base == "crowded" and self._memory == "auto"
        misbehave("oom" if self.is_crowded else self._base, self._blobs)
        for number in range(NUM_PIECES):
            time.sleep(0.1)
            self._note(f"piece {number}")
            yield f"piece {number}"

    def _note(self, what: str) -> None:
        with self._diary.open("a") as diary:
            diary.write(f"{what}\n")

    def settle(self) -> None: ...

    def task(self, run: Run, given_up: Callable[[], bool]) -> Task:
        kind = "training" if isinstance(run.job, TrainLora) else "generation"
        return Task(
            run.task_id, kind, run.job.owner, self._steps(run, self._blobs.unless(given_up))
        )

    def _steps(self, run: Run, blobs: Blobs) -> Steps:
        yield Begun(task_id=run.task_id)
        fault = run.job.trigger if isinstance(run.job, TrainLora) else ""
        print("a library prints", flush=True)
        for step in range(1, NUM_STEPS + 1):
            self._note(f"step {step}")
            yield Progressed(task_id=run.task_id, phase="training", step=step, total=NUM_STEPS)
            self.is_crowded = fault == "crowded" and self._memory == "auto"
            misbehave("oom" if self.is_crowded else fault, blobs)
        yield Saved(task_id=run.task_id, step=NUM_STEPS)
        return self._outcome(run)

    def _outcome(self, run: Run) -> Outcome:
        if isinstance(run.job, TrainLora):
            return LoraTrained(lora_prefix="l/", base="none", num_steps=NUM_STEPS, seconds=0)
        return HeadshotsMade(headshots=(), seconds=0)


def misbehave(fault: str, blobs: Blobs) -> None:
    if fault == "crash":
        os.kill(os.getpid(), 9)
    if fault == "hang":
        time.sleep(60)
    if fault == "slow":
        time.sleep(0.2)
    if fault == "late":
        time.sleep(0.6)
        blobs.put_sync(LATE, b"a preview")
    if fault == "poison":
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    if fault == "clumsy":
        raise RuntimeError("a kernel that does not compile")
    if fault == "oom":
        raise MemoryError


if __name__ == "__main__":
    serve(Parent(), FakeRooms)
