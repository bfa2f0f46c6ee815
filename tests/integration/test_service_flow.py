"""The whole way through the service: photos, verdicts, training, headshots."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from service_house import House, a_house, until

from bot.conversation.actions import Verb
from bot.conversation.incoming import Command, PhotosReceived, Pressed


@pytest.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, redis_url) as house, house.open():
        yield house


async def test_from_photos_to_headshots(house: House) -> None:
    await house.command("ann", "train")
    await house.sees("ann", "collection.empty")
    await house.photos("ann", b"good 1", b"good 2", b"dark 3", b"good 4")
    card = await until(
        lambda: next(
            (
                m
                for m in house.chat.visible("ann")
                if [p.verdict for p in m.photos] == ["accepted", "accepted", "refused", "accepted"]
            ),
            None,
        )
    )
    assert [p.number for p in card.photos] == [1, 2, 3, 4]
    await house.press("ann", Verb.START_TRAINING)
    ready = await house.sees("ann", "ready.model")
    assert "80" in ready.text
    await house.command("ann", "headshot", "linkedin")
    made = await house.sees("ann", "headshots.ready")
    assert len(made.pictures) == 4
    for picture in made.pictures:
        assert await house.blobs.get(picture.key) == b"jpeg"
    assert house.engine.num_taken("check_photo") == 4
    assert house.engine.num_taken("train_lora") == 1
    assert house.engine.num_taken("generate_headshots") == 1


async def test_a_collection_has_one_message(house: House) -> None:
    await house.command("ann", "train")
    for n in range(4):
        await house.photos("ann", f"good {n}".encode())
    await until(lambda: house.chat.button("ann", Verb.START_TRAINING))
    cards = [m for m in house.chat.visible("ann") if (m.card or "").startswith("collection:")]
    assert len(cards) == 1


async def test_ten_photos_at_once_are_numbered_in_order(house: House) -> None:
    house.engine.holds.add("check_photo")
    data = [f"good {n}".encode() for n in range(6)]
    await house.command("ann", "train")
    await asyncio.gather(*(house.photos("ann", photo) for photo in data))
    card = await until(
        lambda: next((m for m in house.chat.visible("ann") if len(m.photos) == 6), None)
    )
    assert [await house.blobs.get(photo.key) for photo in card.photos] == data


async def test_photos_that_come_with_the_command(house: House) -> None:
    photos = [b"good 1", b"good 2", b"good 2", b"good 3"]
    await house.say("ann", Command(name="train", photos=PhotosReceived()), *photos)
    await house.press("ann", Verb.START_TRAINING)
    await house.sees("ann", "ready.model")


async def test_start_pressed_twice_trains_once(house: House) -> None:
    house.engine.stalls.add("train_lora")
    await house.command("ann", "train")
    await house.photos("ann", b"good 1", b"good 2", b"good 3")
    button = await until(lambda: house.chat.button("ann", Verb.START_TRAINING))
    await asyncio.gather(*(house.press("ann", Verb.START_TRAINING) for _ in range(3)))
    assert button is not None
    await until(lambda: house.engine.num_taken("train_lora"))
    house.engine.stalls.clear()
    await house.sees("ann", "ready.model")
    assert house.engine.num_taken("train_lora") == 1
    assert house.chat.all_keys("ann").count("ready.model") == 1


async def test_again_pressed_twice_draws_once(house: House) -> None:
    await house.train("ann")
    await house.command("ann", "headshot", "linkedin 2")
    await house.sees("ann", "headshots.ready")
    house.engine.stalls.add("generate_headshots")
    await asyncio.gather(house.press("ann", Verb.AGAIN), house.press("ann", Verb.AGAIN))
    await until(lambda: house.engine.num_taken("generate_headshots") == 2)
    house.engine.stalls.clear()
    await until(lambda: house.chat.keys("ann").count("headshots.ready") == 2)
    assert house.engine.num_taken("generate_headshots") == 2


async def test_two_people_never_meet(house: House) -> None:
    same = [b"good 1", b"good 2", b"good 3"]
    await asyncio.gather(house.train("ann", *same), house.train("bob", *same))
    await asyncio.gather(
        house.command("ann", "headshot", "linkedin"), house.command("bob", "headshot", "linkedin")
    )
    anns = await house.sees("ann", "headshots.ready")
    bobs = await house.sees("bob", "headshots.ready")
    assert not {p.key for p in anns.pictures} & {p.key for p in bobs.pictures}
    owners = {job.owner for job in house.engine.taken}
    assert len(owners) == 2
    for user, message in (("ann", anns), ("bob", bobs)):
        (owner,) = {picture.key.split("/")[1] for picture in message.pictures}
        seen = [m for m in house.chat.visible(user) for p in m.photos if owner not in p.key]
        assert seen == []


async def test_somebody_elses_button_finds_nothing(house: House) -> None:
    await house.train("ann")
    await house.command("ann", "headshot", "linkedin")
    await house.sees("ann", "headshots.ready")
    button = house.chat.button("ann", Verb.FULL_SIZE)
    assert button is not None
    await house.train("bob")
    await house.say("bob", Pressed(action=button.action))
    told = await house.sees("bob", "headshots.gone")
    assert told.pictures == ()


async def test_cancelling_what_waits_and_what_runs(house: House) -> None:
    house.engine.stalls.add("train_lora")
    await house.command("ann", "train")
    await house.photos("ann", b"good 1", b"good 2", b"good 3")
    await house.press("ann", Verb.START_TRAINING)
    await until(lambda: house.engine.num_taken("train_lora"))
    await house.press("ann", Verb.CANCEL_ORDER)
    await house.sees("ann", "cancelled.training")
    house.engine.stalls.clear()
    house.engine.holds.add("train_lora")
    await house.press("ann", Verb.RETRAIN_MODEL)
    await house.press("ann", Verb.START_TRAINING)
    await house.press("ann", Verb.CANCEL_ORDER)
    await until(lambda: house.chat.keys("ann").count("cancelled.training") == 2)
    assert house.engine.num_taken("train_lora") == 1
