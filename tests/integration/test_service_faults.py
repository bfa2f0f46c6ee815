"""What must not get lost or doubled: restarts, a queue that is away, events that come twice,
chats that cannot be reached.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Valkey
from redis import Redis
from service_house import House, a_house, until
from sqlalchemy import select

from bot.conversation.actions import Verb
from bot.conversation.messages import Message
from bot.database.tables import Letter, Order
from bot.frontends.base import Address, MessageGoneError, TryLaterError, UnreachableError
from engine.contract.events import Finished, PhotoChecked, Progress, Started
from engine.contract.failures import Failure
from engine.contract.photos import PhotoReport

GOOD = (b"good 1", b"good 2", b"good 3")


@pytest.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, redis_url) as house:
        yield house


async def order_of(house: House, kind: str) -> Order | None:
    async with house.database.reading() as tx:
        return await tx.scalar(select(Order).where(Order.kind == kind))


async def test_a_bot_killed_in_the_middle_goes_on(house: House) -> None:
    house.engine.stalls.add("train_lora")
    async with house.open():
        await house.command("ann", "train")
        await house.photos("ann", *GOOD)
    async with house.open():
        await house.press("ann", Verb.START_TRAINING)
        await until(lambda: house.engine.num_taken("train_lora"))
        await house.sees("ann", "order.running")
    house.engine.stalls.clear()
    async with house.open():
        await house.sees("ann", "ready.model")
    async with house.open():
        await house.command("ann", "headshot", "linkedin")
    async with house.open():
        await house.sees("ann", "headshots.ready")
    cards = [m for m in house.chat.visible("ann") if m.card]
    assert len(cards) == len({m.card for m in cards}), "a card is edited across restarts"
    for key in ("ready.model", "headshots.ready"):
        assert house.chat.all_keys("ann").count(key) == 1
    assert house.engine.num_taken("train_lora") == 1


async def test_what_finished_without_a_word_is_found(house: House) -> None:
    """The events were lost, and the queue with them; the artifacts' manifests tell."""
    house.engine.silent |= {"train_lora", "generate_headshots"}
    async with house.open():
        await house.train("ann")
        await house.command("ann", "headshot", "linkedin")
        made = await house.sees("ann", "headshots.ready")
    assert len(made.pictures) == 4
    assert house.engine.num_taken("train_lora") == 1


async def test_what_the_queue_forgot_is_sent_again(house: House) -> None:
    house.engine.holds.add("train_lora")
    async with house.open():
        await house.command("ann", "train")
        await house.photos("ann", *GOOD)
        await house.press("ann", Verb.START_TRAINING)
        order = await until(lambda: order_of(house, "train_lora"))
        await until(lambda: house.engine.redis.exists(f"arq:job:{order.id}:1"))
    with Redis.from_url(f"unix://{house.redis_url.removeprefix('unix://')}") as redis:
        redis.flushall()
    house.engine.holds.clear()
    async with house.open():
        await house.sees("ann", "ready.model")


async def test_the_bot_answers_while_the_queue_is_away(house: House, valkey: Valkey) -> None:
    valkey.stop()
    try:
        async with house.open():
            await house.command("ann", "train")
            await house.photos("ann", *GOOD)
            await until(lambda: any(len(m.photos) == 3 for m in house.chat.visible("ann")))
            await house.command("ann", "status")
            assert house.engine.taken == []
            valkey.start()
            await house.press("ann", Verb.START_TRAINING)
            await house.sees("ann", "ready.model")
            valkey.stop()
            await house.command("ann", "headshot", "linkedin")
            await house.sees("ann", "order.queued")
            valkey.start()
            await house.sees("ann", "headshots.ready")
    finally:
        valkey.stop()
        valkey.start()
    assert house.chat.all_keys("ann").count("headshots.ready") == 1


async def test_every_event_twice_is_told_once(house: House) -> None:
    house.engine.repeats = 2
    async with house.open():
        await house.train("ann")
        await house.command("ann", "headshot", "linkedin")
        await house.sees("ann", "headshots.ready")
        await until(lambda: _is_drained(house))
    for key in ("ready.model", "headshots.ready"):
        assert house.chat.all_keys("ann").count(key) == 1


async def _is_drained(house: House) -> bool:
    return not await house.engine.redis.xlen("headshots:events")


async def test_late_events_change_nothing(house: House) -> None:
    house.engine.stalls.add("train_lora")
    async with house.open():
        await house.command("ann", "train")
        await house.photos("ann", *GOOD)
        await house.press("ann", Verb.START_TRAINING)
        await until(lambda: house.engine.num_taken("train_lora"))
        (job,) = [job for job in house.engine.taken if job.kind == "train_lora"]
        late = await house.engine.event(job, Progress, phase="training", step=1, total=9)
        await house.engine.tell(job, Progress, phase="training", step=5, total=9, likeness=0.5)
        await house.engine.stream.publish(late)
        await house.engine.stream.publish(
            Started(job_id=job.job_id, attempt=2, sequence=99, owner=job.owner, at=late.at)
        )
        await until(lambda: _is_drained(house))
        order = await order_of(house, "train_lora")
        assert order is not None
        assert order.progress == {
            "resumed": False, "phase": "training", "step": 5, "total": 9, "eta_s": None,
            "likeness": 0.5,
        }  # fmt: skip


