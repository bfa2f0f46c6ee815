"""Pictures on Telegram: previews on a card that lives on, and copies too large for one message."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest_asyncio
from service_house import until
from telegram_house import TelegramHouse, a_telegram_house
from telegram_server import Fault, Refused, Shown

from engine.contract import keys
from engine.contract.events import Preview, Progress
from engine.contract.jobs import TrainLora

MIB = 1024 * 1024


@pytest_asyncio.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[TelegramHouse]:
    async with (
        a_telegram_house(tmp_path, redis_url, read_timeout_s=10.0) as house,
        house.open(),
    ):
        yield house


async def training(house: TelegramHouse) -> tuple[TrainLora, Shown]:
    """A training that goes on until the test lets it end, and its card."""
    house.engine.stalls.add("train_lora")
    ann = house.ann
    ann.send(ann.album([f"good {n}".encode() for n in range(3)], as_files=True))
    data, card = await until(lambda: ann.offered("Start training"))
    ann.presses(data, card)
    await until(lambda: house.engine.num_taken("train_lora"))
    (job,) = [job for job in house.engine.taken if isinstance(job, TrainLora)]
    return job, await until(ann.reads("Training “Me”"))


async def preview(house: TelegramHouse, job: TrainLora, picture: bytes) -> None:
    key = f"{keys.person(job.owner)}previews/{len(picture)}.jpg"
    await house.blobs.put(key, picture)
    await house.engine.tell(job, Preview, step=len(picture), key=key)


async def test_previews_come_onto_the_card_and_stay_there(house: TelegramHouse) -> None:
    job, card = await training(house)
    await preview(house, job, b"first")
    await until(lambda: card.data == b"first")
    assert card.kind == "photo"
    assert "Training “Me”" in card.text
    assert [button["text"] for button in card.buttons], "it can still be cancelled"
    await house.engine.tell(job, Progress, phase="training", step=50, total=100, likeness=0.8)
    await until(lambda: "50" in card.text)
    assert "▰▰▰▰▰▰▱" in card.text
    await preview(house, job, b"second")
    await until(lambda: card.data == b"second")
    house.engine.stalls.clear()
    await until(house.ann.reads("“Me” is ready!"))
    await until(lambda: card.buttons == [])
    assert card.data == b"second"
    assert len([m for m in house.server.visible(7) if m.kind == "photo"]) == 1


async def test_a_preview_that_cannot_be_shown_is_tried_once(house: TelegramHouse) -> None:
    job, _ = await training(house)
    refused = Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
    house.server.faults = [
        Fault("editMessageMedia", times=99, refused=refused),
        Fault("sendPhoto", times=99, refused=refused),
    ]
    await preview(house, job, b"broken")
    await until(lambda: house.server.called("sendPhoto"))
    for share in (40, 60, 80):
        await house.engine.tell(
            job, Progress, phase="training", step=share, total=100, likeness=0.8
        )
        await until(house.ann.reads(f"{share}"))
    assert len(house.server.called("editMessageMedia")) == 1
    assert len(house.server.called("sendPhoto")) == 1
    assert len([text for text in house.ann.sees if text.startswith("Training “Me”")]) == 1


async def test_a_preview_that_is_gone_leaves_the_words(house: TelegramHouse) -> None:
    job, card = await training(house)
    await house.engine.tell(job, Preview, step=1, key=f"{keys.person(job.owner)}previews/gone")
    await house.engine.tell(job, Progress, phase="training", step=50, total=100, likeness=0.8)
    await until(lambda: "50" in card.text)
    assert card.kind == "text"


async def test_a_copy_that_is_too_large_comes_in_pieces(house: TelegramHouse) -> None:
    ann = house.ann
    ann.send(ann.album([b"good"], as_files=True))
    await until(lambda: house.engine.taken)
    lora = f"{keys.person(house.engine.taken[0].owner)}loras/large"
    await house.blobs.put(lora, bytes(52 * MIB))
    ann.says("/privacy")
    data, message_id = await until(lambda: ann.offered("Send me a copy"))
    ann.presses(data, message_id)
    await until(ann.reads("Here is all that I have of you"))
    pieces = [m for m in house.server.visible(7) if m.kind == "document"]
    assert [m.filename for m in pieces] == ["my-headshots.zip.001", "my-headshots.zip.002"]
    assert all(m.group == "" for m in pieces), "together they are more than a request may hold"
    with ZipFile(BytesIO(b"".join(m.data for m in pieces))) as archive:
        assert archive.getinfo("loras/large").file_size == 52 * MIB
        assert archive.testzip() is None
