"""The Discord adapter against a simulated Discord, as people use it; the desk behind it is ours."""

from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from discord_desk import Desk, Heard, a_button, a_frontend, a_message, home

from bot.conversation.actions import Verb, act
from bot.conversation.incoming import ChatClosed, Command, PhotosReceived, Pressed, Said
from bot.conversation.incoming import UploadRefused as Refused
from bot.conversation.messages import Button, Message, PhotoLine, Picture
from bot.frontends.base import MessageGoneError, TryLaterError, UnreachableError
from bot.frontends.discord.frontend import DiscordFrontend
from engine.contract.blobs import Blobs
from engine.contract.photos import PhotoLimits

MIB = 1024 * 1024


class World:
    """One server with a channel, two people, the bot and the desk behind it."""

    def __init__(self, folder: Path, env: simcord.Env, frontend: DiscordFrontend, desk: Desk):
        self.folder, self.env, self.frontend, self.desk = folder, env, frontend, desk
        guild = env.create_guild()
        self.channel = guild.create_text_channel("general")
        self.ann = guild.add_member(env.create_user("ann"))
        self.bob = guild.add_member(env.create_user("bob"))
        self.blobs = Blobs.from_url(f"file://{folder}/blobs")

    def answers(self, message: Message, at_home: bool = False) -> None:
        """Everything heard from now on is answered so, where it was asked or in private."""

        async def answer(heard: Heard) -> None:
            here = None if at_home else heard.caller.here
            await self.frontend.send(here or heard.caller.address, message, None)

        self.desk.answer = answer

    def closes_her_messages(self) -> None:
        path = f"/channels/{self.ann.user.dm_channel.id}/messages"
        self.env.inject_error("POST", path, status=403, code=50007, times=None)

    async def writes(self, text: str, *files: tuple[str, bytes]) -> None:
        backend, channel = self.env.backend, self.ann.user.dm_channel
        attachments = backend.store_attachments(channel.id, files)
        await self.ann.send_dm(text, attachments=attachments)

    async def pictures(self, *sizes: int) -> tuple[Picture, ...]:
        for number, size in enumerate(sizes):
            await self.blobs.put(f"people/a/{number}.jpg", bytes([number]) * size)
        return tuple(
            Picture(key=f"people/a/{n}.jpg", filename=f"shot-{n}.jpg", caption=f"{n} · seed 7")
            for n in range(len(sizes))
        )


@pytest.fixture
def frontend(tmp_path: Path) -> DiscordFrontend:
    return a_frontend(tmp_path, limits=PhotoLimits(max_bytes=1000))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def simcord_bot(frontend: DiscordFrontend, desk: Desk) -> discord.Client:
    return frontend.client(desk)


@pytest.fixture
def world(tmp_path: Path, simcord_env: simcord.Env, frontend: DiscordFrontend, desk: Desk) -> World:
    return World(tmp_path, simcord_env, frontend, desk)


def texts(components: Any) -> str:
    """All that can be read in a message."""
    if isinstance(components, list):
        return "\n".join(filter(None, map(texts, components)))
    own = components.get("content") or components.get("label") or ""
    return "\n".join(filter(None, [own, texts(components.get("components", []))]))


def read(message: discord.Message) -> str:
    return texts([component.to_dict() for component in message.components])


async def test_a_command_in_a_server_is_answered_for_its_person_alone(world: World) -> None:
    world.answers(a_message("Nothing is running. /help", title="How *things* stand"))
    result = await world.ann.slash(world.channel, "status")

    assert isinstance(world.desk.last.incoming, Command)
    assert world.desk.last.caller.here_is_private
    assert result.ephemeral
    assert result.response is not None
    assert "How \\*things\\* stand" in texts(result.response.components)
    assert "</help:" in texts(result.response.components), "commands are links"
    assert result.response.id not in [m.id for m in world.channel.history(viewer=world.bob)]


async def test_a_command_in_private_is_answered_in_place_of_thinking(world: World) -> None:
    world.answers(a_message("Hello!"))
    await world.ann.user.slash("status")

    (message,) = world.ann.user.dm_channel.history()
    assert read(message) == "Hello!"
    assert world.desk.last.caller.here is None


async def test_thinking_ends_where_the_answer_is_an_edited_card(world: World) -> None:
    await world.ann.user.slash("train")
    await world.env.advance_time(15)

    assert world.ann.user.dm_channel.history() == []


