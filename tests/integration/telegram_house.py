"""The bot in a bottle, with the real Telegram frontend and a server of ours behind it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service_house import RULES, FakeEngine
from telegram_server import TOKEN, Person, TelegramServer

from bot.conversation.incoming import Incoming
from bot.database.connection import Database
from bot.frontends.base import Arrival, Caller, MessageRef
from bot.frontends.telegram.client import Access
from bot.frontends.telegram.frontend import TelegramFrontend
from bot.service.rules import Rules
from bot.service.service import Service, keep_running
from engine.contract import queue
from engine.contract.blobs import Blobs

ALBUM_QUIET_S = 0.15


class ForgetfulInbox:
    """Cannot save at first; then takes down what it is given."""

    def __init__(self, num_failures: int) -> None:
        self.num_failures = num_failures
        self.saved: list[Arrival] = []
        self.settled: list[int] = []
        self.heard: list[Incoming] = []

    async def keep(self, source: str, payloads: Sequence[dict[str, Any]]) -> list[Arrival]:
        if payloads and self.num_failures:
            self.num_failures -= 1
            raise OSError("the disk is full")
        fresh = [Arrival(int(payload["update_id"]), payload) for payload in payloads]
        self.saved += fresh
        return fresh

    async def kept(self, source: str) -> list[Arrival]:
        return []

    async def settle(self, ids: Sequence[int]) -> None:
        self.settled += ids

    async def receive(
        self,
        caller: Caller,
        incoming: Incoming,
        photos: Sequence[bytes] = (),
        origins: Sequence[MessageRef] = (),
        settles: Sequence[int] = (),
    ) -> None:
        self.heard.append(incoming)
        self.settled += settles


@dataclass
class TelegramHouse:
    """One installation. `open` is a life of the bot process; its end is sudden."""

    folder: Path
    redis_url: str
    blobs: Blobs
    server: TelegramServer
    engine: FakeEngine
    rules: Rules = RULES
    read_timeout_s: float = 0.4
    album_quiet_s: float = ALBUM_QUIET_S
    is_local: bool = False

    @property
    def ann(self) -> Person:
        return self.server.person()

    def frontend(self, **changes: Any) -> TelegramFrontend:
        access = Access(
            token=TOKEN,
            api_url=self.server.url,
            is_local=self.is_local,
            read_timeout_s=self.read_timeout_s,
        )
        options: dict[str, Any] = {
            "lock_dir": self.folder,
            "admins": ["99"],
            "edit_pace_s": 0.0,
            "album_quiet_s": self.album_quiet_s,
            **changes,
        }
        return TelegramFrontend(access, self.blobs, **options)

    @asynccontextmanager
    async def open(self, **changes: Any) -> AsyncGenerator[Service]:
        database = await Database.open(f"sqlite:///{self.folder}/bot.sqlite3")
        frontend = self.frontend(**changes)
        service = Service(
            database,
            self.blobs,
            self.redis_url,
            [frontend],
            self.rules,
            reconcile_every_s=0.2,
            engine_look_every_s=0.05,
        )

        async def listen() -> None:
            await frontend.run(service.inbox)

        tasks = [
            asyncio.create_task(keep_running("telegram", listen)),
            asyncio.create_task(service.run()),
        ]
        try:
            yield service
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await database.close()


@asynccontextmanager
async def a_telegram_house(
    folder: Path, redis_url: str, **changes: Any
) -> AsyncGenerator[TelegramHouse]:
    server = TelegramServer()
    await server.start()
    redis = await queue.connect(redis_url)
    blobs = Blobs.from_url(f"file://{folder}/blobs")
    engine = FakeEngine(redis, blobs)
    working = asyncio.create_task(engine.run())
    try:
        yield TelegramHouse(folder, redis_url, blobs, server, engine, **changes)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await redis.aclose()
        await server.stop()
