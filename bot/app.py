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
from bot.processes.memory import return_large_pieces
from bot.service.rules import rules_of
from bot.service.service import Service, keep_running
from bot.settings import Settings
from engine.contract.blobs import Blobs

MIB = 1024 * 1024
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
    return_large_pieces()
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
    chosen: list[Frontend] = []
    if settings.discord.token is not None:
        chosen.append(_discord(settings, settings.discord.token.get_secret_value(), blobs))
    if settings.telegram.token is not None:
        chosen.append(_telegram(settings, settings.telegram.token.get_secret_value(), blobs))
    return chosen


def _discord(settings: Settings, token: str, blobs: Blobs) -> Frontend:
    from bot.frontends.discord.frontend import DiscordFrontend

    rules = rules_of(settings)
    return DiscordFrontend(
        token,
        blobs,
        rules.styles,
        rules.limits,
        memory=settings.data_dir / "discord.json",
        admin_role=settings.discord.admin_role,
        max_count=rules.max_count,
    )


def _telegram(settings: Settings, token: str, blobs: Blobs) -> Frontend:
    from bot.frontends.telegram.client import Access
    from bot.frontends.telegram.frontend import TelegramFrontend
    from bot.frontends.telegram.webhook import Door

    telegram = settings.telegram
    door = None
    if telegram.webhook_url is not None:
        door = Door(
            public_url=telegram.webhook_url, host=telegram.webhook_host, port=telegram.webhook_port
        )
    admins = (admin.partition(":") for admin in settings.admins)
    return TelegramFrontend(
        Access(token=token, api_url=telegram.api_url, is_local=telegram.local_files),
        blobs,
        lock_dir=settings.data_dir,
        admins=[user_id for platform, _, user_id in admins if platform == "telegram"],
        photo_limit_mib=settings.photos.max_bytes // MIB,
        door=door,
    )


def _listening(frontend: Frontend, service: Service) -> Callable[[], Awaitable[None]]:
    async def listen() -> None:
        await frontend.run(service.inbox)

    return listen