async def test_photos_come_with_the_command_the_form_the_menu_and_by_message(world: World) -> None:
    photos = {f"photo_{n}": (f"{n}.jpg", bytes([n]) * 9) for n in range(1, 11)}
    await world.ann.slash(world.channel, "train", quality="best", **photos)
    assert world.desk.last.incoming == Command(name="train", options={"quality": "best"})
    assert len(world.desk.last.photos) == 10

    shown = await world.ann.slash(world.channel, "train")
    assert shown.modal is not None
    upload = next(c["component"] for c in shown.modal["components"] if "component" in c)
    files = [("a.jpg", b"one"), ("b.heic", b"two")]
    await world.ann.submit_modal(shown, {upload["custom_id"]: files})
    assert world.desk.last.incoming == PhotosReceived()
    assert world.desk.last.photos == (b"one", b"two")

    await world.writes("/train fast", ("c.jpg", b"three"))
    assert world.desk.last.incoming == Command(name="train", argument="fast")
    await world.writes("", ("c.jpg", b"three"))
    assert world.desk.last.incoming == PhotosReceived()
    await world.ann.send_dm("hello")
    assert world.desk.last.incoming == Said(text="hello")


async def test_a_model_is_renamed_by_a_form(world: World) -> None:
    rename = Button(label="Rename", action=act(Verb.RENAME_MODEL, "a1" * 16))
    world.answers(a_message("Me", buttons=((rename,),)))
    shown = await world.ann.slash(world.channel, "models")
    assert shown.response is not None
    form = await world.ann.click(shown.response.message, label="Rename")
    assert form.modal is not None
    field = next(c["component"] for c in form.modal["components"] if "component" in c)
    await world.ann.submit_modal(form, {field["custom_id"]: "Ada"})

    options = {"id": "a1" * 6, "rename": "Ada"}
    assert world.desk.last.incoming == Command(name="models", options=options)


async def test_the_menu_takes_photos_of_ones_own_messages_only(world: World) -> None:
    message = await world.ann.send(world.channel, "me", attachments=[("a.jpg", b"one")])
    await world.ann.context_menu(world.channel, "Train with these photos", message)
    assert world.desk.last.photos == (b"one",)

    before = len(world.desk.heard)
    result = await world.bob.context_menu(world.channel, "Train with these photos", message)
    assert len(world.desk.heard) == before
    assert result.response is not None
    assert "somebody else's" in result.response.content


async def test_what_is_no_photo_or_too_large_is_refused_by_name(world: World) -> None:
    await world.writes("", ("cv.pdf", b"pdf"), ("big.jpg", b"x" * 1001), ("me.jpg", b"ok"))

    incoming = [heard.incoming for heard in world.desk.heard]
    assert PhotosReceived() in incoming
    assert Refused(reason="not_an_image", num_files=1) in incoming
    assert Refused(reason="too_large", limit_mib=0, num_files=1) in incoming


async def test_a_card_is_edited_in_place_and_sent_anew_when_it_was_deleted(world: World) -> None:
    card = a_message("one", card="order:1", progress=0.25)
    ref = await world.frontend.send(home(world.ann.id), card, None)
    preview = await world.pictures(50)
    later = card.model_copy(update={"text": "two", "pictures": preview, "progress": 0.5})
    assert await world.frontend.send(home(world.ann.id), later, ref) == ref

    (message,) = world.ann.user.dm_channel.history()
    assert "two" in read(message)
    assert "▰▰▰▰▰▰▱▱▱▱▱▱" in read(message)
    assert len(message.attachments) == 1
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=404, code=10008)
    with pytest.raises(MessageGoneError):
        await world.frontend.send(home(world.ann.id), later, ref)


async def test_files_are_sent_in_parts_and_none_is_lost(world: World) -> None:
    pictures = await world.pictures(*[9 * MIB] * 3, 21 * MIB)
    message = a_message("Done", pictures=pictures, buttons=((a_button(),),))
    await world.frontend.send(home(world.ann.id), message, None)

    sent = world.ann.user.dm_channel.history()
    names = [file.filename for message in sent for file in message.attachments]
    assert names[:3] == ["shot-0.jpg", "shot-1.jpg", "shot-2.jpg"]
    assert names[3:] == ["shot-3.jpg.001", "shot-3.jpg.002", "shot-3.jpg.003"]
    assert sum(file.size for m in sent for file in m.attachments) == 48 * MIB
    assert "Done" in read(sent[0])
    assert "Styles" not in read(sent[0])
    assert "Styles" in read(sent[-1])


async def test_the_photos_of_a_collection_are_one_numbered_picture(world: World) -> None:
    lines = tuple(
        PhotoLine(number=n, sha256=str(n), key="", verdict="accepted") for n in range(1, 32)
    )
    await world.frontend.send(home(world.ann.id), a_message("31 photos", photos=lines), None)

    (message,) = world.ann.user.dm_channel.history()
    assert [file.filename for file in message.attachments] == ["photos.jpg"]


