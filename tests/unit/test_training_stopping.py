"""When a training is over, from what its looks were worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.training import stopping


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ([], None),
        ([0.5], None),
        ([0.5, 0.4], None),
        ([0.5, 0.4, 0.45], 2),
        ([0.5, 0.51, 0.518], 2),
        ([0.5, 0.521, 0.542], None),
        ([0.5, 0.4, 0.6, 0.4], None),
        ([0.5, 0.4, 0.6, 0.4, 0.5, 0.9], 4),
        ([0.0, 0.0, 0.0, 0.0], None),
        ([0.0, 0.0, 0.3, 0.2, 0.1], 4),
        ([0.1, 0.0, 0.0, 0.2, 0.1, 0.1], None),
    ],
)
def test_it_is_over_with_the_second_look_that_brings_nothing(
    values: list[float], place: int | None
) -> None:
    assert stopping.plateau(values, [1.0] * len(values), 0.5, 2) == place


def test_nothing_is_over_before_the_least_share_of_the_steps() -> None:
    values, done = [0.5, 0.5, 0.5, 0.5], [0.25, 0.3, 0.4, 0.5]

    assert stopping.plateau(values, done, 0.4, 2) == 2
    assert stopping.plateau(values, done, 0.5, 2) == 3
    assert stopping.plateau(values, done, 0.6, 2) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_without_patience_it_goes_to_the_end(values: list[float]) -> None:
    assert stopping.plateau(values, [1.0] * len(values), 0.0, 0) is None


@given(st.lists(st.floats(0, 1), max_size=9))
def test_later_looks_change_nothing_about_when_it_was_over(values: list[float]) -> None:
    places = [
        stopping.plateau(values[:count], [1.0] * count, 0.5, 2) for count in range(len(values) + 1)
    ]
    found = [place for place in places if place is not None]
    assert found == [found[0]] * (len(values) - found[0]) if found else True


def test_a_look_counts_together_with_the_one_before_it() -> None:
    assert stopping.smoothed([]) == []
    assert stopping.smoothed([0.4, 0.8, 0.6]) == pytest.approx([0.4, 0.6, 0.7])


@given(st.lists(st.floats(0.3, 1), min_size=1, max_size=9))
def test_the_best_is_hardly_below_any_other_and_all_later_ones_are(values: list[float]) -> None:
    place = stopping.best(values, [1.0] * len(values), 0.5)
    assert values[place] >= max(values) - stopping.AS_GOOD
    assert all(value < max(values) - stopping.AS_GOOD for value in values[place + 1 :])


@given(st.lists(st.floats(0, 0.29), min_size=1, max_size=9))
def test_where_nobody_is_recognisable_chance_does_not_decide(values: list[float]) -> None:
    assert stopping.best(values, [1.0] * len(values), 0.5) == len(values) - 1


def test_of_those_as_good_the_latest_is_the_best() -> None:
    late = [0.5, 0.6, 0.7, 0.8]
    assert stopping.best([0.4, 0.7, 0.68, 0.1], late, 0.5) == 2
    assert stopping.best([0.4, 0.7, 0.66, 0.1], late, 0.5) == 1
    assert stopping.best([0.0, 0.0], late[:2], 0.5) == 1


def test_a_lucky_look_at_the_beginning_is_not_kept() -> None:
    values, done = [0.67, 0.43, 0.65, 0.6, 0.55], [0.125, 0.25, 0.375, 0.5, 0.625]
    assert stopping.best(values, done, 0.5) == 3
    assert stopping.best(values, done, 0.3) == 2
    assert stopping.best(values[:3], done[:3], 0.5) == 2
    assert stopping.best(values[:2], done[:2], 0.5) == 0
