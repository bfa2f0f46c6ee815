"""The GPU process: the only one with torch. Takes tasks from the worker and gives each its turns.

Knows requests, turns and faults; what a step does is the rooms' (`engine.gpu.tasks`). A CUDA error
poisons a process for good: it says so and ends, and the worker starts another one.
"""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import structlog

from engine import logs
from engine.child import Parent
from engine.contract.blobs import WritingForbiddenError
from engine.contract.failures import EngineError, Failure, FailureCode
from engine.contract.settings import EngineSettings, MemoryTier
from engine.gpu import faults
from engine.gpu.messages import (
    REQUEST,
    Broken,
    Busy,
    Done,
    Load,
    Loaded,
    Lowered,
    Progressed,
    Ready,
    Reply,
    Request,
    Run,
    Setup,
    Stop,
    Stopped,
    Turn,
)
from engine.gpu.scheduler import Outcome, Scheduler, Task

BEAT_S = 30.0
LOOK_AGAIN_S = 0.01
"""How soon, where every task waits for something else than the GPU."""

log = structlog.get_logger()


class Rooms(Protocol):
    """What the process runs: real models, or a test's."""

    device: str
    training_share: float

    def load(self) -> int:
        """Loads the base, unless it is there. Returns its native side in pixels."""
        ...

    def task(self, run: Run, given_up: Callable[[], bool]) -> Task:
        """A task writes nothing any more once it is given up."""
        ...

    def rehearse(self) -> Iterator[str]:
        """Does ahead what first tasks would wait for, a piece at a time, and names each."""
        ...

    def smaller_tier(self) -> MemoryTier | None:
        """What to lay the base out for where its present tier does not do, if there is any."""
        ...

    def settle(self) -> None:
        """Waits until the device has done all that it was told."""
        ...


class GpuProcess:
    """The loop: requests in between steps, steps in between requests."""

    def __init__(self, parent: Parent, rooms: Rooms) -> None:
        self._parent = parent
        self._rooms = rooms
        self._scheduler = Scheduler(rooms.training_share)
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._given_up: set[str] = set()
        self._turn: str | None = None
        self._loaded = False
        self._rehearsal: Iterator[str] | None = rooms.rehearse()

    def listen(self) -> None:
        """Reads requests until the worker is gone; then nothing here matters any more.

        A task that nobody wants is known at once, in the middle of its step: by the time the step
        is through, the person's blobs may be erased.
        """
        for message in self._parent.messages():
            request = REQUEST.validate_python(message)
            if isinstance(request, Stop) and not request.save:
                self._given_up.add(request.task_id)
            self._requests.put(request)
        os._exit(0)

    def run(self) -> None:
        self._say(Ready(device=self._rooms.device))
        self._warm()
        while True:
            while not self._requests.empty() or not len(self._scheduler):
                if self._requests.empty() and self._rehearse():
                    continue
                self._take(self._requests.get())
            task = self._scheduler.next()
            if task is not None:
                self._step(task)
            else:
                self._wait()

    def _wait(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._take(self._requests.get(timeout=LOOK_AGAIN_S))

    def _warm(self) -> None:
        """A base that cannot be loaded fails the jobs that need it, by code; not the process."""
        try:
            self._load()
        except EngineError as error:
            log.warning("base_not_loaded", code=error.failure.code)

    def _rehearse(self) -> bool:
        """A piece, while nobody waits. False once there is nothing left to do ahead."""
        if not self._loaded or self._rehearsal is None:
            return False
        began = time.monotonic()
        try:
            with self._beating():
                piece = next(self._rehearsal, None)
        except Exception as error:
            self._rehearsal = None
            failure, fatal = faults.judge(error)
            log.warning("rehearsal_failed", code=failure.code, fatal=fatal, exc_info=error)
            self._lower(failure)
            if fatal:
                os._exit(faults.EXIT_POISONED)
            return False
        if piece is None:
            self._rehearsal = None
            return False
        log.info("rehearsed", piece=piece, seconds=round(time.monotonic() - began, 1))
        return True

    def _take(self, request: Request) -> None:
        if isinstance(request, Run):
            task_id = request.task_id
            self._scheduler.add(self._rooms.task(request, lambda: task_id in self._given_up))
        elif isinstance(request, Load):
            self._tell_base(request.task_id)
        elif isinstance(request, Stop):
            self._scheduler.remove(request.task_id, save=request.save)
            self._given_up.discard(request.task_id)
            self._say(Stopped(task_id=request.task_id))

    def _load(self) -> int:
        """Returns the base's native side in pixels."""
        with self._beating():
            native_px = self._rooms.load()
        self._loaded = True
        return native_px

    @contextlib.contextmanager
    def _beating(self) -> Iterator[None]:
        """Says every now and then that this process is not hung."""
        done = threading.Event()
        threading.Thread(target=self._beat, args=(done,), daemon=True).start()
        try:
            yield
        finally:
            done.set()

    def _beat(self, done: threading.Event) -> None:
        while not done.wait(BEAT_S):
            self._say(Busy())

    def _tell_base(self, task_id: str) -> None:
        try:
            self._say(Loaded(task_id=task_id, native_px=self._load()))
        except Exception as error:
            self._break(task_id, error)

    def _step(self, task: Task) -> None:
        if self._turn != task.task_id:
            self._turn = task.task_id
            self._say(Turn(task_id=task.task_id))
        began = time.monotonic()
        try:
            if not self._loaded:
                self._say(Progressed(task_id=task.task_id, phase="loading"))
                self._load()
                began = time.monotonic()  # is nobody's own time
            told = next(task.steps)
            if len(self._scheduler) > 1:
                self._rooms.settle()  # else one task's time would be counted as another's
            self._say(told)
        except StopIteration as end:
            self._end(task, end.value)
        except WritingForbiddenError:
            self._scheduler.remove(task.task_id)  # the request to stop it is on its way
        except Exception as error:
            self._break(task.task_id, error)
        self._scheduler.spend(task, time.monotonic() - began)

    def _end(self, task: Task, result: Outcome) -> None:
        self._scheduler.remove(task.task_id)
        self._say(Done(task_id=task.task_id, result=result))

    def _break(self, task_id: str, error: Exception) -> None:
        failure, fatal = faults.judge(error)
        log.error("task_broken", code=failure.code, fatal=fatal, exc_info=error)
        self._lower(failure)
        self._scheduler.remove(task_id)
        self._say(Broken(task_id=task_id, failure=failure, fatal=fatal))
        if fatal:
            os._exit(faults.EXIT_POISONED)

    def _lower(self, failure: Failure) -> None:
        """Ends the process where a smaller layout of the base may do what this one cannot."""
        tier = self._rooms.smaller_tier()
        if failure.code is FailureCode.GPU_OUT_OF_MEMORY and tier is not None:
            self._say(Lowered(memory=tier))
            os._exit(faults.EXIT_LOWERED)

    def _say(self, reply: Reply) -> None:
        self._parent.send(reply.model_dump(mode="json"))


def serve(parent: Parent, open_rooms: Callable[[EngineSettings], Rooms]) -> None:
    """Serves until the worker is gone. The rooms are opened with the settings it sends first."""
    setup = next(parent.messages(), None)
    if setup is None:
        return
    process = GpuProcess(parent, open_rooms(Setup.model_validate(setup).settings))
    threading.Thread(target=process.listen, daemon=True).start()
    process.run()


def main() -> None:
    parent = Parent()
    logs.configure()
    from engine.gpu.rooms import ModelRooms  # imports torch, which may print

    serve(parent, lambda settings: ModelRooms(settings).own_the_process())


if __name__ == "__main__":
    main()
