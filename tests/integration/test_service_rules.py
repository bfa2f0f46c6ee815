"""Quotas, admins, bans, pauses, and several platforms at once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from service_house import RULES, FakeChat, House, a_house, until

from bot.conversation.actions import Verb
from bot.conversation.incoming import Command, Pressed
from bot.database import people
from bot.database.tables import Person
from bot.frontends.base import Caller


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 23, 50, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    limits = {"headshots_per_day": 6, "trainings_per_day": 1, "models_per_person": 1}
    rules = RULES.model_copy(update=limits)
    porch = FakeChat(name="porch")
    async with (
        a_house(tmp_path, redis_url, rules=rules, clock=Clock(), other_chats=(porch,)) as house,
        house.open(),
    ):
        yield house


async def test_a_day_has_so_many_headshots(house: House) -> None:
    await house.train("ann")
    await house.command("ann", "headshot", "linkedin 4")
    await house.sees("ann", "headshots.ready")
    await house.command("ann", "headshot", "linkedin 4")
    await until(lambda: house.chat.keys("ann").count("headshots.ready") == 2)
    assert len((await house.sees("ann", "headshots.ready")).pictures) == 2
    await house.command("ann", "headshot", "linkedin")
    await until(lambda: any(key.startswith("quota.") for key in house.chat.keys("ann")))
    clock = house.clock
    assert isinstance(clock, Clock)
    clock.now += timedelta(minutes=11)
    await house.command("ann", "headshot", "linkedin")
    await until(lambda: house.chat.keys("ann").count("headshots.ready") == 3)


async def test_a_person_may_have_their_own_quota(house: House) -> None:
    await house.train("ann")
    async with house.database.transaction() as tx:
        owner = house.engine.taken[0].owner
        (await tx.get_one(Person, owner)).headshots_per_day = 0
    await house.command("ann", "headshot", "linkedin")
    await until(lambda: any(key.startswith("quota.") for key in house.chat.keys("ann")))
    assert house.engine.num_taken("generate_headshots") == 0


async def test_a_person_keeps_so_many_models(house: House) -> None:
    await house.train("ann")
    await house.command("ann", "train")
    await house.sees("ann", "quota.models")
    await house.command("ann", "models")
    await house.press("ann", Verb.DELETE_MODEL)
    await house.press("ann", Verb.DELETE_MODEL_SURELY)
    await house.sees("ann", "model.deleted")
    await house.command("ann", "train")
    await house.sees("ann", "quota.trainings_until")


async def test_admins_have_no_quota_and_may_pause(house: House) -> None:
    await house.train("boss")
    await house.train("boss", b"good 7", b"good 8", b"good 9")
    await house.command("boss", "admin")
    await house.press("boss", Verb.PAUSE)
    await until(lambda: len(house.chat.visible("boss")) > 0)
    await house.command("ann", "train")
    await house.sees("ann", "access.paused")


async def test_who_is_banned_gets_no_work_done(house: House) -> None:
    await house.train("ann")
    async with house.database.transaction() as tx:
        (await tx.get_one(Person, house.engine.taken[0].owner)).banned = True
    await house.command("ann", "headshot", "linkedin")
    await house.sees("ann", "access.banned")
    await house.photos("ann", b"good 99")
    await until(lambda: _num_photos(house, 3))
    assert house.engine.num_taken("generate_headshots") == 0


async def _num_photos(house: House, wanted: int) -> bool:
    keys = [key for key in await house.blobs.list("people/") if "/photos/" in key]
    return len(keys) == wanted


async def test_each_platform_gets_its_own(house: House) -> None:
    (porch,) = house.other_chats
    await house.service.inbox.receive(porch.caller("ann"), Command(name="help"))
    await until(lambda: porch.visible("ann"))
    assert house.chat.sent == []
    await house.train("ann")
    await house.service.inbox.receive(porch.caller("ann"), Command(name="models"))
    await until(lambda: len(porch.visible("ann")) == 2)
    assert porch.button("ann", Verb.MODEL) is None, "the same name elsewhere is somebody else"


async def test_what_is_asked_in_a_group_is_answered_there(house: House) -> None:
    caller = house.chat.caller("ann").model_copy(update={"here": {"group": 7}})
    await house.service.inbox.receive(caller, Command(name="help"))
    await until(lambda: house.chat.sent)
    assert house.chat.sent[0].address == {"group": 7}


async def test_what_is_private_does_not_appear_where_others_read(house: House) -> None:
    group = house.chat.caller("ann").model_copy(update={"here": {"group": 7}})
    await house.service.inbox.receive(group, Command(name="status"))
    await house.sees("ann", "status.card")
    whispering = group.model_copy(update={"here_is_private": True})
    await house.service.inbox.receive(whispering, Command(name="status"))
    await until(lambda: house.chat.sent[-1].address == {"group": 7})
    await house.service.inbox.receive(whispering, Command(name="train"))
    assert (await house.sees("ann", "collection.empty")).card, "cards that live on stay private"


async def test_an_admin_bans_allows_and_limits_somebody(house: House) -> None:
    await house.command("ann", "help")
    for argument, banned, headshots in (
        ("ban desk:ann", True, None),
        ("allow desk:ann", False, None),
        ("quota desk:ann 7", False, 7),
    ):
        await house.command("boss", "admin", argument)
        async with house.database.reading() as tx:
            ann = await people.named(tx, "desk:ann")
            assert ann is not None
            assert (ann.banned, ann.headshots_per_day) == (banned, headshots)
    await house.command("boss", "admin", "ban desk:nobody")
    await house.sees("boss", "admin.nobody")


async def test_the_platform_may_know_admins(house: House) -> None:
    caller = house.chat.caller("ann").model_copy(update={"is_admin": True})
    await house.service.inbox.receive(caller, Command(name="admin"))
    await house.sees("ann", "admin.page")
    await house.command("ann", "admin")
    await house.sees("ann", "admin.not_you")


async def test_the_language_is_the_platforms(house: House) -> None:
    german = Caller(platform="desk", user_id="ann", address={"dm": "ann"}, locale="de")
    await house.service.inbox.receive(german, Command(name="train"))
    card = await house.sees("ann", "collection.empty")
    assert "Foto" in card.text


async def test_an_unknown_button_is_answered(house: House) -> None:
    await house.say("ann", Pressed(action=None))
    await house.sees("ann", "unknown.button")