async def test_events_about_strangers_are_let_go(house: House) -> None:
    async with house.open():
        await house.engine.stream.publish(
            Finished(
                job_id="nobody",
                attempt=1,
                sequence=1,
                owner="nobody",
                at=datetime.now(UTC),
                result=PhotoChecked(report=PhotoReport(sha256="0" * 64)),
            )
        )
        await until(lambda: _is_drained(house))
        await house.command("ann", "help")
        await until(lambda: house.chat.visible("ann"))


async def test_a_failed_training_keeps_the_photos(house: House) -> None:
    house.engine.fails["train_lora"] = Failure.model_validate(
        {"code": "gpu_out_of_memory", "needed_mib": 9000, "free_mib": 100}
    )
    async with house.open():
        await house.command("ann", "train")
        await house.photos("ann", *GOOD)
        await house.press("ann", Verb.START_TRAINING)
        await house.sees("ann", "failure.gpu_out_of_memory")
        house.engine.fails.clear()
        await house.press("ann", Verb.RETRAIN_MODEL)
        await house.press("ann", Verb.START_TRAINING)
        await house.sees("ann", "ready.model")
    assert house.engine.num_taken("check_photo") == 3


async def test_a_closed_chat_keeps_its_messages(house: House) -> None:
    async with house.open():
        await house.train("ann")
        house.chat.fault = lambda address, message: UnreachableError("dm_closed")
        await house.command("ann", "headshot", "linkedin")
        await until(lambda: _is_parked(house, "headshots.ready"))
        house.chat.fault = lambda address, message: None
        await house.command("bob", "help")
        await until(lambda: house.chat.visible("bob"))
        assert "headshots.ready" not in house.chat.keys("ann")
        await house.command("ann", "help")
        await house.sees("ann", "headshots.ready")
    assert house.chat.all_keys("ann").count("headshots.ready") == 1


async def _is_parked(house: House, key: str) -> bool:
    async with house.database.reading() as tx:
        parked = list(await tx.scalars(select(Letter).where(Letter.status == "parked")))
    assert {letter.problem for letter in parked} <= {"dm_closed"}
    return any(letter.message["key"] == key for letter in parked)


async def test_a_busy_platform_is_tried_again(house: House) -> None:
    faults = [TryLaterError(0.02), OSError(), TryLaterError(0.02)]
    house.chat.fault = lambda address, message: faults.pop() if faults else None
    async with house.open():
        await house.command("ann", "help")
        await house.command("ann", "styles")
        await until(lambda: len(house.chat.visible("ann")) == 2)
    assert faults == []
    assert house.chat.all_keys("ann")[1] == "styles.overview", "in the order they were said"


async def test_what_is_being_sent_at_the_end_is_not_sent_again(house: House) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def wait_in_the_wire() -> None:
        begun.set()
        await may_end.wait()

    house.chat.wire = wait_in_the_wire
    async with house.open():
        await house.command("ann", "help")
        await begun.wait()
        asyncio.get_running_loop().call_later(0.2, may_end.set)
    async with house.open():
        await house.command("ann", "styles")
        await house.sees("ann", "styles.overview")
    assert len(house.chat.all_keys("ann")) == 2


async def test_a_card_that_somebody_deleted_is_sent_anew(house: House) -> None:
    async with house.open():
        await house.command("ann", "train")
        await house.sees("ann", "collection.empty")
        gone = [MessageGoneError()]
        house.chat.fault = lambda address, message: gone.pop() if gone else None
        await house.photos("ann", b"good 1")
        await house.sees("ann", "collection.card")
    assert gone == []
    assert "collection.empty" in house.chat.keys("ann"), "the old one is not edited any more"


async def test_only_the_newest_text_of_a_card_is_sent(house: House) -> None:
    house.chat.edit_pace_s = 3600
    house.engine.holds.add("check_photo")
    async with house.open():
        await house.command("ann", "train")
        await house.sees("ann", "collection.empty")
        for n in range(5):
            await house.photos("ann", f"good {n}".encode())
        async with house.database.reading() as tx:
            waiting = list(await tx.scalars(select(Letter).where(Letter.card.is_not(None))))
        assert [len(letter.message["photos"]) for letter in waiting] == [5]
        await house.command("ann", "help")
        await until(lambda: len(house.chat.visible("ann")) == 2)
        assert "collection.card" not in house.chat.keys("ann"), (
            "an edit at its pace holds up nobody"
        )


async def test_one_bad_chat_does_not_hold_up_another(house: House) -> None:
    stuck = asyncio.Event()

    def fault(address: Address, message: Message) -> Exception | None:
        if address == {"dm": "ann"}:
            stuck.set()
            return OSError()
        return None

    house.chat.fault = fault
    async with house.open():
        await house.command("ann", "help")
        await stuck.wait()
        await house.command("bob", "help")
        await until(lambda: house.chat.visible("bob"))


async def test_people_who_wait_hear_when_no_engine_is_there(tmp_path: Path, redis_url: str) -> None:
    async with a_house(tmp_path, redis_url, engine_grace_s=0.0) as house:
        house.engine.holds.add("train_lora")
        async with house.open():
            await house.command("ann", "train")
            await house.photos("ann", *GOOD)
            await house.press("ann", Verb.START_TRAINING)
            await house.sees("ann", "order.queued")
            house.engine.is_away = True
            await house.engine.redis.delete("headshots:engine:e1")
            await house.sees("ann", "engine.away")
            house.engine.is_away = False
            await house.sees("ann", "engine.back")
    assert house.chat.all_keys("ann").count("engine.away") == 1
