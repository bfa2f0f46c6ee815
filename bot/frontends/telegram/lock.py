"""One instance a token on this machine: two would steal each other's updates."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

LOOK_EVERY_S = 2.0
log = structlog.get_logger()


@asynccontextmanager
async def alone(folder: Path, bot_id: str) -> AsyncGenerator[None]:
    """Waits until no other process serves this bot. The lock goes with the process."""
    descriptor = _open(folder / f"telegram-{bot_id}.lock")
    try:
        is_told = False
        while not _taken(descriptor):
            if not is_told:
                log.error("telegram_bot_runs_already", remedy="stop the other process")
                is_told = True
            await asyncio.sleep(LOOK_EVERY_S)
        yield
    finally:
        os.close(descriptor)


def _open(file: Path) -> int:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(file, os.O_CREAT | os.O_RDWR, 0o600)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
