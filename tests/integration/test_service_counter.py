"""Orders over the counter: apart from the chat, for the same person."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from service_house import House, a_house, until

from bot.conversation.effects import Generate
from bot.service.counter import Counter
from engine.contract import keys
from engine.contract.failures import Failure
from engine.contract.manifests import LoraManifest

GOOD = (b"good 1", b"good 2", b"good 3")


@pytest.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, redis_url) as house, house.open():
        yield house


async def judged(counter: Counter, collection: str) -> None:
    async def all_known() -> bool:
        return all(not photo.pending for photo in await counter.photos(collection))

    await until(all_known)


async def trained(house: House, counter: Counter, owner: str, name: str) -> str:
    collection = await counter.collect(owner, GOOD)
    await judged(counter, collection)
    order = await counter.train(owner, collection, name, "fast")
    await until(lambda: ready(counter, owner, order))
    return order


async def ready(counter: Counter, owner: str, model_id: str) -> bool:
    models = await counter.models(owner)
    return any(model.id == model_id and model.status == "ready" for model in models)


async def test_models_of_the_counter_are_the_persons_own(house: House) -> None:
    counter = house.service.counter
    owner = await counter.owner(house.chat.caller("ann"))
    await trained(house, counter, owner, "By command")
    await house.command("ann", "models")
    card = await house.sees("ann", "model.card")
    assert card.title == "By command"
    assert "ready.model" not in house.chat.all_keys("ann"), "the chat did not ask for it"


async def test_photos_of_the_counter_stay_apart_from_a_chats(house: House) -> None:
    counter = house.service.counter
    await house.command("ann", "train")
    await house.photos("ann", b"good 4")
    owner = await counter.owner(house.chat.caller("ann"))
    collection = await counter.collect(owner, GOOD)
    await judged(counter, collection)
    await house.command("ann", "train")
    card = await house.sees("ann", "collection.card")
    assert len(card.photos) == 1
    await counter.put_away(owner, collection)
    assert await counter.photos(collection) == []


async def test_what_is_put_away_is_gone_at_once(house: House) -> None:
    """The command that asked ends now, and with it whoever could delete."""
    counter = house.service.counter
    owner = await counter.owner(house.chat.caller("ann"))
    collection = await counter.collect(owner, GOOD)
    await judged(counter, collection)
    assert await house.blobs.list(keys.person(owner))

    await counter.put_away(owner, collection)

    assert await house.blobs.list(keys.person(owner)) == []


async def test_a_failed_training_leaves_its_name_free(house: House) -> None:
    house.engine.fails["train_lora"] = Failure.model_validate(
        {"code": "gpu_failed", "error": "CudaError"}
    )
    counter = house.service.counter
    owner = await counter.owner(house.chat.caller("ann"))
    collection = await counter.collect(owner, GOOD)
    await judged(counter, collection)
    await counter.train(owner, collection, "Ann", "fast")

    async def has_failed() -> bool:
        return [model.status for model in await counter.models(owner)] == ["failed"]

    await until(has_failed)
    await counter.put_away(owner, collection)
    assert await counter.models(owner) == []


async def test_a_cancelled_training_ends_in_the_engine_too(house: House) -> None:
    house.engine.stalls.add("train_lora")
    counter = house.service.counter
    owner = await counter.owner(house.chat.caller("ann"))
    collection = await counter.collect(owner, GOOD)
    await judged(counter, collection)
    order = await counter.train(owner, collection, "Ann", "fast")
    await until(lambda: house.engine.num_taken("train_lora"))
    await counter.cancel(owner, order)

    async def has_failed() -> bool:
        return [model.status for model in await counter.models(owner)] == ["failed"]

    await until(has_failed)


async def test_the_same_wish_with_the_same_seed_is_the_same_order(house: House) -> None:
    counter = house.service.counter
    owner = await counter.owner(house.chat.caller("ann"))
    model = await trained(house, counter, owner, "Ann")
    wish = Generate(model_id=model, style="linkedin", count=1, seed=7)
    house.engine.holds.add("generate_headshots")
    first, second = await asyncio.gather(
        counter.generate(owner, wish), counter.generate(owner, wish)
    )
    assert first == second


async def test_a_lora_file_becomes_one_model_however_often_it_is_named(house: House) -> None:
    counter = house.service.counter
    owner = await counter.owner(house.chat.caller("ann"))
    manifest = LoraManifest(
        job_id="elsewhere",
        base="fake",
        family="flux1",
        trigger="TOK",
        class_word="person",
        rank=16,
        recipe={},
        seed=0,
        photos_sha256=(),
        num_steps=1,
        seconds=1.0,
        device="cpu",
        losses=(),
    )
    ids = [await counter.take_in(owner, "ada", b"lora", manifest) for _ in range(2)]
    assert [model.id for model in await counter.models(owner)] == [ids[0]]
    assert ids[0] == ids[1]
    wish = Generate(model_id=ids[0], style="linkedin", count=1, seed=1)
    await counter.generate(owner, wish)
    await until(lambda: house.engine.num_taken("generate_headshots"))
