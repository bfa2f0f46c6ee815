"""Whose task is next: one person's many do not hold up another's few."""

import threading
from concurrent.futures import wait

import pytest

from engine.gpu.fair_pool import FairLine, FairPool


def taken(line: FairLine[str], count: int) -> list[str]:
    return [line.take() for _ in range(count)]


def test_people_take_turns_whoever_came_first() -> None:
    line = FairLine[str]()
    for number in range(5):
        line.add("bob", f"bob {number}")
    assert taken(line, 2) == ["bob 0", "bob 1"]
    for number in range(2):
        line.add("cleo", f"cleo {number}")
    line.add("dan", "dan 0")

    rest = taken(line, 6)
    assert [one for one in rest if one.startswith("bob")] == ["bob 2", "bob 3", "bob 4"]
    assert max(rest.index("cleo 0"), rest.index("dan 0")) <= 2
    assert rest.index("cleo 1") <= 4


def test_being_away_earns_no_credit() -> None:
    line = FairLine[str]()
    for number in range(20):
        line.add("bob", f"bob {number}")
    line.add("cleo", "cleo")
    assert "cleo" in taken(line, 12)
    for number in range(8):
        line.add("cleo", f"cleo {number}")
    assert [one[:4] for one in taken(line, 8)].count("cleo") <= 5


def test_all_are_level_again_once_nobody_waits() -> None:
    line = FairLine[str]()
    for number in range(9):
        line.add("bob", f"bob {number}")
    taken(line, 9)
    line.add("bob", "bob")
    line.add("cleo", "cleo")
    assert taken(line, 2) == ["bob", "cleo"]
    with pytest.raises(ValueError, match="empty"):
        line.take()


def test_another_persons_task_comes_before_the_rest_of_a_hundred() -> None:
    pool, may_go, order = FairPool(1, "test"), threading.Event(), list[str]()

    def task(name: str) -> str:
        may_go.wait(10)
        order.append(name)
        return name

    many = [pool.submit("bob", lambda n=n: task(f"bob {n}")) for n in range(100)]
    only = pool.submit("cleo", lambda: task("cleo"))
    may_go.set()
    wait([*many, only])

    assert order.index("cleo") <= 2
    assert [future.result() for future in many] == [f"bob {n}" for n in range(100)]


def test_what_fails_is_told_to_who_waits_and_the_next_comes() -> None:
    pool = FairPool(1, "test")

    def fails() -> None:
        raise OSError("no")

    failed, fine = pool.submit("bob", fails), pool.submit("bob", lambda: 3)
    assert fine.result(10) == 3
    assert isinstance(failed.exception(10), OSError)
    pool.shutdown()
