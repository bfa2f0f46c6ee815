"""The database on a real SQLite file: privacy of the file, migrations, transactions, cascades."""

import asyncio
import gc
import stat
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select

from bot.database import arrivals, errands, line, models, orders, outbox, people, photos
from bot.database.connection import Database
from bot.database.outbox import Chat
from bot.database.tables import Card, Letter, Meta, Model, Person, Row
from engine.contract import keys
from engine.contract.events import Headshot
from engine.contract.jobs import CheckPhoto, Erase, TrainLora

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHAT = Chat("desk", "c1", {"id": 1})


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite:///{tmp_path}/state/bot.sqlite3")
    yield opened
    await opened.close()


async def somebody(database: Database, user_id: str = "1") -> tuple[str, int]:
    async with database.transaction() as tx:
        person, account = await people.welcome(tx, "desk", user_id, {"id": user_id}, "en", NOW)
        return person.id, account.id


def check_job(owner: str, job_id: str = "aa") -> CheckPhoto:
    return CheckPhoto(job_id=job_id, owner=owner, photo_key="p", report_key="r")


async def test_file_belongs_to_its_owner_alone(database: Database, tmp_path: Path) -> None:
    await somebody(database)
    for path in (tmp_path / "state").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


async def test_migrations_make_exactly_the_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Row.metadata))

    async with database.reading() as tx:
        found = await (await tx.connection()).run_sync(differences)
    assert found == []


async def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.sqlite3"
    first = await Database.open(url)
    owner, _ = await somebody(first)
    await first.close()
    second = await Database.open(url)
    assert (await somebody(second))[0] == owner
    await second.close()


@pytest.mark.parametrize("way", ["reading", "transaction"])
async def test_closing_leaves_no_connection_of_those_who_are_ending(
    tmp_path: Path, way: str
) -> None:
    opened = await Database.open(f"sqlite:///{tmp_path}/bot.sqlite3")
    inside = asyncio.Event()

    async def stay() -> None:
        while True:
            async with getattr(opened, way)() as tx:
                inside.set()
                await tx.execute(select(Meta))
                await tx.execute(select(Model))

    staying = [asyncio.create_task(stay()) for _ in range(3)]
    await inside.wait()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for task in staying:
            task.cancel()
        await opened.close()
        await asyncio.wait(staying)
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


async def test_a_url_without_a_file_is_refused() -> None:
    with pytest.raises(ValueError, match="must name a file"):
        await Database.open("sqlite://")


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            tx.add(Meta(name="paused", value={"value": True}))
            await tx.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.reading() as tx:
        assert await tx.get(Meta, "paused") is None


async def test_many_writers_wait_for_one_another(database: Database) -> None:
    owner, _ = await somebody(database)
    async with database.transaction() as tx:
        collection = await photos.begin_collection(tx, owner, NOW)

    async def add(n: int) -> None:
        async with database.transaction() as tx:
            mine = await photos.open_collection(tx, owner)
            assert mine is not None
            await photos.add(tx, mine, f"{n:064x}", NOW)

    await asyncio.gather(*(add(n) for n in range(12)))
    async with database.reading() as tx:
        found = await photos.of_collection(tx, collection.id)
    assert [photo.number for photo in found] == list(range(1, 13))


async def test_writers_that_are_cancelled_leave_no_lock(database: Database) -> None:
    async def write(n: int) -> None:
        while True:
            async with database.transaction() as tx:
                await people.welcome(tx, "desk", str(n), {}, "en", NOW)

    async def crowd() -> None:
        async with asyncio.TaskGroup() as tasks:
            for n in range(4):
                tasks.create_task(write(n))

    for n in range(30):
        writing = asyncio.create_task(crowd())
        await asyncio.sleep(0.001 * n)
        writing.cancel()
        await asyncio.wait([writing])
        assert writing.cancelled()
        async with asyncio.timeout(5), database.transaction() as tx:
            assert await people.account_of(tx, "desk", "nobody") is None


async def test_ids_of_people_tell_nothing(database: Database) -> None:
    first, _ = await somebody(database, "1")
    second, _ = await somebody(database, "2")
    assert first != second
    assert len(first) == 32
    assert keys.person(first)


async def test_a_photo_seen_before_brings_its_report(database: Database) -> None:
    owner, _ = await somebody(database)
    async with database.transaction() as tx:
        old = await photos.begin_collection(tx, owner, NOW)
        await photos.add(tx, old, "a" * 64, NOW)
        await photos.settle(tx, owner, "a" * 64, {"sha256": "a"})
        old.closed_at = NOW
        await tx.flush()
        new = await photos.begin_collection(tx, owner, NOW)
        again = await photos.add(tx, new, "a" * 64, NOW)
    assert again.report == {"sha256": "a"}


