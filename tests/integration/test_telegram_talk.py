"""A person and the bot on Telegram: photos, cards, buttons, results, groups, menus."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from service_house import until
from telegram_house import TelegramHouse, a_telegram_house
from telegram_server import Person

from bot.conversation.commands import IN_GROUPS


@pytest_asyncio.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[TelegramHouse]:
    async with a_telegram_house(tmp_path, redis_url) as house, house.open():
        yield house


async def press(person: Person, label: str) -> str:
    """Presses a button as soon as it is there."""
    data, message_id = await until(lambda: person.offered(label))
    return person.presses(data, message_id)


def good(count: int, first: int = 0) -> list[bytes]:
    return [f"good {number}".encode() for number in range(first, first + count)]


async def test_from_an_album_to_headshots(house: TelegramHouse) -> None:
    ann = house.ann
    ann.says("/train")
    await until(ann.reads("Send me your photos"))
    updates = ann.album([*good(3), b"dark one"])
    ann.send(updates)
    await until(ann.reads("Your photos: 3 good ones"))
    assert [call.params["action"] for call in house.server.called("sendChatAction")] == ["typing"]
    verdict = await until(lambda: next((m for m in house.server.visible(7) if m.reply_to), None))
    assert verdict.text.startswith("Photo 4 is too dark")
    assert verdict.reply_to == updates[3]["message"]["message_id"]
    await until(lambda: len(house.server.reactions) == 3)
    assert set(house.server.reactions) == {(7, u["message"]["message_id"]) for u in updates[:3]}
    assert len([text for text in ann.sees if "good one" in text]) == 1, "one card, edited"

    press_id = await press(ann, "Start training")
    await until(ann.reads("“Me” is ready!"))
    card = await until(ann.reads("training with your 3 photos"))
    assert card.buttons == [], "a card that is done has no buttons"
    assert press_id in dict(house.server.toasts)
    ann.says("/headshot linkedin 4")
    await until(ann.reads("Your 4 headshots"))
    shown = house.server.visible(7)
    album = [message for message in shown if message.kind == "photo"]
    files = [message for message in shown if message.kind == "document"]
    assert len({message.group for message in album}) == len({m.group for m in files}) == 1
    assert [message.data for message in files] == [b"jpeg"] * 4
    assert files[0].filename.startswith("linkedin-1-")
    assert "seed" in album[0].text
    assert shown[-1].text.startswith("Your 4 headshots"), "buttons stand at the foot"
    labels = [button["text"] for button in shown[-1].buttons]
    assert labels[:4] == ["Again", "More like me", "Other style", "Background"]
    assert labels[-1] == "Delete"

    await press(ann, "Full size")
    await until(ann.reads("in full size"))
    assert len([m for m in house.server.visible(7) if m.kind == "photo"]) == 4
    assert len([m for m in house.server.visible(7) if m.kind == "document"]) == 8


@pytest.mark.parametrize("num_photos", [1, 10, 11])
async def test_albums_are_answered_once(house: TelegramHouse, num_photos: int) -> None:
    ann = house.ann
    for start in range(0, num_photos, 10):
        photos = good(min(10, num_photos - start), start)
        ann.send(ann.album(photos, caption="/train" if start == 0 else "", as_files=True))
    await until(lambda: any(t.startswith("Your photos:") for t in ann.sees))
    await until(lambda: house.engine.num_taken("check_photo") == min(6, num_photos))
    assert len([t for t in ann.sees if t.startswith("Your photos:")]) == 1
    assert len([t for t in ann.sees if "I keep up to" in t]) == (1 if num_photos > 6 else 0)
    assert not any("compressed" in text for text in ann.sees)


async def test_compressed_photos_get_a_hint_and_other_files_a_word(house: TelegramHouse) -> None:
    ann = house.ann
    ann.send(ann.album(good(1)))
    await until(ann.reads("these came compressed"))
    video = {"file_id": "v", "file_unique_id": "v", "width": 1, "height": 1, "duration": 1}
    clip = ann.message(video=video)
    house.server.push({"message": clip})
    refused = await until(ann.reads("is not a picture"))
    assert refused.reply_to == clip["message_id"]
    large = {"file_id": "l", "file_unique_id": "l", "file_size": 21 * 2**20}
    document = {**large, "mime_type": "image/png"}
    house.server.push({"message": ann.message(document=document)})
    await until(ann.reads("larger than 20 MB"))
    house.server.files["huge"] = bytes(20 * 2**20 + 1)
    unsized = {"file_id": "huge", "file_unique_id": "h", "file_name": "A.HEIC"}
    house.server.push({"message": ann.message(document=unsized)})
    await until(lambda: len([t for t in ann.sees if "larger than 20 MB" in t]) == 2)


async def test_every_press_is_answered_and_toasts_are_shown(house: TelegramHouse) -> None:
    ann = house.ann
    ann.says("/styles")
    menu = await until(ann.reads("Pick a category"))
    press_id = await press(ann, "Business")
    await until(ann.reads("Press a style"))
    assert len(ann.sees) == 1, "the menu is edited in place"
    assert menu.num_edits == 1
    await until(lambda: press_id in dict(house.server.toasts))
    press_id = ann.presses("nonsense", menu.id)
    await until(ann.reads("older version"))
    await until(lambda: press_id in dict(house.server.toasts))
    ann.send(ann.album(good(3), as_files=True))
    await until(ann.reads("Your photos: 3 good ones"))
    house.engine.stalls.add("train_lora")
    start, card_id = await until(lambda: ann.offered("Start training"))
    await press(ann, "Start training")
    await until(lambda: house.engine.num_taken("train_lora"))
    press_id = ann.presses(start, card_id)
    await until(
        lambda: dict(house.server.toasts).get(press_id), lambda: f"{ann.sees} {house.server.toasts}"
    )
    ann.presses(start, card_id, press_id="old1")
    await until(lambda: len([t for t in ann.sees if "already" in t.casefold()]) >= 1)


async def test_in_a_group_the_answer_is_private(house: TelegramHouse) -> None:
    ann, group = house.ann, -100500
    house.server.closed.add(7)
    ann.says("/headshot@heads_bot linkedin", chat=group)
    await until(lambda: house.server.visible(group))
    (told,) = house.server.visible(group)
    assert told.buttons[0]["url"] == "https://t.me/heads_bot?start=headshot-linkedin"
    assert told.reply_to is not None
    house.server.closed.clear()
    ann.says("/start headshot-linkedin")
    await until(ann.reads("I don't know your face yet"))
    ann.says("/styles", chat=group)
    await until(ann.reads("Pick a category"))
    await until(lambda: len(house.server.visible(group)) == 2)
    assert house.server.visible(group)[1].text == "I've answered you privately."
    photo = ann.album(good(1), caption="/train")[0]["message"]
    house.server.push({"message": {**photo, "chat": {"id": group, "type": "supergroup"}}})
    await until(lambda: len(house.server.visible(group)) == 3)
    assert "Send me your photos there" in house.server.visible(group)[2].text
    for other in ("/help@other_bot", "hello all", "/stop", "/weather"):
        ann.says(other, chat=group)
    ann.says("/help")
    await until(ann.reads("What I can do"))
    assert len(house.server.visible(group)) == 3, "others' words are not ours to answer"


async def test_menus_speak_the_language_and_know_the_place(house: TelegramHouse) -> None:
    await until(lambda: len(house.server.menus) == 8)
    assert house.server.menus["all_group_chats", ""] == list(IN_GROUPS)
    assert "admin" in house.server.menus["chat:99", "de"]
    assert "admin" not in house.server.menus["all_private_chats", "de"]
    german = house.server.person(8, language="de-AT")
    german.says("/start")
    await until(german.reads("Hallo"))
    german.says("/settings en")
    await until(german.reads("I speak English now"))


async def test_names_are_never_taken_for_markup(house: TelegramHouse) -> None:
    ann = house.ann
    ann.says("/<b>&amp;</i>")
    told = await until(ann.reads("I don't know"))
    assert "<b>&amp;</i>" in told.text


async def test_the_last_words_arrive(house: TelegramHouse) -> None:
    ann = house.ann
    ann.send(ann.album(good(2), as_files=True))
    await until(ann.reads("2 of 3"))
    ann.says("/forget")
    await until(ann.reads("Erase everything?"))
    await press(ann, "Yes, erase everything")
    await until(ann.reads("Everything is erased"))


async def test_sharing_is_the_persons_own_word(house: TelegramHouse) -> None:
    ann, group = house.ann, -100500
    ann.send(ann.album(good(3), as_files=True))
    await press(ann, "Start training")
    await until(ann.reads("“Me” is ready!"))
    ann.says("/headshot founder 2", chat=group)
    await until(ann.reads("Your 2 headshots"))
    (told,) = await until(lambda: house.server.visible(group))
    assert (told.kind, told.text) == ("text", "I send your headshots to you privately.")
    ann.says("/share", chat=group)
    await until(lambda: house.server.visible(group)[-1].text == "2 headshots · Founder")
    assert [m.kind for m in house.server.visible(group)[1:3]] == ["photo", "photo"]
