"""Recipes: one dial, and what follows from photos and base."""

import pytest

from engine.contract.jobs import Quality
from engine.training.recipe import choose

QUALITIES: tuple[Quality, ...] = ("fast", "standard", "best")


def test_the_origins_recipe_is_kept_whatever_the_photos_are() -> None:
    recipe = choose("origin", num_photos=30, native_px=1024)

    assert (recipe.steps, recipe.rank, recipe.learning_rate) == (2000, 16, 4e-4)
    assert recipe.resolutions == (512, 768, 1024)
    assert (recipe.caption_dropout, recipe.batch) == (0.05, 1)
    assert recipe.learns_modulations


@pytest.mark.parametrize("native_px", [80, 256, 1024])
def test_better_takes_more_steps_at_lower_rates(native_px: int) -> None:
    recipes = [choose(quality, 12, native_px) for quality in QUALITIES]

    assert sorted(r.steps for r in recipes) == [r.steps for r in recipes]
    assert sorted(r.learning_rate for r in recipes)[::-1] == [r.learning_rate for r in recipes]


@pytest.mark.parametrize("quality", QUALITIES)
def test_more_photos_take_more_steps_within_bounds(quality: Quality) -> None:
    steps = [choose(quality, photos, 1024).steps for photos in (1, 12, 20, 1000)]

    assert sorted(steps) == steps
    assert steps[0] >= 250
    assert steps[-1] <= 2000


def test_no_resolution_exceeds_the_base() -> None:
    assert choose("best", 12, 1024).resolutions == (512, 768, 1024)
    assert choose("best", 12, 512).resolutions == (512,)
    assert choose("best", 12, 256).resolutions == (256,)
    assert choose("origin", 12, 256).resolutions == (256,)


def test_a_small_base_learns_in_batches() -> None:
    assert choose("standard", 12, 256).batch == 4
    assert choose("standard", 12, 1024).batch == 1


def test_steps_can_be_said() -> None:
    recipe = choose("standard", 12, 1024, steps=20)

    assert recipe.steps == 20
    assert recipe.warmup_steps <= 2


def test_going_on_from_a_lora_takes_half_at_half_the_rate() -> None:
    new, more = choose("standard", 12, 1024), choose("standard", 12, 1024, goes_on=True)

    assert more.steps == new.steps / 2
    assert more.learning_rate == new.learning_rate / 2
    assert choose("standard", 12, 1024, steps=20, goes_on=True).steps == 20


def test_patience_can_be_said_where_a_recipe_has_any() -> None:
    assert choose("standard", 12, 1024).patience == 2
    assert choose("standard", 12, 256).patience == 2
    assert choose("standard", 12, 1024, patience=0).patience == 0
    origin = choose("origin", 12, 1024, patience=5)
    assert (origin.patience, origin.keeps) == (0, "last")


def test_on_a_large_base_only_the_best_pays_for_holding_it_to_itself() -> None:
    shares = [choose(quality, 12, 1024).preservation_share for quality in QUALITIES]

    assert shares == [0.0, 0.0, 0.1]


def test_a_small_base_holds_to_itself_at_once() -> None:
    recipes = [choose(quality, 12, 256) for quality in QUALITIES]

    assert [recipe.preservation_share for recipe in recipes] == [0.0, 0.4, 0.4]
    assert [recipe.preservation_weight for recipe in recipes] == [1.0, 5.0, 5.0]


def test_with_fewer_steps_than_it_takes_the_person_comes_first() -> None:
    """It usually takes three fifths of what a recipe allows."""
    whole = choose("standard", 12, 256)
    usual = whole.steps * 3 // 5
    as_ever, half, few, more = (
        choose("standard", 12, 256, steps=steps)
        for steps in (usual, usual // 2, 10, 2 * whole.steps)
    )

    assert as_ever.preservation_weight == more.preservation_weight == whole.preservation_weight
    assert half.preservation_weight == whole.preservation_weight / 2
    assert few.preservation_weight == 1.0


def test_with_fewer_steps_than_it_takes_none_is_left_out() -> None:
    whole = choose("standard", 12, 256)

    assert choose("standard", 12, 256, steps=162).patience == 0
    assert choose("standard", 12, 256, steps=162, patience=1).patience == 1
    assert choose("standard", 12, 256, steps=whole.steps * 3 // 5).patience == whole.patience
    assert choose("origin", 12, 256, steps=162, patience=1).patience == 0


def test_with_few_steps_there_are_few_looks() -> None:
    looks = [choose("standard", 12, 256, steps=steps).looks for steps in (20, 216, 2000)]

    assert looks == [4, 8, 12]
    assert choose("fast", 12, 256, steps=20).looks == 2


def test_all_but_the_origin_cool_down_before_they_end_early() -> None:
    for native_px in (80, 256, 1024):
        for quality in QUALITIES:
            recipe = choose(quality, 12, native_px)
            assert 0 < recipe.cooldown_share < recipe.least_share <= 0.5
    assert choose("origin", 12, 1024).cooldown_share == 0
