"""Keeps the parts of the program running: starts them, starts again what dies, stops all.

Knows processes and signals; knows nothing of what a part does. A part runs in its own session, so
that Ctrl-C reaches only the supervisor, which then stops everything in good order; if the
supervisor is killed, its parts end too.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import structlog

from bot.processes.logfile import open_log
from bot.processes.tether import tethered

log = structlog.get_logger()


@dataclass(frozen=True)
class Part:
    """A program to keep running. `stdin` holds what must not be seen in a process list."""

    name: str
    command: Sequence[str]
    stdin: bytes = field(default=b"", repr=False)
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    output: Path | None = None
    """A file to append its output to; none: our own standard error."""


@dataclass(frozen=True)
class Patience:
    """How soon a dead part is started again, and how long a stopping one may take."""

    first_delay_s: float = 0.5
    longest_delay_s: float = 30.0
    healthy_after_s: float = 30.0
    """A part that lived this long starts again without delay."""
    grace_s: float = 20.0
    give_up_after: int | None = None
    """Deaths in a row after which a part is hopeless; none: never."""

    def delay_s(self, num_deaths: int) -> float:
        """Before the start that follows that many deaths in a row."""
        return min(self.first_delay_s * 2 ** (num_deaths - 1), self.longest_delay_s)


class PartHopelessError(RuntimeError):
    """A part died too often in a row."""

    def __init__(self, part: Part, num_deaths: int) -> None:
        self.part = part
        where = f"; its log is {part.output}" if part.output else ""
        super().__init__(f"the {part.name} stopped {num_deaths} times in a row{where}")


@asynccontextmanager
async def supervised(
    parts: Sequence[Part], patience: Patience | None = None
) -> AsyncGenerator["Supervisor", None]:
    """Keeps parts running while the block runs; returns when all have ended."""
    supervisor = Supervisor(parts, patience or Patience())
    task = asyncio.create_task(supervisor.run())
    try:
        yield supervisor
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, PartHopelessError):
            await task


class Supervisor:
    """Start it from the main thread, where the tie between parent and child is made."""

    def __init__(self, parts: Sequence[Part], patience: Patience) -> None:
        self._parts = parts
        self._patience = patience
        self._running: dict[str, int] = {}
        self._num_deaths = {part.name: 0 for part in parts}

    @property
    def pids(self) -> dict[str, int]:
        """Of the parts that run now."""
        return dict(self._running)

    def num_deaths(self, name: str) -> int:
        """How often a part died in a row, without being well in between."""
        return self._num_deaths[name]

    async def run(self) -> None:
        """Runs until cancelled, and then until every part has ended.

        Raises:
            PartHopelessError: when patience has an end.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for part in self._parts:
                    group.create_task(self._keep(part))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _keep(self, part: Part) -> None:
        while True:
            started = time.monotonic()
            code = await self._run_once(part)
            if time.monotonic() - started >= self._patience.healthy_after_s:
                self._num_deaths[part.name] = 0
            self._num_deaths[part.name] += 1
            if self._num_deaths[part.name] == self._patience.give_up_after:
                raise PartHopelessError(part, self._num_deaths[part.name])
            delay_s = self._patience.delay_s(self._num_deaths[part.name])
            log.warning("part_ended", part=part.name, code=code, again_in_s=delay_s)
            await asyncio.sleep(delay_s)

    async def _run_once(self, part: Part) -> int:
        with _open(part.output) as output:
            process = await asyncio.create_subprocess_exec(
                *tethered(list(part.command)),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**os.environ, **part.environment},
                start_new_session=True,
            )
        self._running[part.name] = process.pid
        log.info("part_started", part=part.name, pid=process.pid)
        try:
            await process.communicate(part.stdin)
        finally:
            await asyncio.shield(self._end(process))
            del self._running[part.name]
        assert process.returncode is not None
        return process.returncode

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """Asks it to stop, and after the grace ends it with all its children."""
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self._patience.grace_s)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _open(output: Path | None) -> BinaryIO:
    return os.fdopen(os.dup(2), "wb") if output is None else open_log(output)
