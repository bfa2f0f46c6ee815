"""The bot, put together from settings: database, blobs, queue, service and frontends.

Knows which parts there are; decides nothing. A chat platform's library is imported only where
that platform is configured.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from bot.database.connection import Database
from bot.frontends.base import Frontend
from bot.service.rules import rules_of
from bot.service.service import Service, keep_running
from bot.settings import Settings
from engine.contract.blobs import Blobs

log = structlog.get_logger()


@asynccontextmanager
async def serving(
    settings: Settings, redis_url: str, frontends: Sequence[Frontend], blobs: Blobs
) -> AsyncGenerator[Service]:
    """A service at work. What people are owed is kept when it ends, whenever that is."""
    database = await Database.open(settings.database_url)
    service = Service(database, blobs, redis_url, frontends, rules_of(settings))
    work = asyncio.create_task(service.run(), name="service")
    try:
        yield service
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        await database.close()


async def run(
    settings: Settings,
    redis_url: str,
    frontends: Sequence[Frontend] | None = None,
    blobs: Blobs | None = None,
) -> None:
    """Runs the bot until cancelled. A platform that is down does not take the others with it.

    Without any chat it still follows orders, for the terminal on the same data folder.
    """
    blobs = blobs or Blobs.from_url(settings.blobs_url)
    chosen = configured_frontends(settings, blobs) if frontends is None else frontends
    if not chosen:
        log.warning("no_chat_configured", settings=["discord.token", "telegram.token"])
    async with (
        serving(settings, redis_url, chosen, blobs) as service,
        asyncio.TaskGroup() as tasks,
    ):
        for frontend in chosen:
            listen = _listening(frontend, service)
            tasks.create_task(keep_running(frontend.name, listen), name=frontend.name)
            log.info("frontend_started", platform=frontend.name)
        await asyncio.Event().wait()


def configured_frontends(settings: Settings, blobs: Blobs) -> list[Frontend]:
    """The chat platforms that have a token."""
    return []


def _listening(frontend: Frontend, service: Service) -> Callable[[], Awaitable[None]]:
    async def listen() -> None:
        await frontend.run(service.inbox)

    return listen