async def test_a_button_works_after_a_restart_twice_and_for_strangers(world: World) -> None:
    await world.frontend.send(home(world.ann.id), a_message(buttons=((a_button(),),)), None)
    (message,) = world.ann.user.dm_channel.history()
    again = a_frontend(world.folder)
    world.desk.heard.clear()
    await world.env.restart_bot(again.client(world.desk))
    for _ in range(2):
        await world.ann.user.click(message, label="Styles")

    pressed = [heard.incoming for heard in world.desk.heard]
    assert pressed == [Pressed(action=a_button().action)] * 2
    assert all(heard.caller.user_id == str(world.ann.id) for heard in world.desk.heard)


async def test_a_press_edits_the_card_that_only_one_person_sees(world: World) -> None:
    world.answers(a_message("menu", card="menu", buttons=((a_button(),),)))
    shown = await world.ann.slash(world.channel, "styles")
    assert shown.response is not None
    here, ref = (
        world.desk.last.caller.here,
        {"door": world.channel.id, "message": shown.response.id},
    )
    assert here is not None

    async def answer(heard: Heard) -> None:
        assert heard.caller.here == here, "the same chat has the same address"
        await world.frontend.send(here, a_message("page two", card="menu"), ref)

    world.desk.answer = answer
    pressed = await world.ann.click(shown.response.message, label="Styles")
    assert pressed.followups == []
    assert "page two" in texts(shown.response.components)


async def test_only_the_share_button_shows_anything_to_others(world: World) -> None:
    share = a_button("Share here", Verb.SHARE, "")
    world.answers(a_message(private=False, buttons=((share, a_button()),)))
    shown = await world.ann.slash(world.channel, "help")
    assert shown.ephemeral
    assert shown.response is not None
    other = await world.ann.click(shown.response.message, label="Styles")
    assert all(message.ephemeral for message in other.followups)
    world.answers(a_message("A headshot", private=False))
    shared = await world.ann.click(shown.response.message, label="Share here")
    assert [message.ephemeral for message in shared.followups] == [False]


async def test_toasts_in_private_vanish_by_themselves(world: World) -> None:
    await world.frontend.send(home(world.ann.id), a_message(buttons=((a_button(),),)), None)
    (message,) = world.ann.user.dm_channel.history()
    world.answers(a_message("Nothing was changed.", fleeting=True))
    result = await world.ann.user.click(message, label="Styles")

    assert [message.ephemeral for message in result.followups] == [True]


async def test_closed_messages_are_explained_and_worked_around_for_a_while(world: World) -> None:
    world.closes_her_messages()
    with pytest.raises(UnreachableError) as raised:
        await world.frontend.send(home(world.ann.id), a_message("card"), None)
    assert raised.value.problem == "dm_closed"

    world.answers(a_message("Your photos"), at_home=True)
    result = await world.ann.slash(world.channel, "status")
    assert result.ephemeral
    assert ChatClosed() in [heard.incoming for heard in world.desk.heard]
    seen = [message for message in (result.response, *result.followups) if message is not None]
    assert any("Your photos" in texts(message.components) for message in seen)
    assert all(message.ephemeral for message in seen)


async def test_one_refusal_is_enough_until_they_come_back(world: World) -> None:
    world.closes_her_messages()
    for _ in range(3):
        with pytest.raises(UnreachableError):
            await world.frontend.send(home(world.ann.id), a_message("card"), None)
    tried = [log for log in world.env.http_requests if log.path.endswith("/messages")]
    assert len(tried) == 1


@pytest.mark.parametrize("status", [503, 429])
async def test_what_discord_py_does_not_try_again_is_put_off(world: World, status: int) -> None:
    world.env.inject_error("POST", "/channels/*/messages", status=status)
    with pytest.raises(TryLaterError):
        await world.frontend.send(home(world.ann.id), a_message(), None)


async def test_commands_are_told_to_discord_only_when_they_changed(world: World) -> None:
    async def told() -> int:
        return sum(log.method == "PUT" for log in world.env.http_requests)

    assert await told() == 1
    await world.env.restart_bot(a_frontend(world.folder).client(world.desk))
    assert await told() == 1
    await world.env.restart_bot(a_frontend(world.folder, max_count=4).client(world.desk))
    assert await told() == 2


async def test_a_fault_behind_the_desk_is_told_and_ends_thinking(world: World) -> None:
    async def fail(heard: Heard) -> None:
        raise RuntimeError("database away")

    world.desk.answer = fail
    result = await world.ann.slash(world.channel, "status")
    assert result.response is not None
    assert "try that again" in result.response.content


async def test_nothing_is_sent_before_the_connection_stands(tmp_path: Path) -> None:
    with pytest.raises(TryLaterError):
        await a_frontend(tmp_path).send(home(1), a_message(), None)


async def test_styles_are_suggested_while_typing(world: World) -> None:
    found = await world.ann.autocomplete(world.channel, "headshot", "style", "linke")
    everything = await world.ann.autocomplete(world.channel, "headshot", "style", "")

    assert found[0]["value"] == "linkedin"
    assert len(everything) == 25
