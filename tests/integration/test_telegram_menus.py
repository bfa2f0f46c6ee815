"""Style menus with examples on Telegram: one message, whose picture changes with its page."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest_asyncio
from PIL import Image
from service_house import RULES, until
from telegram_house import TelegramHouse, a_telegram_house
from telegram_server import Person

from engine.contract import keys


def jpeg(colour: str) -> bytes:
    data = BytesIO()
    Image.new("RGB", (40, 50), colour).save(data, "JPEG")
    return data.getvalue()


@pytest_asyncio.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[TelegramHouse]:
    async with a_telegram_house(tmp_path, redis_url, rules=RULES) as house:
        for name, colour in {"linkedin": "navy", "corporate": "grey", "founder": "red"}.items():
            await house.blobs.put(keys.style_example(name), jpeg(colour))
        await house.blobs.put(keys.style_example("executive"), b"no picture")
        async with house.open():
            yield house


async def press(person: Person, label: str) -> None:
    data, message_id = await until(lambda: person.offered(label), lambda: str(person.sees))
    person.presses(data, message_id)


async def test_a_menus_picture_changes_with_its_page(house: TelegramHouse) -> None:
    ann = house.ann
    ann.says("/styles")
    menu = await until(ann.reads("Pick a category"))
    assert menu.kind == "photo"
    with Image.open(BytesIO(menu.data)) as overview:
        assert overview.width > 2 * 320, "first styles of two categories, side by side"

    await press(ann, "Founder")
    await until(lambda: "At home in good light" in menu.text)
    with Image.open(BytesIO(menu.data)) as page:
        pixel = page.convert("RGB").getpixel((page.width // 2, page.height // 3))
        assert isinstance(pixel, tuple)
        assert pixel[0] > 200 > pixel[1] + pixel[2]

    await press(ann, "All styles")
    await until(lambda: "Pick a category" in menu.text)
    await press(ann, "Business")
    await until(lambda: "Blazer without a tie" in menu.text)
    assert len(house.server.visible(7)) == 1


async def test_a_page_without_examples_shows_nobody_elses(house: TelegramHouse) -> None:
    ann = house.ann
    ann.says("/styles")
    await until(ann.reads("Pick a category"))
    await press(ann, "Festive")
    await until(lambda: [m.kind for m in house.server.visible(7)] == ["text"])
    (menu,) = house.server.visible(7)
    assert "Black tie" in menu.text
