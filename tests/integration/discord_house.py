"""The whole bot behind a Discord of ours, with an engine that answers jobs without a model."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from discord_server import DiscordServer, Said, until
from service_house import FakeEngine

from bot import app
from bot.settings import Settings
from engine.contract.blobs import Blobs
from engine.contract.queue import connect
from tests.discord_shapes import ADMINS

ANN, EVE, BOSS, SERVER = 21, 22, 23, 7
PHOTOS = [(f"{n}.jpg", f"photo {n}".encode()) for n in range(40)]


def settings(folder: Path, **changes: Any) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder,
            "discord": {"token": "MTAwMA.x.y", "admin_role": ADMINS},
            "admins": f"discord:{BOSS}",
            **changes,
        }
    )


@asynccontextmanager
async def a_bot(settings: Settings, redis_url: str, server: DiscordServer) -> AsyncGenerator[None]:
    server.identified.clear()
    running = asyncio.create_task(app.run(settings, redis_url))
    try:
        await asyncio.wait_for(server.identified.wait(), 20)
        await until(lambda: server.commands)
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def an_engine(settings: Settings, redis_url: str) -> AsyncGenerator[FakeEngine]:
    redis = await connect(redis_url)
    engine = FakeEngine(redis, Blobs.from_url(settings.blobs_url))
    working = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        working.cancel()
        await asyncio.wait([working])
        await redis.aclose()


def at_home(server: DiscordServer, user: int) -> list[Said]:
    return [said for said in server.seen_by(user) if said.channel == user * 10]


async def sees(server: DiscordServer, user: int, *words: str) -> Said:
    """The newest message that this person sees with these words, or buttons, in it."""

    def found() -> Said | None:
        for said in reversed(server.seen_by(user)):
            shown = said.text + "\n".join(said.buttons)
            if all(word in shown for word in words):
                return said
        return None

    try:
        return await until(found, " ".join(words), patience_s=20)
    except AssertionError as error:
        seen = "\n---\n".join(said.text for said in server.seen_by(user))
        raise AssertionError(f"{error} in {seen}") from None
