"""Processes that look at photos, so that a hostile file can hurt nothing but one of them.

Knows processes and time limits; what is done with a photo is `engine.photo_process`'s. A process
that dies or takes too long is replaced, and only the request that it worked on is lost.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from engine.child import Child, ChildDiedError, Message
from engine.contract.failures import EngineError, Failure

PROCESS = "engine.photo_process"
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

log = structlog.get_logger()


class PhotoProcessLostError(Exception):
    """The process died over the request, or took too long and was killed."""


class PhotoPool:
    """`num_processes` processes, each started when it is first needed, or by `warm`."""

    def __init__(self, blobs_url: str, num_processes: int, module: str = PROCESS) -> None:
        self._blobs_url = blobs_url
        self._num_processes = num_processes
        self._module = module
        self._free: asyncio.LifoQueue[Child | None] = asyncio.LifoQueue()
        for _ in range(num_processes):
            self._free.put_nowait(None)
        self._children: set[Child] = set()

    async def warm(self) -> None:
        """Starts all processes before anybody waits for them."""
        async with AsyncExitStack() as stack:
            for _ in range(self._num_processes):
                await stack.enter_async_context(self._process())

    async def ask(self, request: Message, timeout_s: float) -> Message:
        """One request to one process, and its reply.

        Raises:
            PhotoProcessLostError: when the process dies or does not answer in time.
            EngineError: when the reply is a failure.
        """
        async with self._process() as child:
            try:
                await child.send(request)
                reply = await asyncio.wait_for(child.receive(), timeout_s)
            except (ChildDiedError, TimeoutError) as error:
                log.warning("photo_process_lost", error=type(error).__name__)
                raise PhotoProcessLostError from error
        if "failure" in reply:
            failure = Failure.model_validate(reply["failure"])
            raise EngineError(failure.code, **failure.facts)
        return reply

    async def close(self) -> None:
        for child in list(self._children):
            await child.kill()

    @asynccontextmanager
    async def _process(self) -> AsyncGenerator[Child, None]:
        """A free process; not one that was left in the middle of a request."""
        child = await self._free.get()
        usable = False
        try:
            if child is None:
                child = await Child.start(self._module, _ENVIRONMENT)
                self._children.add(child)
                await child.send({"blobs_url": self._blobs_url})
            yield child
            usable = True
        finally:
            if child is not None and not usable:
                self._children.discard(child)
                await asyncio.shield(child.kill())
            self._free.put_nowait(child if usable else None)
