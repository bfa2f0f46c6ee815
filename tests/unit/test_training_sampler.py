"""The order of items: one size a batch, shares by weight, a function of seed and step."""

from collections import Counter
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.models.base import Size
from engine.training.sampler import Sampler

SQUARE, TALL = (64, 64), (48, 64)


def items_of(sampler: Sampler, steps: int) -> list[list[int]]:
    return [sampler.batch(step) for step in range(steps)]


def test_every_item_comes_once_a_round_in_changing_order() -> None:
    sampler = Sampler([SQUARE] * 8, [1.0] * 8, batch=2, seed=1)

    batches = items_of(sampler, 8)
    rounds = [list(chain(*batches[:4])), list(chain(*batches[4:]))]

    assert sorted(rounds[0]) == sorted(rounds[1]) == list(range(8))
    assert rounds[0] != rounds[1]


def test_a_batch_has_one_size() -> None:
    sizes: list[Size] = [SQUARE] * 5 + [TALL] * 3

    for batch in items_of(Sampler(sizes, [1.0] * 8, batch=4, seed=1), 50):
        assert len(batch) == 4
        assert len({sizes[item] for item in batch}) == 1


def test_shares_follow_weights() -> None:
    weights = [1.0, 0.25, 2.0, 0.75]
    sampler = Sampler([SQUARE] * 4, weights, batch=1, seed=3)

    counts = Counter(chain(*items_of(sampler, 400)))

    for item, weight in enumerate(weights):
        assert counts[item] == pytest.approx(100 * weight, abs=2)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**63 - 1), step=st.integers(0, 60), batch=st.integers(1, 5))
def test_a_step_is_the_same_wherever_one_begins(seed: int, step: int, batch: int) -> None:
    sizes: list[Size] = [SQUARE] * 3 + [TALL] * 4
    weights = [1.0, 2.0, 0.5, 1.0, 1.0, 0.1, 3.0]
    walked = Sampler(sizes, weights, batch, seed)

    assert items_of(walked, step + 1)[-1] == Sampler(sizes, weights, batch, seed).batch(step)


def test_other_seeds_give_other_orders() -> None:
    one, other = (Sampler([SQUARE] * 8, [1.0] * 8, batch=1, seed=seed) for seed in (1, 2))

    assert items_of(one, 8) != items_of(other, 8)


def test_nothing_cannot_be_ordered() -> None:
    with pytest.raises(ValueError, match="0 items and 0 weights"):
        Sampler([], [], 1, 0)
