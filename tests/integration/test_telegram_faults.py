"""Telegram on a bad day: restarts in between, lost answers, floods, blocks, deleted messages."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from service_house import until
from telegram_house import ForgetfulInbox, TelegramHouse, a_telegram_house
from telegram_server import TOKEN, Fault, Refused

from bot.conversation.incoming import Command
from bot.frontends.telegram.client import Access, Client
from bot.frontends.telegram.files import PAUSES_AFTER_NO_S, PAUSES_S, Files, TooLargeError
from bot.frontends.telegram.gate import Gate
from bot.frontends.telegram.introduction import Introduction, introduce

MIB = 1024 * 1024


@pytest_asyncio.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[TelegramHouse]:
    async with a_telegram_house(tmp_path, redis_url) as house:
        yield house


def good(count: int, first: int = 0) -> list[bytes]:
    return [f"good {number}".encode() for number in range(first, first + count)]


async def test_an_album_split_by_a_restart_is_answered_once(house: TelegramHouse) -> None:
    ann = house.ann
    updates = ann.album([*good(2), b"dark one", *good(7, 2)], caption="/train", as_files=True)
    async with house.open(album_quiet_s=60.0):
        last = ann.send(updates[:4])[-1]
        acknowledged = f"{last + 1}"
        await until(
            lambda: any(
                str(call.params.get("offset")) == acknowledged
                for call in house.server.called("getUpdates")
            )
        )
    assert ann.sees == [], "killed before the album was whole"
    ann.send(updates[4:])
    async with house.open():
        await until(ann.reads("Photo 3 is too dark"))
        await until(ann.reads("5 good ones"))
        await until(lambda: len(house.server.reactions) == 5)
    assert len([text for text in ann.sees if text.startswith("Your photos")]) == 1
    assert len([text for text in ann.sees if "I keep up to 6" in text]) == 1
    assert house.engine.num_taken("check_photo") == 6


async def test_killed_at_random_between_updates_nothing_is_lost(house: TelegramHouse) -> None:
    dice = random.Random(7)
    ann, num_said, num_kills = house.ann, 30, 5
    for life in range(num_kills + 1):
        num_asked = len(house.server.called("getUpdates"))
        async with house.open():
            for _ in range(num_said // (num_kills + 1)):
                ann.says("what?")
            await until(partial(asks_again, house, num_asked))
            if life < num_kills:
                await asyncio.sleep(dice.uniform(0.0, 0.15))
            else:
                await until(lambda: len(ann.sees) >= num_said)
    assert num_said <= len(ann.sees) <= num_said + num_kills


def asks_again(house: TelegramHouse, num_asked: int) -> bool:
    return len(house.server.called("getUpdates")) > num_asked


async def test_what_cannot_be_saved_is_asked_for_again(house: TelegramHouse) -> None:
    inbox = ForgetfulInbox(num_failures=1)
    house.ann.says("/help")
    running = asyncio.create_task(house.frontend().run(inbox))
    await until(lambda: inbox.heard)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert inbox.heard == [Command(name="help")]
    assert inbox.settled == [arrival.id for arrival in inbox.saved]
    asked = [call.params.get("offset") for call in house.server.called("getUpdates")]
    assert asked[:2] == [None, None], "not given up at Telegram before it was saved"


async def test_two_with_one_token_take_turns(house: TelegramHouse) -> None:
    first, second = ForgetfulInbox(0), ForgetfulInbox(0)
    one = asyncio.create_task(house.frontend().run(first))
    await until(lambda: house.server.called("getUpdates"))
    two = asyncio.create_task(house.frontend().run(second))
    house.ann.says("/help")
    await until(lambda: first.heard)
    one.cancel()
    await asyncio.wait([one])
    house.ann.says("/status")
    await until(lambda: Command(name="status") in second.heard)
    two.cancel()
    await asyncio.wait([two])
    assert first.heard == [Command(name="help")]


async def test_starts_while_the_api_is_away_and_after_a_conflict(house: TelegramHouse) -> None:
    house.server.faults = [
        Fault("getMe", refused=Refused(502, "Bad Gateway")),
        Fault("getUpdates", refused=Refused(409, "Conflict: webhook is active; delete it")),
        Fault("setMyCommands", times=99, refused=Refused(404, "Not Found")),
        Fault("setMessageReaction", times=99, refused=Refused(400, "Bad Request: no reactions")),
    ]
    house.server.webhook = {"url": "https://elsewhere"}
    house.ann.says("/help")
    async with house.open():
        await until(house.ann.reads("What I can do"))
    assert house.server.webhook == {}


async def test_a_lost_answer_costs_one_double_at_most(house: TelegramHouse) -> None:
    ann = house.ann
    async with house.open():
        ann.send(ann.album(good(3), as_files=True))
        data, card = await until(lambda: ann.offered("Start training"))
        ann.presses(data, card)
        await until(ann.reads("“Me” is ready!"))
        house.server.faults = [
            Fault("sendMediaGroup", times=1, answer_lost=True),
            Fault("sendMessage", times=1, refused=Refused(429, "Too Many", retry_after=1)),
        ]
        ann.says("/headshot linkedin 4")
        await until(ann.reads("Your 4 headshots"))
    shown = house.server.visible(7)
    assert len([message for message in shown if message.kind == "photo"]) == 8
    assert len([message for message in shown if message.kind == "document"]) == 4
    assert len([message for message in shown if "Your 4 headshots" in message.text]) == 1


async def test_answers_that_stay_lost_end_as_delivered(house: TelegramHouse) -> None:
    house.server.faults = [Fault("sendMessage", times=2, answer_lost=True)]
    async with house.open():
        house.ann.says("/privacy")
        await until(lambda: len(house.ann.sees) == 2)
        house.ann.says("/help")
        await until(house.ann.reads("What I can do"))
    assert len([text for text in house.ann.sees if "Your photos are yours" in text]) == 2


async def test_blocked_deleted_and_unchanged_are_what_they_are(house: TelegramHouse) -> None:
    ann = house.ann
    async with house.open():
        ann.says("/train")
        card = await until(ann.reads("Send me your photos"))
        house.server.shown.remove(card)
        ann.send(ann.album(good(1), as_files=True))
        new = await until(ann.reads("1 of 3"))
        house.server.faults = [
            Fault("editMessageText", refused=Refused(400, "Bad Request: message is not modified")),
        ]
        ann.send(ann.album(good(1, 1), as_files=True))
        await until(ann.reads("2 of 3"))
        assert ann.reads("2 of 3")() == new, "the new card is edited from now on"
        house.server.closed.add(7)
        ann.says("/privacy")
        await until(
            lambda: any(c.params["chat_id"] == 7 for c in house.server.called("sendMessage")[-1:])
        )
        house.server.closed.clear()
        ann.says("/help")
        await until(ann.reads("What I can do"))
        await until(ann.reads("Your photos are yours"))


async def test_what_telegram_cannot_show_comes_as_a_file(house: TelegramHouse) -> None:
    ann = house.ann
    async with house.open():
        ann.send(ann.album(good(3), as_files=True))
        data, card = await until(lambda: ann.offered("Start training"))
        ann.presses(data, card)
        await until(ann.reads("“Me” is ready!"))
        refused = Refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        house.server.faults = [
            Fault("sendMediaGroup", refused=refused),
            Fault("sendPhoto", refused=refused),
        ]
        ann.says("/headshot founder 3")
        await until(ann.reads("Your 3 headshots"))
    kinds = [message.kind for message in house.server.visible(7)]
    assert (kinds.count("photo"), kinds.count("document")) == (2, 3), "one spoils no others"


@pytest.mark.parametrize("code", [404, 501])
async def test_a_server_without_albums_gets_files_one_by_one(
    house: TelegramHouse, code: int
) -> None:
    ann = house.ann
    async with house.open():
        ann.send(ann.album(good(3), as_files=True))
        data, card = await until(lambda: ann.offered("Start training"))
        ann.presses(data, card)
        await until(ann.reads("“Me” is ready!"))
        unknown = Refused(code, "method not found")
        house.server.faults = [Fault("sendMediaGroup", times=99, refused=unknown)]
        ann.says("/headshot founder 2")
        await until(ann.reads("Your 2 headshots"))
    kinds = [message.kind for message in house.server.visible(7)]
    assert (kinds.count("photo"), kinds.count("document")) == (2, 2)


async def test_files_that_do_not_come_are_lost_in_the_end(house: TelegramHouse) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    client = Client(Access(token=TOKEN, api_url=house.server.url))
    files = Files(client, 20, Gate(), pause)
    house.server.files["there"] = b"photo"
    house.server.faults = [Fault("getFile", refused=Refused(502, "Bad Gateway"))]
    assert await files.fetch("there") == b"photo"
    assert await files.fetch("gone") is None
    house.server.on_disk["nowhere"] = Path()
    assert await files.fetch("nowhere") is None
    assert pauses == [1.0, *PAUSES_AFTER_NO_S, *PAUSES_AFTER_NO_S], "a no is soon believed"
    house.server.faults = [Fault("getFile", times=99, refused=Refused(502, "Bad Gateway"))]
    assert await files.fetch("there") is None
    assert pauses[5:] == [*PAUSES_S], "a server that is away is waited for"
    house.server.faults = [Fault("getFile", refused=Refused(400, "Bad Request: file is too large"))]
    with pytest.raises(TooLargeError):
        await files.fetch("there")
    await client.close_connections()


async def test_large_photos_by_a_server_of_ones_own(house: TelegramHouse) -> None:
    house.is_local, ann = True, house.ann
    updates = ann.album(good(3), as_files=True)
    for number, update in enumerate(updates):
        file = house.folder / f"{number}.bin"
        file.write_bytes(b"good %d" % number + bytes(21 * MIB))
        house.server.on_disk[update["message"]["document"]["file_id"]] = file
        update["message"]["document"]["file_size"] = file.stat().st_size
    async with house.open():
        ann.send(updates)
        data, card = await until(lambda: ann.offered("Start training"))
        ann.presses(data, card)
        await until(ann.reads("“Me” is ready!"))
        ann.says("/headshot founder 2")
        await until(ann.reads("Your 2 headshots"))
    kinds = [message.kind for message in house.server.visible(7)]
    assert (kinds.count("photo"), kinds.count("document")) == (2, 2)


async def test_a_server_of_ones_own_has_no_small_limit(house: TelegramHouse) -> None:
    client = Client(Access(token=TOKEN, api_url=house.server.url, is_local=True))
    files = Files(client, 30, Gate())
    on_disk = house.folder / "photo"
    on_disk.write_bytes(b"from the disk")
    house.server.on_disk["big"] = on_disk
    assert await files.fetch("big") == b"from the disk"
    assert not files.is_too_large(25 * MIB)
    await client.close_connections()


async def test_the_doctor_knows_whose_token_it_is(house: TelegramHouse) -> None:
    met = await introduce(TOKEN, house.server.url)
    assert isinstance(met, Introduction)
    assert met.group_link == "https://t.me/heads_bot?startgroup=start"
    house.server.faults = [Fault("getMe", refused=Refused(401, "Unauthorized"))]
    assert await introduce(TOKEN, house.server.url) == "refused"
    assert await introduce(TOKEN, "http://127.0.0.1:1") == "away"