async def test_reports_stay_with_their_person(database: Database) -> None:
    mine, _ = await somebody(database, "1")
    theirs, _ = await somebody(database, "2")
    async with database.transaction() as tx:
        for owner in (mine, theirs):
            await photos.add(tx, await photos.begin_collection(tx, owner, NOW), "a" * 64, NOW)
        settled = await photos.settle(tx, mine, "a" * 64, {"sha256": "a"})
        assert [photo.person_id for photo in settled] == [mine]
        assert await photos.used(tx, theirs, ["a" * 64]) == {"a" * 64}
        other = await photos.open_collection(tx, theirs)
        assert other is not None
        assert (await photos.of_collection(tx, other.id))[0].report is None


async def test_dropped_photos_leave_their_numbers_unused(database: Database) -> None:
    owner, _ = await somebody(database)
    async with database.transaction() as tx:
        collection = await photos.begin_collection(tx, owner, NOW)
        first = await photos.add(tx, collection, "a" * 64, NOW)
        assert await photos.drop(tx, [first]) == ["a" * 64]
        second = await photos.add(tx, collection, "a" * 64, NOW)
    assert (second.number, second.id > first.id) == (2, True)


async def test_a_new_attempt_forgets_the_last_one(database: Database) -> None:
    owner, account = await somebody(database)
    job = check_job(owner)
    async with database.transaction() as tx:
        order = orders.new(job, account, NOW)
        order.last_sequence, order.progress, order.enqueued_at = 7, {"step": 3}, NOW
        orders.end(order, orders.FAILED, NOW)
        orders.begin_attempt(order, job, account, NOW)
        tx.add(order)
        assert list(await orders.to_enqueue(tx)) == [order]
    assert (order.attempt, order.last_sequence, order.progress) == (2, -1, None)
    assert orders.job_of(order).queue_id == "aa:2"


async def test_the_line_and_what_it_took_before(database: Database) -> None:
    owner, account = await somebody(database)
    jobs = [
        TrainLora(job_id=f"t{n}", owner=owner, photos=(), quality="fast" if n else "best")
        for n in range(4)
    ]
    async with database.transaction() as tx:
        rows = [orders.new(job, account, NOW + timedelta(seconds=n)) for n, job in enumerate(jobs)]
        for row in rows[:2]:
            row.started_at, row.seconds, row.count = NOW, 60.0, 1
            orders.end(row, orders.FINISHED, NOW + timedelta(seconds=90))
        orders.empty(rows[1], NOW)
        rows[2].status, rows[2].started_at, rows[2].progress = "running", NOW, {"eta_s": 7.5}
        tx.add_all(rows)
        await tx.flush()
        past = await line.recently(tx, "train_lora")
        open_ones = await line.of_kind(tx, "train_lora")
        assert await line.recently(tx, "generate_headshots") == []
    assert sorted(past, key=lambda one: one.quality) == [
        line.Past(count=1, took_s=90, computed_s=60),
        line.Past(count=1, took_s=90, computed_s=60, quality="best"),
    ]
    assert open_ones == [
        line.InLine("t2", owner, quality="fast", started_at=NOW, eta_s=7.5),
        line.InLine("t3", owner, quality="fast"),
    ]


async def test_what_failed_costs_no_quota(database: Database) -> None:
    owner, account = await somebody(database)

    async def spent(since: datetime) -> int:
        return (await orders.counts_since(tx, owner, since))["check_photo"]

    async with database.transaction() as tx:
        line = [orders.new(check_job(owner, f"a{n}"), account, NOW) for n in range(3)]
        for n, order in enumerate(line):
            order.count = 4
            order.created_at = NOW + timedelta(seconds=n)
        tx.add_all(line)
        orders.end(line[0], orders.FAILED, NOW)
        assert await spent(NOW) == 8
        orders.empty(line[1], NOW)
        assert await spent(NOW) == 8
        later = NOW + timedelta(seconds=2)
        assert await spent(later) == 4


async def test_of_a_card_only_the_newest_text_waits(database: Database) -> None:
    owner, _ = await somebody(database)
    async with database.transaction() as tx:
        await outbox.post(tx, owner, CHAT, {"text": "one"}, "card", NOW)
        await outbox.post(tx, owner, CHAT, {"text": "two"}, None, NOW)
        await outbox.post(tx, owner, CHAT, {"text": "three"}, "card", NOW)
        letters = await outbox.waiting_for(tx, "c1")
        assert [letter.message["text"] for letter in letters] == ["three", "two"]


async def test_a_card_written_anew_while_it_is_sent_stays_in_line(database: Database) -> None:
    owner, _ = await somebody(database)
    async with database.transaction() as tx:
        await outbox.post(tx, owner, CHAT, {"text": "one"}, "card", NOW)
    async with database.reading() as tx:
        (taken,) = await outbox.waiting_for(tx, "c1")
    async with database.transaction() as tx:
        await outbox.post(tx, owner, CHAT, {"text": "two"}, "card", NOW)
    async with database.transaction() as tx:
        await outbox.sent(tx, taken, {"id": 9}, "hash", NOW)
    async with database.reading() as tx:
        (left,) = await outbox.waiting_for(tx, "c1")
        card = await outbox.card_of(tx, owner, "c1", "card")
    assert left.message == {"text": "two"}
    assert card is not None
    assert card.ref == {"id": 9}


