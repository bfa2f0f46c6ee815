"""The Discord adapter over real sockets, when things go wrong on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from discord_desk import Desk, Heard, a_button, a_frontend, a_message, home
from discord_server import DiscordServer, Fault, a_discord, until

from bot.conversation.incoming import (
    ChatClosed,
    Command,
    PhotosReceived,
    Pressed,
    Said,
    UploadRefused,
)
from bot.conversation.messages import Picture
from bot.frontends.base import TryLaterError, UnreachableError
from bot.frontends.discord.frontend import DiscordFrontend
from bot.service.service import keep_running
from engine.contract.blobs import Blobs
from tests.discord_shapes import a_member

ANN = 21


class Line:
    """A frontend connected to a Discord of ours, and the desk behind it."""

    def __init__(self, folder: Path, server: DiscordServer) -> None:
        self.server, self.desk, self.folder = server, Desk(), folder
        self.frontend: DiscordFrontend = a_frontend(folder, token="t")

    def hears(self, incoming: object) -> bool:
        return incoming in [heard.incoming for heard in self.desk.heard]


@asynccontextmanager
async def a_line(folder: Path, server: DiscordServer) -> AsyncIterator[Line]:
    line = Line(folder, server)

    async def listen() -> None:
        await line.frontend.run(line.desk)

    running = asyncio.create_task(keep_running("discord", listen))
    try:
        yield line
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with a_discord() as server, a_line(tmp_path, server) as line:
        await asyncio.wait_for(server.identified.wait(), 20)
        await until(lambda: server.commands)
        yield line


async def test_the_bot_waits_for_a_discord_that_is_away(tmp_path: Path) -> None:
    async with a_discord(starts=False) as server, a_line(tmp_path, server) as line:
        with pytest.raises(TryLaterError):
            await line.frontend.send(home(ANN), a_message(), None)
        await asyncio.sleep(0.3)
        await server.start()
        await asyncio.wait_for(server.identified.wait(), 20)
        await line.frontend.send(home(ANN), a_message("here"), None)
        assert [said.text for said in server.seen_by(ANN)] == ["here"]


async def test_what_was_said_while_the_line_was_down_is_heard_after_it(line: Line) -> None:
    await line.server.drop()
    await line.server.write(ANN, "while you were out")
    await until(lambda: line.hears(Said(text="while you were out")))
    assert [frame["op"] for frame in line.server.gateway if frame["op"] != 1] == [2, 6]


@pytest.mark.parametrize(("op", "data", "answers"), [(7, None, 6), (9, False, 2)])
async def test_discord_may_ask_to_come_back(
    line: Line, op: int, data: object, answers: int
) -> None:
    line.server.identified.clear()
    await line.server.send({"op": op, "d": data})
    await asyncio.wait_for(line.server.identified.wait(), 20)
    await line.server.write(ANN, "still there?")
    await until(lambda: line.hears(Said(text="still there?")))
    assert [frame["op"] for frame in line.server.gateway if frame["op"] != 1] == [2, answers]


async def test_pictures_arrive_byte_for_byte(line: Line) -> None:
    blobs = Blobs.from_url(f"file://{line.folder}/blobs")
    shots = {f"linkedin-{n}.jpg": bytes(range(256)) * n for n in (1, 2, 3)}
    for name, data in shots.items():
        await blobs.put(f"people/a/{name}", data)
    pictures = tuple(Picture(key=f"people/a/{name}", filename=name, as_file=True) for name in shots)
    await line.frontend.send(home(ANN), a_message(pictures=pictures), None)
    (said,) = line.server.seen_by(ANN)
    assert said.files == shots


async def test_a_channel_is_asked_for_once(line: Line) -> None:
    for number in range(2):
        await line.frontend.send(home(ANN), a_message(f"message {number}"), None)
    assert line.server.calls.count("POST /users/@me/channels") == 1
    line.server.closed.add(ANN)
    with pytest.raises(UnreachableError):
        await line.frontend.send(home(ANN), a_message("refused"), None)
    line.server.closed.clear()
    await line.server.command(ANN, "status", private=True)
    await until(lambda: line.desk.heard)
    await line.frontend.send(home(ANN), a_message("open again"), None)
    assert "open again" in [said.text for said in line.server.seen_by(ANN)]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", "/messages", 500),
        Fault("POST", "/messages", 429, headers={"Via": "1.1 google"}),
    ],
    ids=["500", "429 of Discord"],
)
async def test_passing_troubles_are_waited_out(line: Line, fault: Fault) -> None:
    line.server.faults.append(fault)
    await line.frontend.send(home(ANN), a_message("once"), None)
    assert [said.text for said in line.server.seen_by(ANN)] == ["once"]


@pytest.mark.parametrize(
    ("fault", "after_s"),
    [
        (Fault("POST", "/messages", 503), 5.0),
        (Fault("POST", "/messages", 429, headers={"Retry-After": "37"}), 37.0),
        (Fault("POST", "/messages", 0), 5.0),
        (Fault("POST", "/users/@me/channels", 0), 5.0),
    ],
    ids=["503", "429 in front of Discord", "reset", "reset before"],
)
async def test_what_lasts_is_put_off(line: Line, fault: Fault, after_s: float) -> None:
    line.server.faults.append(fault)
    with pytest.raises(TryLaterError) as raised:
        await line.frontend.send(home(ANN), a_message("once"), None)
    assert raised.value.after_s == after_s


async def test_what_arrived_although_the_line_broke_does_not_come_twice(line: Line) -> None:
    line.server.fails("POST", "/messages", after=True)
    for _ in range(2):
        try:
            await line.frontend.send(home(ANN), a_message("once"), None)
        except TryLaterError:
            continue
    assert [said.text for said in line.server.seen_by(ANN)] == ["once"]
    await line.frontend.send(home(ANN), a_message("once"), None)
    assert len(line.server.seen_by(ANN)) == 2, "the same words may be said again"


async def test_an_ended_token_leads_to_a_direct_message(line: Line) -> None:
    token = await line.server.command(ANN, "status")
    heard: Heard = (await until(lambda: line.desk.heard))[-1]
    token.is_ended = True
    assert heard.caller.here is not None
    await line.frontend.send(heard.caller.here, a_message("answer"), None)
    (private,) = [said for said in line.server.seen_by(ANN) if said.channel == ANN * 10]
    assert private.text == "answer"


async def test_thinking_that_has_ended_in_private_makes_room_for_a_message(line: Line) -> None:
    token = await line.server.command(ANN, "status", private=True)
    await until(lambda: line.desk.heard)
    token.is_ended = True
    await line.frontend.send(home(ANN), a_message("answer"), None)
    assert "answer" in [said.text for said in line.server.seen_by(ANN)]


async def test_an_acknowledgement_comes_before_any_photo_is_read(line: Line) -> None:
    line.server.slow_files = asyncio.Event()
    files = [(f"{n}.jpg", bytes([n]) * 2000) for n in range(10)]
    await line.server.command(ANN, "train", files)
    await until(lambda: any("callback" in call for call in line.server.calls))
    assert line.desk.heard == []
    line.server.slow_files.set()
    await until(lambda: line.desk.heard)
    assert line.desk.last.incoming == Command(name="train")
    assert len(line.desk.last.photos) == 10


@pytest.mark.parametrize("status", [403, 404])
async def test_a_file_that_does_not_come_is_asked_for_again_unless_its_link_has_expired(
    line: Line, status: int
) -> None:
    line.server.fails("GET", "one.jpg")
    gone = line.server.fails("GET", "two.jpg", status)
    await line.server.write(ANN, "", ("one.jpg", b"1"), ("two.jpg", b"2"))
    await until(lambda: line.hears(UploadRefused(reason="download_failed", num_files=1)))
    assert gone.times == 0
    (photos,) = [h.photos for h in line.desk.heard if h.incoming == PhotosReceived()]
    assert photos == (b"1",)


async def test_parts_become_smaller_when_discord_takes_less_than_it_says(line: Line) -> None:
    line.server.limit_bytes = 3 * 1024 * 1024
    blobs = Blobs.from_url(f"file://{line.folder}/blobs")
    await blobs.put("people/a/all.zip", bytes(9 * 1024 * 1024))
    picture = Picture(key="people/a/all.zip", filename="all.zip", as_file=True)
    await line.frontend.send(home(ANN), a_message(pictures=(picture,)), None)
    files = [data for said in line.server.seen_by(ANN) for data in said.files.values()]
    assert sum(map(len, files)) == 9 * 1024 * 1024


async def test_what_discord_says_a_file_may_weigh_is_kept_to(line: Line) -> None:
    line.server.limit_bytes = 3 * 1024 * 1024
    await line.server.command(ANN, "share")
    heard: Heard = (await until(lambda: line.desk.heard))[-1]
    blobs = Blobs.from_url(f"file://{line.folder}/blobs")
    data = bytes(range(256)) * 4 * 1024 * 7
    await blobs.put("people/a/large.jpg", data)
    picture = Picture(key="people/a/large.jpg", filename="large.jpg", as_file=True)
    assert heard.caller.here is not None
    await line.frontend.send(heard.caller.here, a_message(pictures=(picture,)), None)
    (said,) = line.server.seen_by(ANN)
    assert [*said.files] == ["large.jpg.001", "large.jpg.002", "large.jpg.003"]
    assert b"".join(said.files.values()) == data
    assert said.to == ANN


async def test_an_acknowledgement_that_fails_does_not_lose_the_wish(line: Line) -> None:
    line.server.fails("POST", "/callback", 404, code=10062)
    await line.server.command(ANN, "status")
    heard: Heard = (await until(lambda: line.desk.heard))[-1]
    assert heard.caller.here is not None
    await line.frontend.send(heard.caller.here, a_message("answer"), None)
    assert [said.text for said in line.server.seen_by(ANN)] == ["answer"]


async def test_a_button_is_heard_although_its_card_was_edited_meanwhile(line: Line) -> None:
    ref = await line.frontend.send(home(ANN), a_message(buttons=((a_button(),),)), None)
    (said,) = line.server.seen_by(ANN)
    pressed = said.buttons["Styles"]
    await line.frontend.send(home(ANN), a_message("no buttons any more"), ref)
    token = await line.server.press(ANN, said, "Styles", pressed)
    await until(lambda: line.hears(Pressed(action=a_button().action)))
    assert token.interaction in line.server.acknowledged


async def test_a_button_pressed_twice_at_once_is_heard_twice_and_edits_in_place(line: Line) -> None:
    message = a_message("menu", card="menu", buttons=((a_button(),),))
    ref = await line.frontend.send(home(ANN), message, None)
    (said,) = line.server.seen_by(ANN)
    await asyncio.gather(*(line.server.press(ANN, said, "Styles") for _ in range(2)))
    await until(lambda: len(line.desk.heard) == 2)
    await line.frontend.send(home(ANN), a_message("page", card="menu"), ref)
    assert [said.text for said in line.server.seen_by(ANN)] == ["page"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", "/callback", times=2),
        Fault("POST", "/callback", after=True),
        Fault("POST", "/callback", 429),
    ],
    ids=["reset", "reset-after-it-came", "429-without-via"],
)
async def test_an_acknowledgement_is_tried_again_at_once(line: Line, fault: Fault) -> None:
    line.server.faults.append(fault)
    token = await line.server.command(ANN, "status")
    heard: Heard = (await until(lambda: line.desk.heard))[-1]
    assert token.interaction in line.server.acknowledged
    assert heard.caller.here is not None
    await line.frontend.send(heard.caller.here, a_message("answer"), None)
    assert [(said.text, said.to) for said in line.server.seen_by(ANN)] == [("answer", ANN)]


@pytest.mark.parametrize(
    "missing",
    [
        {"channel"},
        {"channel", "context", "guild", "entitlements", "authorizing_integration_owners"},
        {"locale", "app_permissions"},
    ],
    ids=["channel", "context", "locale"],
)
async def test_what_discord_leaves_out_is_not_missed(line: Line, missing: set[str]) -> None:
    line.server.leaves_out = missing
    await line.server.command(ANN, "train", [("one.jpg", b"1")])
    heard: Heard = (await until(lambda: line.desk.heard))[-1]
    assert heard.photos == (b"1",)
    assert heard.caller.here is not None
    await line.frontend.send(heard.caller.here, a_message("here"), None)
    await line.frontend.send(home(ANN), a_message("at home", buttons=((a_button(),),)), None)
    said = {said.text: said for said in line.server.seen_by(ANN)}
    assert said["here"].to == ANN
    await line.server.press(ANN, said["at home"], "Styles")
    await until(lambda: line.hears(Pressed(action=a_button().action)))


ELSEWHERE = 1_300_000_000_000_000_001
GROUP_CHAT = {
    "context": 2,
    "channel": {"id": str(ELSEWHERE), "type": 3, "name": None, "icon": None, "recipients": []},
}
FOREIGN_SERVER = {
    "context": 0,
    "guild_id": str(ELSEWHERE + 1),
    "guild": {"id": str(ELSEWHERE + 1), "locale": "de", "features": []},
    "member": a_member(ANN, [ELSEWHERE + 2]),
    "channel": {"id": str(ELSEWHERE), "type": 0, "name": "elsewhere", "position": 0},
    "guild_locale": "de",
    "something": {"new": True},
}


@pytest.mark.parametrize("place", [GROUP_CHAT, FOREIGN_SERVER], ids=["group", "server"])
async def test_whoever_added_the_bot_to_themselves_is_answered_alone_wherever_they_are(
    line: Line, place: dict[str, object]
) -> None:
    owners = {"authorizing_integration_owners": {"1": str(ANN)}, "channel_id": str(ELSEWHERE)}
    line.server.tells = {**place, **owners}
    await line.server.command(ANN, "status", private=True)
    heard: Heard = (await until(lambda: line.desk.heard))[-1]
    assert heard.caller.here is not None
    assert heard.caller.here == {"user": str(ANN), "channel": str(ELSEWHERE)}
    assert not heard.caller.is_admin
    await line.frontend.send(heard.caller.here, a_message("answer"), None)
    assert [(said.text, said.to) for said in line.server.seen_by(ANN)] == [("answer", ANN)]


async def test_commands_and_values_that_no_client_offers_are_handed_on(line: Line) -> None:
    asked = [
        await line.server.command(ANN, "portraits"),
        await line.server.command(ANN, "headshot", style="doctor", count=99),
    ]
    await until(lambda: len(line.desk.heard) == 2)
    assert line.hears(Command(name="portraits"))
    assert line.hears(Command(name="headshot", options={"style": "doctor", "count": "99"}))
    assert all(token.interaction in line.server.acknowledged for token in asked)


async def test_a_file_without_type_and_ending_is_looked_at(line: Line) -> None:
    await line.server.write(ANN, "", ("IMG_0001", b"1"), ("cv.docx", b"2"))
    await until(lambda: line.hears(UploadRefused(reason="not_an_image", num_files=1)))
    assert [heard.photos for heard in line.desk.heard if heard.photos] == [(b"1",)]


async def test_a_word_that_one_was_written_to_waits_until_that_is_true(line: Line) -> None:
    await line.server.command(ANN, "train", [("one.jpg", b"1")])
    heard: Heard = (await until(lambda: line.desk.heard))[-1]
    word = a_message("I've written to you", key="train.privately")
    assert heard.caller.here is not None
    with pytest.raises(TryLaterError):
        await line.frontend.send(heard.caller.here, word, None)
    await line.frontend.send(home(ANN), a_message("card"), None)
    await line.frontend.send(heard.caller.here, word, None)
    assert {said.text for said in line.server.seen_by(ANN)} == {"card", "I've written to you"}


async def test_nobody_is_told_of_a_message_that_could_not_be_written(line: Line) -> None:
    line.server.closed.add(ANN)
    await line.server.command(ANN, "train", [("one.jpg", b"1")])
    heard: Heard = (await until(lambda: line.desk.heard))[-1]
    await line.frontend.send(home(ANN), a_message("card"), None)
    assert heard.caller.here is not None
    word = a_message("I've written to you", key="train.privately")
    await line.frontend.send(heard.caller.here, word, None)
    assert [said.text for said in line.server.seen_by(ANN)] == ["card"]
    await until(lambda: line.hears(ChatClosed()))


async def test_commands_that_are_gone_from_discord_are_told_again(tmp_path: Path) -> None:
    async with a_discord() as server:
        for calls in (["PUT"], ["PUT", "GET"], ["PUT", "GET", "GET", "PUT"]):
            if "GET" in calls[:-1]:
                server.commands = []
            server.identified.clear()
            async with a_line(tmp_path, server) as line:
                await asyncio.wait_for(server.identified.wait(), 20)
                await until(lambda expected=calls: asked_about_commands(server) == expected)
                await server.write(ANN, "hello")
                await until(lambda line=line: line.hears(Said(text="hello")))
        assert asked_about_commands(server) == calls
        assert {"train", "headshot"} <= {command["name"] for command in server.commands}


def asked_about_commands(server: DiscordServer) -> list[str]:
    return [call.split()[0] for call in server.calls if call.endswith("/commands")]
