"""How a LoRA is trained, from one dial: the quality asked for, the photos, the base's size.

Knows numbers only. Where they come from: FLUX trainings that are known to work use 27 to 70 steps
a photo, learning rates of 1e-4 to 4e-4, rank 16 to 32, caption dropout 0.05 and an EMA of 0.99.
"""

from typing import Literal

from pydantic import Field

from engine.contract.base import Frozen
from engine.contract.jobs import Quality

USUAL_SHARE = 0.6
"""Of the steps, after which trainings that looks may end usually do (docs/likeness.md)."""
SMALL_BASE_PX = 512
"""A base of fewer native pixels is small: it wants larger batches and higher learning rates."""


class Recipe(Frozen):
    """Every number that decides a training besides the pictures and the seed."""

    quality: Quality
    steps: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    schedule: Literal["constant", "cosine"]
    rank: int = Field(ge=1)
    batch: int = Field(ge=1)
    resolutions: tuple[int, ...] = Field(min_length=1, description="px, roots of picture areas")
    ema_decay: float = Field(ge=0, lt=1)
    caption_dropout: float = Field(ge=0, lt=1)
    preservation_share: float = Field(
        default=0.0, ge=0, lt=1, description="of steps that hold the base to what it drew before"
    )
    preservation_weight: float = Field(
        default=1.0, ge=1, description="what each of those counts; others count 1"
    )
    learns_modulations: bool = Field(
        default=True, description="layers that know no token, and so not who is asked for"
    )
    face_weight: float = Field(
        default=1.0, ge=1, description="what an error in the head counts, one elsewhere being 1"
    )
    weight_decay: float = Field(default=1e-4, ge=0)
    max_gradient_norm: float = Field(default=1.0, gt=0)
    looks: int = Field(default=8, ge=0, description="at what it draws, spread over the steps")
    patience: int = Field(
        default=2, ge=0, description="looks that may bring nothing; 0: it never ends early"
    )
    least_share: float = Field(
        default=0.5, ge=0, le=1, description="of the steps, before which nothing ends or is kept: "
        "a face is recognised before hair and skin are right, and who looks knows faces alone",
    )  # fmt: skip
    cooldown_share: float = Field(
        default=0.0, ge=0, lt=1, description="of the steps, in which the rate falls to nothing "
        "once looks bring nothing more",
    )  # fmt: skip
    keeps: Literal["best", "last"] = "best"
    guidance: float = 1.0
    sigma_mean: float = 0.0
    sigma_deviation: float = Field(default=1.0, gt=0)


_LOOKS: dict[Quality, int] = {"fast": 4, "standard": 8, "best": 10}
_SMALL_LOOKS: dict[Quality, int] = {"fast": 2, "standard": 12, "best": 12}
_TINY_LOOKS: dict[Quality, int] = {"fast": 2, "standard": 4, "best": 8}
"""A look takes a small base as long as twelve of its steps, and a large one as long as thirty."""
_FEWEST_LOOKS, _STEPS_BETWEEN_LOOKS = 4, 25
"""Where steps are said: looks that there are at least, and what lies between more of them."""


class _Dial(Frozen):
    """What a quality means for one size of base."""

    steps_per_photo: int
    fewest_steps: int
    most_steps: int
    learning_rate: float
    resolutions: tuple[int, ...] = ()
    preservation_share: float = 0.0
    preservation_weight: float = 1.0


_LARGE: dict[Quality, _Dial] = {
    "fast": _Dial(
        steps_per_photo=27, fewest_steps=250, most_steps=500, learning_rate=4e-4, resolutions=(512,)
    ),
    "standard": _Dial(
        steps_per_photo=50,
        fewest_steps=500,
        most_steps=1000,
        learning_rate=3e-4,
        resolutions=(512, 768),
    ),
    "best": _Dial(
        steps_per_photo=70,
        fewest_steps=800,
        most_steps=2000,
        learning_rate=2e-4,
        resolutions=(512, 768, 1024),
        preservation_share=0.1,
    ),
}
_SMALL: dict[Quality, _Dial] = {
    "fast": _Dial(steps_per_photo=8, fewest_steps=80, most_steps=120, learning_rate=4e-3),
    "standard": _Dial(
        steps_per_photo=90,
        fewest_steps=720,
        most_steps=1200,
        learning_rate=3e-3,
        preservation_share=0.4,
        preservation_weight=5.0,
    ),
    "best": _Dial(
        steps_per_photo=110,
        fewest_steps=880,
        most_steps=1500,
        learning_rate=2e-3,
        preservation_share=0.4,
        preservation_weight=5.0,
    ),
}
_TINY: dict[Quality, _Dial] = {
    "fast": _Dial(steps_per_photo=30, fewest_steps=240, most_steps=400, learning_rate=4e-3),
    "standard": _Dial(steps_per_photo=100, fewest_steps=600, most_steps=1200, learning_rate=3e-3),
    "best": _Dial(steps_per_photo=200, fewest_steps=1200, most_steps=2400, learning_rate=2e-3),
}
TINY_BASE_PX = 128
"""Below it a base knows so little that most of the person is learned anew."""
REFRESH_SHARE = 0.5
"""Of the steps and of the rate, where a training goes on from an earlier one of the person."""
_COOLDOWN_SHARE = 1 / 12
_SMALL_LEAST_SHARE = 0.4
_SMALL_BATCH = 4
_RANK = 16
_FACE_WEIGHT = 3.0


