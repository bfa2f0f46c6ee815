"""A GPU process without torch: trainings whose every step is a request's own script.

A training's trigger says what goes wrong: `crash`, `hang`, `poison`, `oom`; `slow` takes its time.
"""

import os
import time

from engine.child import Parent
from engine.contract.events import HeadshotsMade, LoraTrained
from engine.contract.jobs import TrainLora
from engine.gpu.messages import Begun, Progressed, Run, Saved
from engine.gpu.process import serve
from engine.gpu.scheduler import Outcome, Steps, Task

NUM_STEPS = 3


class FakeRooms:
    device = "none"

    def __init__(self) -> None:
        self._saved: list[str] = []

    def load(self) -> int:
        return 64

    def task(self, run: Run) -> Task:
        kind = "training" if isinstance(run.job, TrainLora) else "generation"
        return Task(run.task_id, kind, run.job.owner, self._steps(run))

    def _steps(self, run: Run) -> Steps:
        yield Begun(task_id=run.task_id)
        fault = run.job.trigger if isinstance(run.job, TrainLora) else ""
        print("a library prints", flush=True)
        for step in range(1, NUM_STEPS + 1):
            yield Progressed(task_id=run.task_id, phase="training", step=step, total=NUM_STEPS)
            misbehave(fault)
        yield Saved(task_id=run.task_id, step=NUM_STEPS)
        return self._outcome(run)

    def _outcome(self, run: Run) -> Outcome:
        if isinstance(run.job, TrainLora):
            return LoraTrained(lora_prefix="l/", base="none", num_steps=NUM_STEPS, seconds=0)
        return HeadshotsMade(headshots=(), seconds=0)


def misbehave(fault: str) -> None:
    if fault == "crash":
        os.kill(os.getpid(), 9)
    if fault == "hang":
        time.sleep(60)
    if fault == "slow":
        time.sleep(0.2)
    if fault == "poison":
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    if fault == "oom":
        raise MemoryError


if __name__ == "__main__":
    serve(Parent(), lambda settings: FakeRooms())
