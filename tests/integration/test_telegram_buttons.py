"""Buttons on Telegram: whose they are, pages of styles, deleting, languages, links from groups."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from service_house import RULES, until
from telegram_house import TelegramHouse, a_telegram_house
from telegram_server import Fault, Person, Refused

from bot.conversation.style_menu import STYLES_A_PAGE

GROUP = -100500
ANY = next(iter(RULES.styles.values()))
MANY = {
    f"look-{n}": ANY.model_copy(
        update={"name": f"look-{n}", "title": f"Look {n}", "category": "office"}
    )
    for n in range(STYLES_A_PAGE + 3)
}


@pytest_asyncio.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[TelegramHouse]:
    changes = {"styles": {**RULES.styles, **MANY}, "admins": frozenset({"telegram:99"})}
    rules = RULES.model_copy(update=changes)
    async with a_telegram_house(tmp_path, redis_url, rules=rules) as house, house.open():
        yield house


async def press(person: Person, label: str) -> str:
    data, message_id = await until(lambda: person.offered(label), lambda: str(person.sees))
    return person.presses(data, message_id)


async def trained(person: Person) -> None:
    photos = [f"good {person.id} {n}".encode() for n in range(3)]
    person.send(person.album(photos, as_files=True))
    await press(person, "Start training")
    await until(person.reads("“Me” is ready!"))


async def test_styles_come_in_pages_on_one_message(house: TelegramHouse) -> None:
    ann = house.ann
    ann.says("/styles")
    menu = await until(ann.reads("Pick a category"))
    await press(ann, "Office")
    await until(lambda: "Look 0:" in menu.text)
    assert f"Look {STYLES_A_PAGE}:" not in menu.text
    await press(ann, "More")
    await until(lambda: f"Look {STYLES_A_PAGE + 2}:" in menu.text)
    assert "Look 0:" not in menu.text
    await press(ann, "All styles")
    await until(lambda: "Pick a category" in menu.text)
    assert len(house.server.visible(7)) == 1
    assert all(len(b["callback_data"].encode()) <= 64 for b in menu.buttons)


async def test_a_button_serves_its_owner_alone(house: TelegramHouse) -> None:
    ann, bob = house.ann, house.server.person(8)
    await trained(ann)
    ann.says("/headshot founder 2")
    await until(ann.reads("Your 2 headshots"))
    bob.says("/help")
    await until(bob.reads("What I can do"))
    num_before = len(house.server.visible(7))
    for label in ("Again", "Full size", "Delete"):
        data, message_id = await until(lambda label=label: ann.offered(label))
        num_seen = len(bob.sees)
        for chat in (bob.id, GROUP):
            press_id = bob.presses(data, message_id, chat=chat)
            await until(lambda press_id=press_id: press_id in dict(house.server.toasts))
        await until(lambda num_seen=num_seen: len(bob.sees) > num_seen)
    assert len(house.server.visible(7)) == num_before
    assert house.engine.num_taken("generate_headshots") == 1
    assert not any(message.data for message in house.server.visible(8))
    assert not any(message.data for message in house.server.visible(GROUP))
    await press(ann, "Delete")
    question = await until(ann.reads("Delete these 2 headshots for good?"))
    ann.presses(question.buttons[0]["callback_data"], question.id)
    await until(ann.reads("2 headshots are deleted"))
    await press(ann, "Full size")
    await until(ann.reads("I can't find these headshots"))


async def test_the_start_button_comes_below_the_photos(house: TelegramHouse) -> None:
    ann = house.ann
    ann.says("/train")
    first = await until(ann.reads("Send me your photos"))
    ann.send(ann.album([b"good 1"], as_files=True))
    card = await until(ann.reads("1 of 3"))
    assert card == first, "edited where it stands"
    photos = ann.send(ann.album([b"good 2", b"good 3"], as_files=True))
    assert photos
    _, message_id = await until(lambda: ann.offered("Start training"))
    assert house.server.visible(7)[-1].id == message_id > first.id
    assert len([text for text in ann.sees if text.startswith("Your photos")]) == 1
    house.server.faults = [Fault("deleteMessage", times=9, refused=Refused(404, "Not Found"))]
    ann.send(ann.album([b"good 4"], as_files=True))
    await until(ann.reads("Your photos: 4 good ones"))
    _, same_id = await until(lambda: ann.offered("Start training"))
    assert same_id == message_id, "no second card where the first cannot go"


async def test_a_question_is_asked_below_the_button_that_led_to_it(house: TelegramHouse) -> None:
    ann = house.ann
    await trained(ann)
    await press(ann, "Styles")
    menu = await until(ann.reads("Pick a category"))
    await press(ann, "Founder")
    await until(lambda: "At home" in menu.text)
    await press(ann, "Founder")
    made = await until(ann.reads("Your 4 headshots"))
    await press(ann, "Delete")
    question = await until(ann.reads("Delete these 4 headshots"))
    assert menu.id < made.id < question.id
    await press(ann, "No, keep")
    await until(lambda: "Delete these" not in question.text)
    await press(ann, "Background")
    await until(lambda: "behind you" in question.text, lambda: str(ann.sees))


async def test_a_server_that_does_not_edit_gets_news_anew(house: TelegramHouse) -> None:
    ann = house.ann
    house.server.faults = [Fault("editMessageText", times=99, refused=Refused(404, "Not Found"))]
    ann.says("/styles")
    await until(ann.reads("Pick a category"))
    await press(ann, "Business")
    await until(ann.reads("Press a style"))
    assert len(ann.sees) == 1


async def test_languages_are_chosen_by_a_button(house: TelegramHouse) -> None:
    ann = house.ann
    ann.says("/settings")
    shown = await until(ann.reads("I speak English, like your app"))
    await press(ann, "Deutsch")
    await until(lambda: "Deutsch" in shown.text)
    ann.says("/help")
    await until(ann.reads("Was ich kann"))
    ann.says("/settings")
    await press(ann, "Wie meine App")
    ann.says("/help")
    await until(ann.reads("What I can do"))


async def test_a_link_from_a_group_goes_on_with_what_was_asked(house: TelegramHouse) -> None:
    ann = house.ann
    await trained(ann)
    house.server.closed.add(7)
    ann.says("/headshot founder", chat=GROUP)
    await until(lambda: house.server.visible(GROUP))
    link = house.server.visible(GROUP)[-1].buttons[0]["url"]
    assert link == "https://t.me/heads_bot?start=headshot-founder"
    house.server.closed.clear()
    ann.says(f"/start {link.partition('=')[2]}")
    await until(ann.reads("Your 4 headshots"))


async def test_admins_have_their_own_word(house: TelegramHouse) -> None:
    boss = house.server.person(99)
    house.ann.says("/admin")
    await until(house.ann.reads("for the admins of this bot"))
    boss.says("/admin")
    await until(boss.reads("This bot"))
    await press(boss, "Pause new orders")
    await until(boss.reads("new ones wait"))
    house.ann.says("/train")
    await until(house.ann.reads("short break"))