def choose(
    quality: Quality,
    num_photos: int,
    native_px: int,
    steps: int | None = None,
    *,
    goes_on: bool = False,
    patience: int | None = None,
) -> Recipe:
    """The recipe for a base of this native size.

    Args:
        steps: instead of what follows from the photos.
        goes_on: from a LoRA of the person, whom it need not learn from the beginning.
        patience: instead of the recipe's own, where that ends early at all.
    """
    recipe = _origin() if quality == "origin" else _derived(quality, num_photos, native_px)
    if native_px < SMALL_BASE_PX:
        recipe = recipe.model_copy(update={"resolutions": (native_px,)})
    if goes_on:
        rate = recipe.learning_rate * REFRESH_SHARE
        half = max(1, round(recipe.steps * REFRESH_SHARE))
        recipe = recipe.model_copy(update={"steps": half, "learning_rate": rate})
    may_end_early = recipe.patience > 0
    if steps is not None:
        recipe = _within(recipe, steps)
    if patience is not None and may_end_early:
        recipe = recipe.model_copy(update={"patience": patience})
    return recipe


def _within(recipe: Recipe, steps: int) -> Recipe:
    """Where there are fewer steps than it takes, the person comes before what is not the person,
    learning before looking, and none of them is left out.
    """
    share = min(1.0, steps / (USUAL_SHARE * recipe.steps))
    weight = max(1.0, recipe.preservation_weight * share)
    warmup = min(recipe.warmup_steps, steps // 10)
    looks = min(recipe.looks, max(_FEWEST_LOOKS, steps // _STEPS_BETWEEN_LOOKS))
    return recipe.model_copy(
        update={
            "steps": steps,
            "warmup_steps": warmup,
            "preservation_weight": weight,
            "looks": looks,
            "patience": recipe.patience if share == 1 else 0,
        }
    )


def _derived(quality: Quality, num_photos: int, native_px: int) -> Recipe:
    is_small, is_tiny = native_px < SMALL_BASE_PX, native_px < TINY_BASE_PX
    dials = _TINY if is_tiny else _SMALL if is_small else _LARGE
    looks = _TINY_LOOKS if is_tiny else _SMALL_LOOKS if is_small else _LOOKS
    dial = dials[quality]
    steps = max(dial.fewest_steps, min(dial.most_steps, dial.steps_per_photo * num_photos))
    fitting = tuple(px for px in dial.resolutions if px <= native_px)
    return Recipe(
        quality=quality,
        steps=steps,
        learning_rate=dial.learning_rate,
        warmup_steps=max(5, steps // 25),
        schedule="cosine",
        rank=_RANK,
        batch=_SMALL_BATCH if is_small else 1,
        resolutions=fitting or (native_px,),
        ema_decay=0.98 if is_small else 0.99,
        caption_dropout=0.0 if is_small else 0.05,
        learns_modulations=False,
        face_weight=_FACE_WEIGHT,
        preservation_share=dial.preservation_share,
        preservation_weight=dial.preservation_weight,
        looks=looks[quality],
        least_share=_SMALL_LEAST_SHARE if is_small and not is_tiny else 0.5,
        cooldown_share=_COOLDOWN_SHARE,
    )


def _origin() -> Recipe:
    """The fixed recipe of the project's origin, whatever the photos are."""
    return Recipe(
        quality="origin",
        steps=2000,
        learning_rate=4e-4,
        warmup_steps=0,
        schedule="constant",
        rank=16,
        batch=1,
        resolutions=(512, 768, 1024),
        ema_decay=0.99,
        caption_dropout=0.05,
        patience=0,
        keeps="last",
    )
