"""The arithmetic of flow matching, against numbers worked out by hand."""

import pytest
import torch

from engine.training import flow
from engine.training.recipe import choose

RECIPE = choose("standard", 12, 1024)


def test_latents_turn_into_noise_in_a_straight_line() -> None:
    clean, noise = torch.full((3, 1, 1, 1), 2.0), torch.full((3, 1, 1, 1), -4.0)

    mixed = flow.mix(clean, noise, torch.tensor([0.0, 0.5, 1.0]))

    assert mixed.flatten().tolist() == [2.0, -1.0, -4.0]


@pytest.mark.parametrize(("shift", "median"), [(1.0, 0.5), (1.88, 0.653), (3.16, 0.760)])
def test_levels_are_shifted_to_the_resolution(shift: float, median: float) -> None:
    drawn = flow.draw_sigma(20_000, RECIPE, shift, flow.step_generator(1, 1))

    assert drawn.dtype is torch.float32
    assert float(drawn.min()) > 0
    assert float(drawn.max()) < 1
    assert float(drawn.median()) == pytest.approx(median, abs=0.01)


def test_the_rate_rises_then_falls_to_a_tenth() -> None:
    recipe = RECIPE.model_copy(update={"steps": 100, "warmup_steps": 10, "learning_rate": 1.0})
    rates = [flow.learning_rate(recipe, step) for step in range(100)]

    assert rates[:11] == sorted(rates[:11])
    assert max(rates) == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


def test_a_cooling_rate_falls_from_what_it_was_to_nothing() -> None:
    origin = choose("origin", 12, 1024)
    rates = [flow.cooled_rate(origin, step, 100, 104) / 4e-4 for step in range(98, 105)]

    assert rates == pytest.approx([1, 1, 1, 0.75, 0.5, 0.25, 0])


def test_the_origins_rate_stays() -> None:
    origin = choose("origin", 12, 1024)

    assert {flow.learning_rate(origin, step) for step in (0, 1000, 1999)} == {4e-4}


def test_each_step_has_randomness_of_its_own() -> None:
    def draw(seed: int, step: int) -> list[float]:
        return flow.uniform(3, flow.step_generator(seed, step))

    assert draw(1, 5) == draw(1, 5)
    assert draw(1, 5) != draw(1, 6)
    assert draw(1, 5) != draw(2, 5)
