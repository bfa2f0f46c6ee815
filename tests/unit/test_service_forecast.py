"""How long it still takes, from how long it took before."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation.times import eta_range
from bot.database.line import InLine, Past
from bot.service.forecast import in_turn, left, position

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAST = [Past(count=4, took_s=4 * seconds, computed_s=4 * 9) for seconds in range(10, 21)]
"""From 10 to 20 seconds a picture, nine of them computing."""


def waits(name: str, owner: str = "", count: int = 4, quality: str = "") -> InLine:
    return InLine(id=name, owner=owner or name, count=count, quality=quality)


def runs(name: str, owner: str = "", eta_s: float | None = None, since_s: float = 0) -> InLine:
    started = NOW - timedelta(seconds=since_s)
    return InLine(id=name, owner=owner or name, count=4, started_at=started, eta_s=eta_s)


def ids(line: list[InLine]) -> str:
    return " ".join(order.id for order in line)


def test_pictures_come_in_turns_and_trainings_in_order() -> None:
    line = [waits("a1", "a"), waits("a2", "a"), waits("a3", "a"), waits("b1", "b")]
    assert ids(in_turn(line, fair=True)) == "a1 b1 a2 a3"
    assert ids(in_turn(line, fair=False)) == "a1 a2 a3 b1"
    assert [position(line, name, fair=True) for name in ("a1", "b1", "a3")] == [1, 2, 4]


def test_whoever_is_being_served_waits_for_the_others() -> None:
    line = [runs("a1", "a"), waits("a2", "a"), waits("b1", "b")]
    assert ids(in_turn(line, fair=True)) == "b1 a2"
    assert position(line, "a1", fair=True) is None


def test_what_runs_takes_as_much_longer_as_others_did() -> None:
    line = [runs("a", eta_s=90)]
    least, most = left(line, "a", PAST, NOW, fair=True) or (0, 0)
    assert least == pytest.approx(90 * 11 / 9)
    assert most == pytest.approx(90 * 19 / 9 + 3)


def test_what_just_began_takes_as_long_as_others_did() -> None:
    assert left([runs("a", since_s=10)], "a", PAST, NOW, fair=True) == (34, 69)
    assert left([runs("a", since_s=1000)], "a", PAST, NOW, fair=True) is None


def test_what_waits_takes_also_what_is_before_it() -> None:
    alone = left([waits("a")], "a", PAST, NOW, fair=True)
    behind = left([runs("b", eta_s=90), waits("c"), waits("a")], "a", PAST, NOW, fair=True)
    assert alone == (44, 79)
    assert alone is not None
    assert behind is not None
    assert behind[0] > alone[0] + 44 + 90
    assert behind[1] < alone[1] + 79 + 193  # that all are late together is unlikely


def test_more_engines_are_sooner_through() -> None:
    line = [runs("b", eta_s=90), runs("c", eta_s=90), waits("a")]
    one, two = (left(line, "a", PAST, NOW, True, num) for num in (1, 2))
    assert one is not None
    assert two is not None
    assert two[1] < one[1]


def test_without_a_past_nobody_knows_and_a_short_one_is_a_rule_of_thumb() -> None:
    assert left([waits("a")], "a", [], NOW, fair=True) is None
    assert left([runs("b"), waits("a")], "a", [], NOW, fair=True) is None
    assert left([runs("a", eta_s=60)], "a", [], NOW, fair=True) == eta_range(60)
    assert left([waits("a")], "a", PAST[:1], NOW, fair=True) == eta_range(40)
    assert left([waits("a")], "nobody", PAST, NOW, fair=True) is None


def test_a_better_quality_has_a_past_of_its_own() -> None:
    past = [Past(1, 600, 600, "fast")] * 4 + [Past(1, 3600, 3600, "best")] * 4
    line = [waits("a", count=1, quality="best"), waits("b", count=1, quality="fast")]
    assert left(line, "a", past, NOW, fair=False) == (3600, 3603)
    assert left(line, "b", past, NOW, fair=False) == (4200, 4206)


ORDERS = st.builds(
    InLine,
    id=st.uuids().map(str),
    owner=st.sampled_from("abc"),
    count=st.integers(1, 8),
    started_at=st.none() | st.just(NOW),
    eta_s=st.none() | st.floats(0, 1e5),
)
PASTS = st.builds(Past, st.integers(1, 8), st.floats(0, 1e5), st.floats(0.1, 1e5))


@settings(deadline=None)
@given(line=st.lists(ORDERS, max_size=8), past=st.lists(PASTS, max_size=6), fair=st.booleans())
def test_a_range_is_a_range_and_everybody_has_one_place(
    line: list[InLine], past: list[Past], fair: bool
) -> None:
    places = [position(line, order.id, fair) for order in line if order.started_at is None]
    assert sorted(place for place in places if place) == list(range(1, len(places) + 1))
    for order in line:
        told = left(line, order.id, past, NOW, fair)
        assert told is None or 0 <= told[0] <= told[1]
