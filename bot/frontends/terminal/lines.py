"""Where lines come from: a keyboard, key by key, or a pipe that is read line by line.

Knows terminals' modes and leaves them as they were.
"""

import asyncio
import os
import sys
import termios
import threading
import tty
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager

from bot.frontends.terminal.editor import Leave, LineEditor

PASTE_ON, PASTE_OFF = b"\x1b[?2004h", b"\x1b[?2004l"


async def typed(editor: LineEditor, changed: Callable[[], None]) -> AsyncIterator[str]:
    """Lines from the keyboard; `changed` is called after each key. Ends when the person leaves.

    The terminal must be set `key_by_key`.
    """
    source = sys.stdin.fileno()
    entered: asyncio.Queue[str | Leave] = asyncio.Queue()

    def read() -> None:
        data = os.read(source, 65536)
        for line in editor.feed(data) if data else [Leave.END]:
            entered.put_nowait(line)
        changed()

    loop = asyncio.get_running_loop()
    loop.add_reader(source, read)
    try:
        while not isinstance(line := await entered.get(), Leave):
            yield line
    finally:
        loop.remove_reader(source)


@contextmanager
def key_by_key() -> Generator[None]:
    """No echo, no line buffer, Ctrl-C as a key; pastes are told from typing."""
    source, target = sys.stdin.fileno(), sys.stdout.fileno()
    before = termios.tcgetattr(source)
    tty.setcbreak(source, termios.TCSADRAIN)
    mode = termios.tcgetattr(source)
    mode[3] &= ~termios.ISIG
    termios.tcsetattr(source, termios.TCSADRAIN, mode)
    os.write(target, PASTE_ON)
    try:
        yield
    finally:
        os.write(target, PASTE_OFF)
        termios.tcsetattr(source, termios.TCSADRAIN, before)


async def piped(settled: Callable[[], Awaitable[None]]) -> AsyncGenerator[str, None]:
    """Lines from a pipe or a file, each only when what came before it has been answered."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\r\n"))
        loop.call_soon_threadsafe(lines.put_nowait, None)

    # A daemon: nothing wakes a thread that waits for a pipe.
    threading.Thread(target=read, daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line
        await settled()
