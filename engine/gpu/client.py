"""The worker's end of the GPU process: starts it, hands it tasks, starts it anew when it dies.

Knows the process and its messages; knows neither torch nor Redis. A dead process fails nothing:
whoever ran a task is told (`GpuDiedError`) and may run it again in a fresh one.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator

import structlog

from engine.child import Child, ChildDiedError
from engine.contract.failures import Failure
from engine.contract.settings import EngineSettings
from engine.gpu.messages import (
    LAST,
    REPLY,
    Broken,
    Busy,
    Load,
    Lowered,
    Ready,
    Reply,
    Request,
    Run,
    Setup,
    Stop,
    Stopped,
    Turn,
)

PROCESS = "engine.gpu.process"
HANG_S = 1200.0
"""A process that has work and says nothing for so long is taken for hung."""

_ENVIRONMENT = {"TOKENIZERS_PARALLELISM": "false"}
_ALLOCATOR = "PYTORCH_CUDA_ALLOC_CONF"
_ALLOCATOR_NAMES = ("PYTORCH_ALLOC_CONF", _ALLOCATOR)
"""The allocator's settings, by the name that newer versions prefer and by the one that all know."""
_PAGES = "expandable_segments:True"
"""Pages of the device's memory instead of blocks: on a card that is nearly full, gigabytes lie
between blocks where nothing fits."""

log = structlog.get_logger()


def environment() -> dict[str, str]:
    """What the process is started with; what an admin has set stays as it is."""
    found = {name: os.environ.get(name, value) for name, value in _ENVIRONMENT.items()}
    if not any(name in os.environ for name in _ALLOCATOR_NAMES):
        found[_ALLOCATOR] = _PAGES
    return found


class GpuDiedError(Exception):
    """The process died under a task. `guilty`: it was this task's turn, or nobody's.

    `failure` is there where the process could say what broke it.
    """

    def __init__(self, returncode: int, guilty: bool, failure: Failure | None = None) -> None:
        self.returncode = returncode
        self.guilty = guilty
        self.failure = failure
        super().__init__(f"the GPU process ended with {returncode}")


class GpuClient:
    """One GPU process, started when first needed."""

    def __init__(
        self, settings: EngineSettings, module: str = PROCESS, hang_s: float = HANG_S
    ) -> None:
        self._settings = settings
        self._module = module
        self._hang_s = hang_s
        self._starting = asyncio.Lock()
        self._child: Child | None = None
        self._listening: asyncio.Task[None] | None = None
        self._inboxes: dict[str, asyncio.Queue[Reply | GpuDiedError]] = {}
        self._turn: str | None = None
        self._is_lowered = False

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Starts the process unless it runs. It gets ready on its own."""
        async with self._starting:
            if self._child is not None:
                return
            child = await Child.start(self._module, environment())
            self._child = child
            self._listening = asyncio.create_task(self._listen(child))
            log.info("gpu_process_started", pid=child.pid)
            with contextlib.suppress(ChildDiedError):
                await child.send(Setup(settings=self._settings).model_dump(mode="json"))

    async def run(self, request: Run | Load) -> AsyncGenerator[Reply, None]:
        """What a task tells, the last one being one of `LAST`.

        Raises:
            GpuDiedError: when the process dies on the way.
        """
        await self.start()
        task_id = request.task_id
        inbox: asyncio.Queue[Reply | GpuDiedError] = asyncio.Queue()
        self._inboxes[task_id] = inbox
        failure: Failure | None = None
        try:
            await self._send(request)
            while True:
                reply = await inbox.get()
                if isinstance(reply, GpuDiedError):
                    raise GpuDiedError(reply.returncode, reply.guilty, failure)
                if isinstance(reply, Broken) and reply.fatal:
                    failure = reply.failure
                    continue
                yield reply
                if isinstance(reply, LAST):
                    return
        finally:
            if self._inboxes.get(task_id) is inbox:
                del self._inboxes[task_id]

    async def stop(self, task_id: str, *, save: bool, patience_s: float) -> None:
        """Asks a task to end between two steps; `Stopped` follows among its replies.

        A step that takes longer than `patience_s` (a model that loads, say) is not waited for: the
        process drops the task when it is through.
        """
        inbox = self._inboxes.get(task_id)
        if inbox is None:
            return
        await self._send(Stop(task_id=task_id, save=save))
        await asyncio.sleep(patience_s)
        inbox.put_nowait(Stopped(task_id=task_id))

    async def close(self) -> None:
        """Ends the process, at once if it works."""
        if self._child is not None and self._listening is not None:
            await self._child.close(patience_s=0.5)
            await self._listening

    async def kill(self) -> None:
        if self._child is not None:
            await self._child.kill()

    async def _send(self, request: Request) -> None:
        """A process that just died is noticed by `_listen`, which tells everybody."""
        if self._child is not None:
            with contextlib.suppress(ChildDiedError):
                await self._child.send(request.model_dump(mode="json"))

    async def _listen(self, child: Child) -> None:
        try:
            while True:
                self._take(REPLY.validate_python(await self._receive(child)))
        except ChildDiedError as error:
            self._bury(error.returncode)

    async def _receive(self, child: Child) -> object:
        while True:
            try:
                return await asyncio.wait_for(child.receive(), self._hang_s)
            except TimeoutError:
                if self._inboxes:
                    log.error("gpu_process_hung", pid=child.pid, silent_s=self._hang_s)
                    await child.kill()

    def _take(self, reply: Reply) -> None:
        if isinstance(reply, Ready):
            log.info("gpu_process_ready", device=reply.device)
        elif isinstance(reply, Turn):
            self._turn = reply.task_id
        elif isinstance(reply, Lowered):
            log.warning("memory_tier_lowered", memory=reply.memory)
            self._settings = self._settings.model_copy(update={"memory": reply.memory})
            self._is_lowered = True
        elif isinstance(reply, Busy):
            pass
        elif inbox := self._inboxes.get(reply.task_id):
            inbox.put_nowait(reply)

    def _bury(self, returncode: int) -> None:
        log.info("gpu_process_ended", returncode=returncode, num_tasks=len(self._inboxes))
        nobody = self._turn not in self._inboxes
        for task_id, inbox in self._inboxes.items():
            guilty = not self._is_lowered and (nobody or task_id == self._turn)
            inbox.put_nowait(GpuDiedError(returncode, guilty=guilty))
        self._child = self._turn = None
        self._is_lowered = False
