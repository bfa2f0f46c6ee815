"""Every button that a person meets on Discord: after a restart, twice at once, by somebody else."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from discord_house import ANN, EVE, PHOTOS, a_bot, an_engine, sees, settings
from discord_server import DiscordServer, Said, Token, a_discord, until
from structlog.testing import capture_logs

from bot.conversation.actions import Verb
from bot.frontends.discord.cards import action_of

FEW = {"photos": {"min_photos": 3, "max_photos": 30, "recommended_photos": (4, 5)}}
LAST = ("Delete", "Yes, erase everything", "Start over", "Put photos away", "Erase everything")
"""Pressed after all others, since they end what the others are about."""
FAULT = "went wrong on my side"


async def a_life(server: DiscordServer) -> None:
    """Leaves every kind of message in Ann's chat: cards, pickers, results, menus, questions."""
    await server.command(ANN, "train", PHOTOS[:3])
    card = await sees(server, ANN, "Start training")
    await server.press(ANN, card, "Start training")
    await sees(server, ANN, "is ready!", "LinkedIn")
    await server.command(ANN, "headshot", style="doctor", count=2, private=True)
    await sees(server, ANN, "Your 2 headshots", "Again")
    await server.write(ANN, "", *PHOTOS[3:6], ("dark.jpg", b"dark"))
    card = await sees(server, ANN, "too dark", "Start training")
    await server.press(ANN, card, "Remove a photo")
    await sees(server, ANN, "Which photo", "Back")
    for name, words in (
        ("models", "Rename"),
        ("styles", "Business"),
        ("settings", "Deutsch"),
        ("privacy", "Send me a copy"),
        ("forget", "Yes, erase everything"),
        ("status", "Headshots"),
        ("help", "What I can do"),
    ):
        await server.command(ANN, name, private=True)
        await sees(server, ANN, words)
    await server.command(ANN, "share")
    await sees(server, ANN, "Share here")


@dataclass(frozen=True)
class Met:
    """A button as it was once shown."""

    said: Said
    label: str
    custom_id: str


def met(server: DiscordServer, user: int) -> list[Met]:
    """One button of each kind that this person has in front of them."""
    kinds: dict[tuple[Verb, str], Met] = {}
    for said in server.seen_by(user):
        for label, custom_id in said.buttons.items():
            action = action_of(custom_id)
            assert action is not None
            of_command = action.argument if action.verb is Verb.COMMAND else ""
            kinds[action.verb, of_command] = Met(said, label, custom_id)
    return sorted(kinds.values(), key=lambda m: LAST.index(m.label) if m.label in LAST else -1)


async def pressed(server: DiscordServer, user: int, button: Met, times: int) -> None:
    """Acknowledged each time, and something came of it: a message, another page, or a form."""

    def shown() -> object:
        return [(m.id, m.num_edits) for m in server.seen_by(user)], len(server.forms)

    await server.write(user, "hello")
    await sees_new(server, user)
    before = shown()
    tokens = await asyncio.gather(
        *(server.press(user, button.said, button.label, button.custom_id) for _ in range(times))
    )
    await acknowledged(server, tokens)
    await until(lambda: shown() != before, f"an answer to {button.label}")


async def sees_new(server: DiscordServer, user: int) -> None:
    """A word said to the bot is answered anew, so menus begin anew too."""
    known = len(server.seen_by(user))
    await until(lambda: len(server.seen_by(user)) > known, "an answer to a word")


async def acknowledged(server: DiscordServer, tokens: Sequence[Token]) -> None:
    await until(
        lambda: all(token.interaction in server.acknowledged for token in tokens),
        "acknowledgements",
    )


@pytest.mark.timeout(180)
async def test_every_button_after_a_restart_twice_and_by_somebody_else(
    tmp_path: Path, redis_url: str
) -> None:
    chosen = settings(tmp_path, **FEW)
    with capture_logs() as logs:
        async with a_discord() as server, an_engine(chosen, redis_url):
            async with a_bot(chosen, redis_url, server):
                await a_life(server)
            async with a_bot(chosen, redis_url, server):
                buttons = met(server, ANN)
                assert len(buttons) > 25
                await acknowledged(
                    server,
                    [await server.press(EVE, b.said, b.label, b.custom_id) for b in buttons],
                )
                await sees(server, EVE, "not open any more")
                await sees(server, EVE, "they aren't yours")
                await server.command(ANN, "models", private=True)
                await sees(server, ANN, "in use", "Rename")
                for button in buttons:
                    await pressed(server, ANN, button, times=2)
                await sees(server, ANN, "files were deleted")
    said = [message.text for message in server.messages.values()]
    assert not [text for text in said if FAULT in text]
    assert [log for log in logs if log["log_level"] in ("warning", "error")] == []


async def test_a_form_opened_before_a_restart_is_taken_after_it(
    tmp_path: Path, redis_url: str
) -> None:
    chosen = settings(tmp_path)
    async with a_discord() as server:
        async with a_bot(chosen, redis_url, server):
            asked = await server.command(ANN, "train")
            await until(lambda: server.forms.get(asked.interaction))
            await sees(server, ANN, "Add photos")
        async with a_bot(chosen, redis_url, server):
            await server.fill_in(asked, *PHOTOS[:2])
            await sees(server, ANN, "looking at 2 more")


async def test_thirty_one_photos_in_any_mix(tmp_path: Path, redis_url: str) -> None:
    chosen = settings(tmp_path, **FEW)
    async with (
        a_discord() as server,
        an_engine(chosen, redis_url),
        a_bot(chosen, redis_url, server),
    ):
        await server.command(ANN, "train", PHOTOS[:10])
        asked = await server.command(ANN, "train")
        await server.fill_in(asked, *PHOTOS[10:20])
        await server.write(ANN, "", *PHOTOS[20:25])
        await sees(server, ANN, "Your photos: 25 good ones")
        await server.write(ANN, "", *PHOTOS[25:31])
        card = await sees(server, ANN, "Your photos: 30 good ones", "Start training")
        await sees(server, ANN, "left 1 out")
        assert list(card.files) == ["photos.jpg"]
        cards = [said for said in server.seen_by(ANN) if "photos.jpg" in said.files]
        assert cards == [card], "one card, whatever came"
