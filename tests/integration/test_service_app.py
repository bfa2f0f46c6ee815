"""The composition root: platforms that fail, and a second life on the same folder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from service_house import FakeChat, until

from bot import app
from bot.conversation.incoming import Command
from bot.frontends.base import Inbox
from bot.settings import Settings


@dataclass
class ShakyChat(FakeChat):
    """Falls over the first time it listens."""

    num_runs: int = 0

    async def run(self, inbox: Inbox) -> None:
        self.num_runs += 1
        if self.num_runs == 1:
            raise ConnectionResetError
        await super().run(inbox)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"data_dir": tmp_path})


@asynccontextmanager
async def running(settings: Settings, redis_url: str, *chats: FakeChat) -> AsyncIterator[None]:
    bot = asyncio.create_task(app.run(settings, redis_url, chats))
    try:
        yield
    finally:
        bot.cancel()
        await asyncio.wait([bot])
    assert bot.cancelled()


async def test_a_platform_that_falls_over_is_started_again(
    settings: Settings, redis_url: str
) -> None:
    shaky, steady = ShakyChat(name="porch"), FakeChat()
    async with running(settings, redis_url, shaky, steady):
        inbox = await until(lambda: steady.inbox)
        await inbox.receive(steady.caller("ann"), Command(name="help"))
        await until(lambda: steady.visible("ann"))
        inbox = await until(lambda: shaky.inbox)
        await inbox.receive(shaky.caller("ann"), Command(name="help"))
        await until(lambda: shaky.visible("ann"))
    assert shaky.num_runs == 2


async def test_a_second_life_knows_the_person(settings: Settings, redis_url: str) -> None:
    async def card_in_a_life() -> str | None:
        chat = FakeChat()
        async with running(settings, redis_url, chat):
            inbox = await until(lambda: chat.inbox)
            await inbox.receive(chat.caller("ann"), Command(name="train"))
            await until(lambda: chat.visible("ann"))
        return chat.visible("ann")[0].card

    first = await card_in_a_life()
    assert first is not None
    assert await card_in_a_life() == first


async def test_starts_and_stops_without_a_queue(settings: Settings) -> None:
    chat = FakeChat()
    async with running(settings, "unix:///tmp/there-is-no-queue.sock", chat):
        inbox = await until(lambda: chat.inbox)
        await inbox.receive(chat.caller("ann"), Command(name="help"))
        await until(lambda: chat.visible("ann"))
