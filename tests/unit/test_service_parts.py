"""Small parts of the service on their own: locks, bells, traces, chats, rules."""

import asyncio
import subprocess
import sys
from pathlib import Path

from bot.service.bells import Bell, Bells
from bot.service.faults import facts
from bot.service.locks import Locks
from bot.service.rules import Rules, rules_of
from bot.service.visits import chat_of
from bot.settings import Settings


async def test_one_name_one_at_a_time_in_order_of_arrival() -> None:
    locks = Locks()
    done: list[int] = []

    async def work(n: int) -> None:
        async with locks.of("ann"):
            await asyncio.sleep(0)
            done.append(n)

    await asyncio.gather(*(work(n) for n in range(5)))
    assert done == [0, 1, 2, 3, 4]


async def test_different_names_do_not_wait() -> None:
    locks = Locks()
    async with locks.of("ann"), asyncio.timeout(5), locks.of("bob"):
        assert locks.of("ann").locked()


async def test_a_bell_rung_before_the_wait_is_heard_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    await bell.wait(60)
    await bell.wait(0)


async def test_bells_remember_which_chats_were_stirred() -> None:
    bells = Bells()
    bells.ring({("desk", "a")})
    bells.ring(set())
    assert bells.stirred_chats == {("desk", "a")}
    await bells.letters.wait(60)


def test_traces_name_places_and_no_values() -> None:
    def fail(word: str) -> None:
        Settings.model_validate_json(f"{{{word}")

    secret = "hunter2"
    told: dict[str, str] = {}
    try:
        fail(secret)
    except ValueError as error:
        told = facts(ExceptionGroup(secret, [error]))
    assert told["error"] == "ValidationError"
    assert "main.py" in told["trace"]
    assert secret not in str(told)


def test_the_same_address_is_the_same_chat() -> None:
    assert chat_of("desk", {"a": 1, "b": 2}).key == chat_of("desk", {"b": 2, "a": 1}).key
    assert chat_of("desk", {"a": 1}).key != chat_of("porch", {"a": 1}).key


def test_rules_come_from_settings(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "admins": "telegram:7", "quotas": {"headshots_per_day": 9}}
    )
    rules = rules_of(settings)
    assert rules.headshots_per_day == 9
    assert rules.is_admin("telegram", "7")
    assert not rules.is_admin("discord", "7")
    assert rules.is_admin("terminal", "local"), "who sits at the machine"
    assert "linkedin" in rules.styles
    assert not Rules().is_admin("telegram", "7")


def test_the_bot_starts_without_what_it_may_not_need() -> None:
    """Chat libraries are for whom they are configured; alembic is for the moment of migration."""
    code = "import sys, bot.app; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    unwanted = {"alembic", "discord", "telegram", "torch", "numpy", "dlib", "diffusers", "PIL"}
    assert not unwanted & set(loaded)
    assert "sqlalchemy.dialects.postgresql" not in loaded
