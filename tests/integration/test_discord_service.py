"""The Discord adapter with the whole bot behind it, over real sockets; no engine is needed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from discord_server import DiscordServer, Said, a_discord, until

from bot import app
from bot.settings import Settings

ANN, BOSS, SERVER = 21, 23, 7
PHOTOS = [(f"{n}.jpg", f"photo {n}".encode()) for n in range(3)]


@asynccontextmanager
async def a_bot(folder: Path, redis_url: str, server: DiscordServer) -> AsyncIterator[None]:
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "discord": {"token": "MTAwMA.x.y"},
            "admins": f"discord:{BOSS}",
        }
    )
    running = asyncio.create_task(app.run(settings, redis_url))
    try:
        await asyncio.wait_for(server.identified.wait(), 20)
        await until(lambda: server.commands)
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
async def server(tmp_path: Path, redis_url: str) -> AsyncIterator[DiscordServer]:
    async with a_discord() as server, a_bot(tmp_path, redis_url, server):
        yield server


def at_home(server: DiscordServer, user: int) -> list[Said]:
    return [said for said in server.seen_by(user) if said.channel == user * 10]


async def sees(server: DiscordServer, user: int, *words: str) -> Said:
    def found() -> Said | None:
        for said in reversed(server.seen_by(user)):
            shown = said.text + "\n".join(said.buttons)
            if all(word in shown for word in words):
                return said
        return None

    try:
        return await until(found, " ".join(words), patience_s=10)
    except AssertionError as error:
        seen = "\n---\n".join(said.text for said in server.seen_by(user))
        raise AssertionError(f"{error} in {seen}") from None


async def test_with_closed_messages_one_works_where_one_asked(server: DiscordServer) -> None:
    server.closed.add(ANN)
    await server.command(ANN, "train", PHOTOS[:2])
    told = await sees(server, ANN, "can't write to you privately")
    card = await sees(server, ANN, "Start over", "Add photos")
    assert (told.to, card.to, card.channel) == (ANN, ANN, SERVER)
    assert list(card.files) == ["photos.jpg"]

    await server.press(ANN, card, "Remove a photo")
    picker = await sees(server, ANN, "Which photo shall I remove?")
    assert picker.to == ANN
    server.closed.clear()
    await server.command(ANN, "train", private=True)
    await until(lambda: any("Add photos" in said.buttons for said in at_home(server, ANN)))


async def test_an_admin_bans_somebody_by_choosing_them(server: DiscordServer) -> None:
    await server.command(ANN, "help", private=True)
    await sees(server, ANN, "What I can do")
    await server.command(ANN, "admin", private=True)
    await sees(server, ANN, "for the admins")
    await server.command(BOSS, "admin", private=True, action="ban")
    await sees(server, BOSS, "Whom do you mean?")
    await server.write(BOSS, f"/admin ban discord:{ANN}")
    await sees(server, BOSS, "can't order anything new")
    await server.write(ANN, "", *PHOTOS)
    await sees(server, ANN, "You can't order anything new here")


async def test_styles_are_leafed_through_in_place(server: DiscordServer) -> None:
    await server.command(ANN, "styles")
    menu = await sees(server, ANN, "Business")
    await server.press(ANN, menu, "Business")
    await until(lambda: "LinkedIn" in menu.buttons)
    await server.press(ANN, menu, "All styles")
    await until(lambda: "Business" in menu.buttons)
    assert len([said for said in server.seen_by(ANN) if said.buttons]) == 1
