"""Starts engines on this machine. Knows their command line; never imports them."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from bot.processes.supervisor import Part, PartHopelessError, Patience, Supervisor
from engine.contract.queue import JobQueue
from engine.contract.settings import EngineSettings

LOOK_EVERY_S = 1.0
PATIENCE = Patience(first_delay_s=0.2, give_up_after=3)


def engine_part(settings: EngineSettings, output: Path | None) -> Part:
    """An engine as a part to supervise; its settings go through stdin."""
    return Part(
        name="engine",
        command=(sys.executable, "-m", "engine"),
        stdin=settings.model_dump_json().encode(),
        output=output,
    )


def torch_is_installed() -> bool:
    return find_spec("torch") is not None


async def keep_engine(queue: JobQueue, settings: EngineSettings, output: Path) -> None:
    """Starts an engine of ours as soon as nobody's serves the roles. Runs until cancelled.

    Raises:
        PartHopelessError: when ours dies again and again.
    """
    while True:
        engines = await queue.engines_alive()
        if not set(settings.roles) <= {role for engine in engines for role in engine.roles}:
            break
        await asyncio.sleep(LOOK_EVERY_S)
    await Supervisor([engine_part(settings, output)], PATIENCE).run()


@asynccontextmanager
async def engine_at_hand(
    queue: JobQueue, settings: EngineSettings, output: Path
) -> AsyncGenerator[asyncio.Task[None], None]:
    """An engine serves while the block runs. Yields a task that ends only by PartHopelessError."""
    keeper = asyncio.create_task(keep_engine(queue, settings, output))
    try:
        yield keeper
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError, PartHopelessError):
            await keeper
