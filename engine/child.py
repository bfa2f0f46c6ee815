"""A child process that speaks JSON lines with the engine and dies with it.

Both ends of one pipe pair: `Child` is the engine's, `Parent` the child's. The child's stdin and
stdout become private to this talk; whatever a library prints goes to stderr. Knows processes and
lines; knows nothing of what is said.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Self

Message = dict[str, Any]

MAX_LINE_BYTES = 32 * 1024 * 1024
_PR_SET_PDEATHSIG = 1


class ChildDiedError(Exception):
    """The child is gone; `returncode` is negative for a signal."""

    def __init__(self, module: str, returncode: int) -> None:
        self.returncode = returncode
        super().__init__(f"{module} ended with {returncode}")


class Child:
    """The engine's end."""

    def __init__(self, module: str, process: asyncio.subprocess.Process) -> None:
        self._module = module
        self._process = process

    @classmethod
    async def start(cls, module: str, environment: Mapping[str, str] | None = None) -> Self:
        """Runs `python -m module`. Call it from the main thread, which must outlive it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            limit=MAX_LINE_BYTES,
        )
        return cls(module, process)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def send(self, message: Message) -> None:
        """Raises ChildDiedError."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(_line(message))
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise await self._died() from error

    async def receive(self) -> Message:
        """The child's next message. Raises ChildDiedError."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise await self._died()
        return json.loads(line)

    async def close(self, patience_s: float = 2.0) -> None:
        """Ends its input, waits, kills."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), patience_s)
        await self.kill()

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _died(self) -> ChildDiedError:
        """A child that closed its pipes is about to end, or has nothing left to live for."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 1.0)
        await self.kill()
        assert self._process.returncode is not None
        return ChildDiedError(self._module, self._process.returncode)


class Parent:
    """The child's end. Make it first of all, before a library has a chance to print."""

    def __init__(self) -> None:
        _die_with(int(sys.argv[1]))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the engine's to handle
        self._sending = threading.Lock()
        self._read = os.fdopen(os.dup(0), "rb")
        self._write = os.fdopen(os.dup(1), "wb")
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)

    def send(self, message: Message) -> None:
        """From any thread."""
        with self._sending:
            self._write.write(_line(message))
            self._write.flush()

    def messages(self) -> Iterator[Message]:
        """Until the engine closes its end or dies."""
        for line in self._read:
            yield json.loads(line)


def _line(message: Message) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _die_with(parent: int) -> None:
    """The kernel kills this process when its parent's main thread ends; elsewhere than on Linux
    the end of stdin has to do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
