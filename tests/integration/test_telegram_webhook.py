"""Updates brought by webhook: only Telegram may bring them, and only what is saved is taken."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from service_house import until
from telegram_house import ForgetfulInbox, TelegramHouse, a_telegram_house
from telegram_server import TOKEN

from bot.conversation.incoming import Command
from bot.frontends.telegram.webhook import SECRET_HEADER, Door, path_of, secret_of


@pytest_asyncio.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[TelegramHouse]:
    async with a_telegram_house(tmp_path, redis_url) as house:
        yield house


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_what_comes_by_webhook(house: TelegramHouse) -> None:
    ann, port = house.ann, free_port()
    door = Door(public_url="https://bot.example.org/", port=port)
    async with house.open(door=door), httpx.AsyncClient() as telegram:
        await until(lambda: house.server.webhook)
        told = house.server.webhook
        assert told["url"] == f"https://bot.example.org{path_of(TOKEN)}"
        assert told["secret_token"] == secret_of(TOKEN)
        assert TOKEN.split(":")[1] not in str(told)
        local = f"http://127.0.0.1:{port}"

        async def bring(update: Any, path: str = path_of(TOKEN), secret: str = "") -> int:
            headers = {SECRET_HEADER: secret or secret_of(TOKEN)}
            answer = await telegram.post(local + path, json=update, headers=headers)
            return answer.status_code

        update = {"update_id": 5, "message": ann.message(text="/help")}
        assert await bring(update, secret="guessed") == 403
        assert await bring(update, path="/telegram/guessed") == 404
        assert await bring([update]) == 400
        assert ann.sees == []
        assert await bring(update) == 200
        await until(ann.reads("What I can do"))
        assert await bring(update) == 200, "brought again: taken, and not answered again"
        updates = ann.album([b"good 1", b"good 2"], as_files=True)
        for number, part in enumerate(updates, start=6):
            assert await bring({"update_id": number, **part}) == 200
        await until(ann.reads("2 of 3"))
    assert len([text for text in ann.sees if "What I can do" in text]) == 1


async def test_what_cannot_be_saved_is_brought_again(house: TelegramHouse) -> None:
    inbox, port = ForgetfulInbox(num_failures=1), free_port()
    door = Door(public_url="https://bot.example.org", port=port)
    running = asyncio.create_task(house.frontend(door=door).run(inbox))
    await until(lambda: house.server.webhook)
    update = {"update_id": 5, "message": house.ann.message(text="/help")}
    address = f"http://127.0.0.1:{port}{path_of(TOKEN)}"
    headers = {SECRET_HEADER: secret_of(TOKEN)}
    async with httpx.AsyncClient() as telegram:
        told = [(await telegram.post(address, json=update, headers=headers)) for _ in range(2)]
    assert [answer.status_code for answer in told] == [503, 200]
    await until(lambda: inbox.heard)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert inbox.heard == [Command(name="help")]
