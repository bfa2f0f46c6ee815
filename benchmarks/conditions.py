"""What is compared: our recipe, the base alone, the origin's recipe on equal and double budget.

Pure. A condition says how a LoRA comes about and under which subject pictures are asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.shots import TRIGGER
from engine.contract.jobs import Quality
from engine.training import recipe as recipes
from engine.training.recipe import Recipe

OURS = "ours"
UNSELECTED = "unselected"
"""All that were drawn for `ours`, of which people are shown the best."""

BLEED = "bleed"
NO_LORA = "no_lora"
ORIGIN = "origin"
ORIGIN_DOUBLE = "origin_double"
DRAWN = "drawn"
"""Not the model's pictures but drawn ones of the true person: what the measures give at best."""

DECODED = "decoded"
"""The drawn ones through the base's autoencoder: what any training could reach at best."""

CHOICE, MOST = 2, 3
"""Times as many as are shown are drawn to choose from, and where too few of them are good, as the
engine does it."""

CONTROLS = (NO_LORA, ORIGIN, ORIGIN_DOUBLE, DRAWN, DECODED)


@dataclass(frozen=True)
class Condition:
    name: str
    recipe: Recipe | None
    """None where nothing is trained."""
    uses: str | None = None
    """The condition whose LoRA is used instead of an own one."""
    with_trigger: bool = True

    @property
    def choice(self) -> int:
        """How many times as many pictures are drawn as are asked for, at most."""
        return MOST if self.name == OURS else 1

    def subjects(self, class_word: str, own_class_word: str) -> tuple[str, ...]:
        """Who is asked for; without the trigger also by the person's own class word."""
        if self.with_trigger:
            return (f"{TRIGGER} {class_word}",)
        return tuple(dict.fromkeys((f"a {class_word}", f"a {own_class_word}")))


def choose(
    quality: Quality,
    num_photos: int,
    native_px: int,
    steps: int | None,
    changes: Mapping[str, Any],
    controls: tuple[str, ...],
) -> list[Condition]:
    """In the order in which they are done; those that use another's LoRA come after it."""
    ours = recipes.choose(quality, num_photos, native_px, steps)
    ours = Recipe.model_validate({**ours.model_dump(), **changes})
    origin = recipes.choose("origin", num_photos, native_px)
    budget = samples(ours) // origin.batch
    known = {
        NO_LORA: Condition(NO_LORA, None),
        ORIGIN: Condition(ORIGIN, _stopped(origin, budget)),
        ORIGIN_DOUBLE: Condition(ORIGIN_DOUBLE, _stopped(origin, 2 * budget)),
        DRAWN: Condition(DRAWN, None),
        DECODED: Condition(DECODED, None),
    }
    first = [Condition(OURS, ours), Condition(BLEED, None, uses=OURS, with_trigger=False)]
    return first + [known[name] for name in controls]


def samples(recipe: Recipe) -> int:
    """Pictures that a training looks at: the budget that recipes are compared on."""
    return recipe.steps * recipe.batch


def _stopped(recipe: Recipe, steps: int) -> Recipe:
    return recipe.model_copy(update={"steps": max(1, min(recipe.steps, steps))})
