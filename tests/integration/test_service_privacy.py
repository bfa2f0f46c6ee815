"""Forgetting, deleting and taking along: no row and no blob stays that should go."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from service_house import House, a_house, until
from sqlalchemy import func, select

from bot.conversation.actions import Verb
from bot.conversation.incoming import Said
from bot.database import errands
from bot.database.tables import Row

GOOD = (b"good 1", b"good 2", b"good 3")


@pytest.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, redis_url) as house, house.open():
        yield house


async def rows(house: House) -> dict[str, int]:
    async with house.database.reading() as tx:
        counts = {
            table.name: await tx.scalar(select(func.count()).select_from(table)) or 0
            for table in Row.metadata.sorted_tables
        }
    return {name: count for name, count in counts.items() if count}


async def forget(house: House, user: str) -> None:
    await house.command(user, "forget")
    await house.press(user, Verb.FORGET_SURELY)


async def test_forgetting_leaves_nothing(house: House) -> None:
    await house.train("ann")
    await house.command("ann", "headshot", "linkedin")
    await house.sees("ann", "headshots.ready")
    await house.photos("ann", b"good 9")
    await forget(house, "ann")
    proof = await house.sees("ann", "erased.text")
    assert "4 photos" in proof.text
    await until(lambda: _is_empty(house))
    assert not [path for path in (house.folder / "blobs").rglob("*") if path.is_file()]
    assert house.chat.all_keys("ann").count("erased.text") == 1
    await house.command("ann", "models")
    assert (await rows(house)).keys() <= {"people", "accounts", "sessions", "outbox"}


async def test_no_file_names_who_has_left(house: House) -> None:
    await house.train("ann-4711")
    assert _is_in_a_file(house, b"ann-4711")
    await forget(house, "ann-4711")
    await until(lambda: _is_empty(house))
    await until(lambda: not _is_in_a_file(house, b"ann-4711"))


def _is_in_a_file(house: House, word: bytes) -> bool:
    return any(word in path.read_bytes() for path in house.folder.rglob("*") if path.is_file())


async def _is_empty(house: House) -> bool:
    return await rows(house) == {}


async def test_forgetting_stops_what_runs(house: House) -> None:
    house.engine.stalls.add("train_lora")
    await house.command("ann", "train")
    await house.photos("ann", *GOOD)
    await house.press("ann", Verb.START_TRAINING)
    await until(lambda: house.engine.num_taken("train_lora"))
    await forget(house, "ann")
    await house.sees("ann", "erased.text")
    await until(lambda: _is_empty(house))
    (job,) = [job for job in house.engine.taken if job.kind == "train_lora"]
    assert await house.engine.redis.exists(f"headshots:cancel:{job.job_id}:1")


async def test_what_an_engine_finishes_for_somebody_gone_goes_too(house: House) -> None:
    house.engine.holds.add("check_photo")
    await house.command("ann", "train")
    await house.photos("ann", b"good 1")
    await house.sees("ann", "collection.card")
    await forget(house, "ann")
    await house.sees("ann", "forget.erasing")
    owner = "ghost"
    await house.blobs.put(f"people/{owner}/reports/x.json", b"{}")
    house.engine.holds.clear()
    await until(lambda: _is_empty(house))
    assert {key.split("/")[1] for key in await house.blobs.list("people/")} == {owner}


async def test_one_persons_leaving_touches_nobody_else(house: House) -> None:
    await house.train("ann", *GOOD)
    await house.train("bob", *GOOD)
    before = await house.blobs.list("people/")
    await forget(house, "ann")
    await house.sees("ann", "erased.text")
    await house.command("bob", "headshot", "linkedin")
    await house.sees("bob", "headshots.ready")
    left = {key.split("/")[1] for key in await house.blobs.list("people/")}
    assert len(left) == 1
    assert len({key.split("/")[1] for key in before}) == 2


async def test_a_second_forget_asks_again(house: House) -> None:
    await house.command("ann", "forget")
    await house.say("ann", Said(text="yes"))
    await house.sees("ann", "erased.text")
    await house.press("ann", Verb.FORGET_SURELY)
    await until(lambda: house.chat.keys("ann").count("forget.ask") == 2)


async def test_a_photo_taken_out_is_deleted(house: House) -> None:
    await house.command("ann", "train")
    await house.photos("ann", b"good 1", b"good 2")
    await until(lambda: _count(house, "reports", 2))
    await house.press("ann", Verb.PICK_PHOTO)
    await house.press("ann", Verb.REMOVE_PHOTO)
    await until(lambda: _count(house, "photos", 1))
    await until(lambda: _count(house, "reports", 1))


async def _count(house: House, folder: str, wanted: int) -> bool:
    found = [key for key in await house.blobs.list("people/") if key.split("/")[2] == folder]
    return len(found) == wanted


async def test_photos_that_a_model_was_trained_on_stay(house: House) -> None:
    """The same photos in a new collection that is given up."""
    await house.train("ann", *GOOD)
    await house.command("ann", "train")
    await house.photos("ann", *GOOD)
    await house.press("ann", Verb.START_OVER)
    await house.press("ann", Verb.START_OVER_SURELY)
    await until(lambda: _no_errands_due(house))
    assert await _count(house, "photos", 3)


async def _no_errands_due(house: House) -> bool:
    async with house.database.reading() as tx:
        return not await errands.due(tx, datetime.now(UTC))


async def test_deleting_a_model_deletes_its_photos_and_files(house: House) -> None:
    await house.train("ann")
    await house.command("ann", "models")
    await house.press("ann", Verb.DELETE_MODEL)
    await house.press("ann", Verb.DELETE_MODEL_SURELY)
    await until(lambda: _is_bare(house))


async def _is_bare(house: House) -> bool:
    return not await house.blobs.list("people/")


async def test_deleting_headshots_deletes_the_files_but_not_the_count(house: House) -> None:
    await house.train("ann")
    await house.command("ann", "headshot", "linkedin")
    await house.sees("ann", "headshots.ready")
    await house.press("ann", Verb.DELETE_SET)
    await house.press("ann", Verb.DELETE_SET_SURELY)
    await until(lambda: _count(house, "headshots", 0))
    assert await _count(house, "loras", 2)


async def test_everything_can_be_taken_along(house: House) -> None:
    await house.train("ann", *GOOD)
    await house.train("bob")
    await house.command("ann", "headshot", "linkedin")
    await house.sees("ann", "headshots.ready")
    await house.command("ann", "privacy")
    await house.press("ann", Verb.EXPORT)
    told = await house.sees("ann", "export.ready")
    archive = zipfile.ZipFile(io.BytesIO(await house.blobs.get(told.pictures[0].key)))
    names = archive.namelist()
    assert sorted(archive.read(n) for n in names if n.startswith("photos/")) == sorted(GOOD)
    assert sum(name.endswith(".jpg") for name in names) == 4
    assert any(name.endswith("lora.safetensors") for name in names)
    about = json.loads(archive.read("about-me.json"))
    assert about["accounts"] == [{"platform": "desk", "user_id": "ann"}]
    assert len(about["photos"]) == 3
