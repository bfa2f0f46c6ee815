"""Files handed over: everything of a set in one ZIP, byte for byte, to its owner alone."""

import io
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from service_house import House, a_house, until
from sqlalchemy import select

from bot.conversation.actions import Verb
from bot.conversation.effects import HandOver
from bot.database.tables import Account, Errand, Order, Person
from bot.service import shelf
from bot.service.visits import Visit
from engine.contract import keys


@pytest.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, redis_url) as house, house.open():
        yield house


async def headshots(house: House, user: str, *, with_cuts: bool) -> list[str]:
    """Keys of a set; the engine of these tests makes no cuts, so they are laid beside."""
    await house.train(user)
    await house.command(user, "headshot", "linkedin")
    told = await house.sees(user, "headshots.ready")
    shown = [picture.key for picture in told.pictures]
    if with_cuts:
        for number, key in enumerate(shown):
            await house.blobs.put(keys.cut(key, keys.PROFILE), b"profile %d" % number)
            await house.blobs.put(keys.cut(key, "square"), b"square %d" % number)
        await house.blobs.put(shown[0].rpartition("/")[0] + "/" + keys.SHEET, b"sheet")
    return shown


async def test_a_set_comes_as_one_zip_with_every_byte_as_it_was(house: House) -> None:
    shown = await headshots(house, "ann", with_cuts=True)
    await house.press("ann", Verb.ZIP)
    told = await house.sees("ann", "headshots.packed")
    (file,) = told.pictures
    archive = zipfile.ZipFile(io.BytesIO(await house.blobs.get(file.key)))
    assert file.filename == "linkedin-headshots.zip"
    names = archive.namelist()
    assert len(names) == 3 * len(shown) + 1
    pictures = [name for name in names if "/" not in name and name != "contact-sheet.jpg"]
    assert [archive.read(n) for n in pictures] == [await house.blobs.get(k) for k in shown]
    assert archive.read(f"profile/{pictures[1]}") == b"profile 1"
    assert archive.read(f"square/{pictures[3]}") == b"square 3"
    assert archive.read("contact-sheet.jpg") == b"sheet"


async def test_asked_twice_it_is_packed_once(house: House) -> None:
    await headshots(house, "ann", with_cuts=True)
    async with house.database.transaction() as tx:
        person = (await tx.scalars(select(Person))).one()
        account = (await tx.scalars(select(Account))).one()
        order = (await tx.scalars(select(Order).where(Order.kind == "generate_headshots"))).one()
        visit = Visit(tx, person, account, datetime.now(UTC))
        for what in ("zip", "zip", "profiles"):
            await shelf.hand_over(visit, HandOver(set_id=order.id, what=what))
        await tx.flush()
        left = (await tx.scalars(select(Errand).where(Errand.kind == "hand_over"))).all()
    assert sorted(errand.payload["what"] for errand in left) == ["profiles", "zip"]


async def test_nobody_packs_the_set_of_somebody_else(house: House) -> None:
    await headshots(house, "ann", with_cuts=True)
    await house.train("bob")
    async with house.database.transaction() as tx:
        order = (await tx.scalars(select(Order).where(Order.kind == "generate_headshots"))).one()
        bob = (await tx.scalars(select(Account).where(Account.platform_user_id == "bob"))).one()
        visit = Visit(tx, await tx.get_one(Person, bob.person_id), bob, datetime.now(UTC))
        await shelf.hand_over(visit, HandOver(set_id=order.id, what="zip"))
        await tx.flush()
        assert not (await tx.scalars(select(Errand).where(Errand.kind == "hand_over"))).all()


async def test_a_set_from_before_says_so(house: House) -> None:
    await headshots(house, "ann", with_cuts=False)
    await house.press("ann", Verb.PROFILES)
    assert "Again" in (await house.sees("ann", "headshots.no_profiles")).text


async def test_deleting_headshots_deletes_their_cuts_and_zips(house: House) -> None:
    shown = await headshots(house, "ann", with_cuts=True)
    folder = shown[0].rpartition("/")[0] + "/"
    exports = folder.partition("headshots/")[0] + "exports/"
    await house.press("ann", Verb.ZIP)
    await house.sees("ann", "headshots.packed")
    assert await house.blobs.list(exports)
    await house.press("ann", Verb.DELETE_SET)
    await house.press("ann", Verb.DELETE_SET_SURELY)

    async def is_empty() -> bool:
        return not await house.blobs.list(folder) and not await house.blobs.list(exports)

    await until(is_empty)
