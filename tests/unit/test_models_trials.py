"""Kernels of our own, as far as a machine without a GPU shows them.

What stands in for them gives the plain way's numbers and gradients, and what gives others is not
used.
"""

import pytest
import torch

from engine.models import heads, norms, trials

CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [16, 64])
def test_what_stands_in_for_heads_agrees_with_the_plain_way(size: int) -> None:
    assert heads._difference(CPU, size) < heads._CLOSE


@pytest.mark.parametrize("width", [50, 96])
def test_what_stands_in_for_norms_agrees_with_the_plain_way(width: int) -> None:
    assert norms._difference(CPU, width) < norms._CLOSE


def test_a_processor_has_no_kernels_of_our_own() -> None:
    assert not heads.own_kernels_work(CPU, 128)
    assert not norms.own_kernels_work(CPU)


@pytest.mark.parametrize("found", [0.2, float("nan"), float("inf")])
def test_other_numbers_do_not_pass(found: float) -> None:
    assert not trials.passes("norms", lambda: found, 0.1)
    assert trials.passes("norms", lambda: 0.1, 0.1)


def test_what_cannot_be_tried_does_not_pass() -> None:
    def difference() -> float:
        raise ModuleNotFoundError("triton")

    assert not trials.passes("norms", difference, 0.1)


def test_the_largest_difference_counts() -> None:
    ones = torch.ones(4)

    assert trials.furthest([ones, ones * 1.5], [ones, ones]) == pytest.approx(0.5)
    broken = [ones, ones * torch.nan]
    assert not trials.passes("norms", lambda: trials.furthest(broken, [ones, ones]), 0.1)
