"""The Discord adapter with the whole bot behind it, over real sockets; no engine is needed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from discord_house import ANN, BOSS, EVE, PHOTOS, SERVER, a_bot, at_home, sees, settings
from discord_server import DiscordServer, a_discord, until

from tests.discord_shapes import ADMINS


@pytest.fixture
async def server(tmp_path: Path, redis_url: str) -> AsyncIterator[DiscordServer]:
    async with a_discord() as server, a_bot(settings(tmp_path), redis_url, server):
        yield server


async def test_with_closed_messages_one_works_where_one_asked(server: DiscordServer) -> None:
    server.closed.add(ANN)
    await server.command(ANN, "train", PHOTOS[:2])
    told = await sees(server, ANN, "can't write to you privately")
    card = await sees(server, ANN, "Start over", "Add photos")
    assert (told.to, card.to, card.channel) == (ANN, ANN, SERVER)
    assert list(card.files) == ["photos.jpg"]
    assert not [said for said in server.seen_by(ANN) if "I've written" in said.text]

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
    await server.command(BOSS, "admin", private=True, action="ban", person=ANN)
    await sees(server, BOSS, "can't order anything new")
    await server.write(ANN, "", *PHOTOS[:3])
    await sees(server, ANN, "You can't order anything new here")


async def test_styles_are_leafed_through_in_place(server: DiscordServer) -> None:
    await server.command(ANN, "styles")
    menu = await sees(server, ANN, "Business")
    await server.press(ANN, menu, "Business")
    await until(lambda: "LinkedIn" in menu.buttons)
    await server.press(ANN, menu, "All styles")
    await until(lambda: "Business" in menu.buttons)
    assert len([said for said in server.seen_by(ANN) if said.buttons]) == 1


async def test_a_server_role_makes_admins_where_discord_tells_roles(server: DiscordServer) -> None:
    server.roles[EVE] = [ADMINS]
    await server.command(EVE, "admin", action="quota", person=ANN, headshots=3)
    await sees(server, EVE, "don't know")
    await server.command(ANN, "help")
    await sees(server, ANN, "What I can do")
    await server.command(EVE, "admin", action="quota", person=ANN, headshots=3)
    await sees(server, EVE, "each day: headshots 3")
    await server.command(ANN, "admin", action="pause")
    await sees(server, ANN, "for the admins")
    await server.command(EVE, "admin", private=True)
    await sees(server, EVE, "for the admins")


async def test_every_command_answers_its_person_alone(server: DiscordServer) -> None:
    for name, words in (
        ("help", "What I can do"),
        ("models", "no model yet"),
        ("cancel", "Nothing is running"),
        ("privacy", "Your photos are yours"),
        ("status", "How things stand"),
        ("settings", "English"),
        ("share", "no headshots yet"),
        ("headshot", "don't know your face"),
        ("forget", "Erase everything?"),
    ):
        await server.command(ANN, name)
        assert (await sees(server, ANN, words)).to == ANN, name
    assert server.seen_by(EVE) == []


async def test_the_form_in_a_server_and_the_menu_of_a_message_bring_photos(
    server: DiscordServer,
) -> None:
    asked = await server.command(ANN, "train")
    card = await sees(server, ANN, "Send me your photos", "Add photos")
    await server.fill_in(asked, *PHOTOS[:2], ("cv.pdf", b"%PDF-1.7"), ("IMG.HEIC", b"heic"))
    await sees(server, ANN, "looking at 3 more")
    assert (await sees(server, ANN, "not a picture")).to == ANN

    mine = server.written(ANN, SERVER, "me", *PHOTOS[3:5])
    await server.choose(ANN, "Train with these photos", mine)
    await sees(server, ANN, "looking at 5 more")
    await server.choose(EVE, "Train with these photos", mine)
    await sees(server, EVE, "somebody else's")
    await server.choose(ANN, "Train with these photos", server.written(ANN, SERVER, "hello"))
    await sees(server, ANN, "No photo arrived")
    assert at_home(server, ANN) == [card], "one card, edited in place"


async def test_words_follow_the_person(server: DiscordServer) -> None:
    server.locales[ANN] = "de"
    asked = await server.command(ANN, "train")
    form = await until(lambda: server.forms.get(asked.interaction))
    assert form["title"] == "Fotos von dir"
    await sees(server, ANN, "Schick mir deine Fotos", "Fotos hinzufügen")
    server.locales[EVE] = "fr"
    await server.command(EVE, "help")
    await sees(server, EVE, "What I can do")


async def test_styles_are_suggested_over_the_wire(server: DiscordServer) -> None:
    found = await server.type(ANN, "headshot", "style", "linke")
    assert found[0] == {"name": "LinkedIn", "value": "linkedin"}