async def test_what_is_parked_comes_back_with_the_person(database: Database) -> None:
    owner, _ = await somebody(database)
    async with database.transaction() as tx:
        await outbox.post(tx, owner, CHAT, {"text": "one"}, None, NOW)
        (letter,) = await outbox.waiting_for(tx, "c1")
        await outbox.park(tx, letter.id, "blocked")
        assert await outbox.chats_waiting(tx) == []
    async with database.transaction() as tx:
        await outbox.revive(tx, owner, NOW)
        assert await outbox.chats_waiting(tx) == [("desk", "c1")]


async def test_all_of_a_person_goes_with_their_row(database: Database) -> None:
    """Fills every table, so that a new one which forgets its cascade is noticed here."""
    owner, account = await somebody(database)
    async with database.transaction() as tx:
        await people.save_session(tx, owner, {"state": "idle"})
        collection = await photos.begin_collection(tx, owner, NOW)
        await photos.add(tx, collection, "a" * 64, NOW)
        order = orders.new(check_job(owner), account, NOW)
        tx.add(order)
        tx.add(
            Model(
                id="m",
                person_id=owner,
                collection_id=collection.id,
                name="me",
                lora_prefix="p",
                status=models.READY,
                num_photos=1,
                created_at=NOW,
            )
        )
        await tx.flush()
        shot = Headshot(key="k", seed=2**62, width_px=1, height_px=1)
        await models.store_headshots(tx, order, [shot], NOW)
        await outbox.post(tx, owner, CHAT, {"text": "one"}, "card", NOW)
        tx.add(Card(person_id=owner, chat="c1", card="x", ref={}, shown="", sent_at=NOW))
        errands.leave(tx, errands.DISCARD, owner, {}, NOW)
        tx.add(Meta(name="paused", value={}))
        await arrivals.keep(tx, "desk", [{"id": 1}], NOW)
    async with database.transaction() as tx:
        for table in Row.metadata.sorted_tables:
            assert await tx.scalar(select(func.count()).select_from(table)), table.name
        await tx.delete(await tx.get_one(Person, owner))
    async with database.reading() as tx:
        left = {
            table.name: await tx.scalar(select(func.count()).select_from(table))
            for table in Row.metadata.sorted_tables
        }
    assert {name for name, count in left.items() if count} == {"meta", "arrivals"}


async def test_what_is_handed_over_twice_counts_once(database: Database) -> None:
    async with database.transaction() as tx:
        one, two = await arrivals.keep(tx, "desk", [{"id": 1}, {"id": 2}], NOW)
        assert await arrivals.keep(tx, "porch", [{"id": 1}], NOW), "another source's"
    async with database.transaction() as tx:
        await arrivals.settle(tx, [one.id])
        assert [row.id for row in await arrivals.unsettled(tx, "desk")] == [two.id]
        again = await arrivals.keep(tx, "desk", [{"id": 1}, {"id": 2}, {"id": 3}], NOW)
        assert [row.payload for row in again] == [{"id": 3}]
    later = NOW + arrivals.REMEMBERED_FOR + timedelta(seconds=1)
    async with database.transaction() as tx:
        await arrivals.keep(tx, "desk", [], later)
        assert len(await arrivals.unsettled(tx, "desk")) == 2, "only what was dealt with goes"
        assert len(await arrivals.keep(tx, "desk", [{"id": 1}], later)) == 1


async def test_a_crowd_is_kept_in_the_order_in_which_it_came(database: Database) -> None:
    page = [{"id": number} for number in range(100)]
    async with database.transaction() as tx:
        await arrivals.keep(tx, "desk", page[40:60], NOW)
        kept = await arrivals.keep(tx, "desk", [*page, page[0]], NOW)
    assert [row.payload for row in kept] == page[:40] + page[60:]
    ids = [row.id for row in kept]
    assert ids == sorted(ids)


async def test_last_words_need_no_person(database: Database) -> None:
    async with database.transaction() as tx:
        await outbox.post(tx, None, CHAT, {"text": "gone"}, None, NOW)
        (letter,) = await outbox.waiting_for(tx, "c1")
        await outbox.sent(tx, letter, {"id": 1}, "hash", NOW)
    async with database.reading() as tx:
        assert await tx.scalar(select(func.count()).select_from(Letter)) == 0


async def test_errands_come_due(database: Database) -> None:
    async with database.transaction() as tx:
        errands.leave(tx, errands.ERASE, None, {"owner": "o"}, NOW, timedelta(minutes=1))
        await tx.flush()
        assert list(await errands.due(tx, NOW)) == []
        assert await errands.next_at(tx) == NOW + timedelta(minutes=1)
        assert len(await errands.due(tx, NOW + timedelta(minutes=1))) == 1
        assert await errands.erasure_of(tx, "o") is not None
        assert await errands.erasure_of(tx, "x") is None


def test_orders_carry_any_job() -> None:
    order = orders.new(Erase(job_id="e", owner="o", prefixes=("people/o/",)), 1, NOW)
    assert orders.job_of(order) == Erase(job_id="e", owner="o", prefixes=("people/o/",))
