"""When a training is over, from what its looks were worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.training import stopping


@pytest.mark.parametrize(
    ("values", "over"),
    [
        ([], False),
        ([0.5], False),
        ([0.5, 0.4], False),
        ([0.5, 0.4, 0.45], True),
        ([0.5, 0.505, 0.509], True),
        ([0.5, 0.506, 0.512], False),
        ([0.5, 0.4, 0.6, 0.4], False),
        ([0.0, 0.0, 0.0, 0.0], False),
        ([0.0, 0.0, 0.3, 0.2, 0.1], True),
        ([0.1, 0.0, 0.0, 0.2, 0.1, 0.1], False),
    ],
)
def test_two_looks_that_bring_nothing_end_it(values: list[float], over: bool) -> None:
    assert stopping.is_over(values, patience=2, done=0.5) is over
    assert not stopping.is_over(values, patience=2, done=0.49)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_without_patience_it_goes_to_the_end(values: list[float]) -> None:
    assert not stopping.is_over(values, patience=0, done=1.0)


def test_a_look_counts_together_with_the_one_before_it() -> None:
    assert stopping.smoothed([]) == []
    assert stopping.smoothed([0.4, 0.8, 0.6]) == pytest.approx([0.4, 0.6, 0.7])


@given(st.lists(st.floats(0.3, 1), min_size=1, max_size=9))
def test_the_best_is_hardly_below_any_other_and_all_later_ones_are(values: list[float]) -> None:
    place = stopping.best(values, [1.0] * len(values))
    assert values[place] >= max(values) - 0.01
    assert all(value < max(values) - 0.01 for value in values[place + 1 :])


@given(st.lists(st.floats(0, 0.29), min_size=1, max_size=9))
def test_where_nobody_is_recognisable_chance_does_not_decide(values: list[float]) -> None:
    assert stopping.best(values, [1.0] * len(values)) == len(values) - 1


def test_of_those_as_good_the_latest_is_the_best() -> None:
    late = [0.5, 0.6, 0.7, 0.8]
    assert stopping.best([0.4, 0.7, 0.695, 0.1], late) == 2
    assert stopping.best([0.4, 0.7, 0.68, 0.1], late) == 1
    assert stopping.best([0.0, 0.0], late[:2]) == 1


def test_a_lucky_look_at_the_beginning_is_not_kept() -> None:
    values, done = [0.64, 0.43, 0.62, 0.6, 0.58], [0.125, 0.25, 0.375, 0.5, 0.625]
    assert stopping.best(values, done) == 3
    assert stopping.best(values[:3], done[:3]) == 0
    assert stopping.best(values[:4], done[:4]) == 3
