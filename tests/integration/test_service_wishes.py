"""Another background and other clothes through the service; pictures without an order beside it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from service_house import House, a_house, until

from bot.commands.drawn import Drawer
from bot.conversation.actions import Verb
from engine.contract import keys, styles
from engine.contract.jobs import GenerateHeadshots
from engine.contract.queue import JobQueue

STYLES = styles.load()
GOOD = (b"good 1", b"good 2", b"good 3")


@pytest.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, redis_url) as house, house.open():
        yield house


def drawn(house: House) -> list[GenerateHeadshots]:
    return [job for job in house.engine.taken if isinstance(job, GenerateHeadshots)]


async def test_what_was_chosen_reaches_the_engine_and_is_kept_by_again(house: House) -> None:
    await house.train("ann", *GOOD)
    await house.command("ann", "headshot", "park 1 background: office clothes: black turtleneck")
    await house.sees("ann", "headshots.ready")
    await house.press("ann", Verb.AGAIN)
    await until(lambda: len(drawn(house)) == 2)

    first, second = drawn(house)
    assert first.style.background == second.style.background == "blurred modern office background"
    assert first.style.clothes == second.style.clothes == ("a black turtleneck",)
    assert first.style.prompt == STYLES["park"].prompt
    assert first.seed != second.seed


async def test_the_same_style_may_wait_with_two_backgrounds(house: House) -> None:
    await house.train("ann", *GOOD)
    house.engine.stalls.add("generate_headshots")
    for wish in ("park", "park background: office", "park background: office", "park"):
        await house.command("ann", "headshot", wish)
    await until(lambda: house.chat.all_keys("ann").count("headshot.already") == 2)
    await until(lambda: len(drawn(house)) == 2)

    backgrounds = {job.style.background for job in drawn(house)}
    assert backgrounds == {STYLES["park"].background, "blurred modern office background"}


async def test_pictures_without_an_order_are_left_alone_by_the_bot(house: House) -> None:
    await house.train("ann", *GOOD)
    counter, redis = house.service.counter, house.engine.redis
    owner = await counter.owner(house.chat.caller("ann"))
    (model,) = await counter.models(owner)
    told = house.chat.all_keys("ann")
    job = GenerateHeadshots(
        job_id="example",
        owner=owner,
        lora_prefix=keys.lora(owner, model.id),
        style=STYLES["park"],
        count=1,
    )
    async with Drawer(JobQueue(redis), redis, house.blobs, look_every_s=0.02).at_work() as drawer:
        made = await drawer.draw(job)
    await house.command("ann", "help")
    await house.sees("ann", "help.text")

    assert made.style == "park"
    assert await house.blobs.exists(keys.headshots(owner, "example") + keys.MANIFEST)
    assert house.chat.all_keys("ann") == [*told, "help.text"]
