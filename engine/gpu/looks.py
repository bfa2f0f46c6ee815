"""Looks at a training: a fixed set of small pictures, the best of them shown, all of them judged.

Some are asked for with the trigger, and should look like photos of the person that were never
trained on; some without it, and should not. Composes drawing, likeness and what a look is worth;
knows nothing of jobs and of what is done with a preview.
"""

from collections.abc import Callable, Generator, Sequence
from itertools import combinations

import numpy as np
from PIL import Image
from torch import Tensor

from engine.generation import prompts, sampling
from engine.generation.sampling import Sampler, Shot, pictures_at_once
from engine.gpu.judge import Judge, Opinion
from engine.models.base import ImageModel, Size, TextEmbeddings
from engine.training.loop import Score

WITH_TRIGGER = (
    "headshot of {subject} wearing a navy suit, gray studio background, soft light",
    "headshot of {subject} wearing a white shirt, office background, natural light",
    "headshot of {subject} wearing a grey sweater, park background, natural light",
    "headshot of {subject} wearing a black turtleneck, brick wall background, soft light",
)
WITHOUT = WITH_TRIGGER[:2]
"""The same, asked for as anybody: what of the person comes all the same has bled."""
SIDE_PX = 512
"""Large bases draw their looks this small: a quarter of the time, and faces are still measured."""
NUM_STEPS = 16
GUIDANCE = 2.5
AT_ONCE = 2
"""One shape for all pictures: each other one would be compiled and recorded of its own."""
COMPARED_PX = 64
BLEED_COST = 0.25
"""Likeness comes first: a whole person that bleeds into every picture costs a quarter of it."""
VARIETY_WORTH = 0.1
"""Enough to choose among equals the one that still listens to the prompt."""


class Looker:
    """Looks at flat weights with the same prompts and the same seeds each time."""

    def __init__(
        self,
        model: ImageModel,
        judge: Judge,
        trigger: str,
        class_word: str,
        seed: int,
        show: Callable[[int, Image.Image], None] = lambda step, picture: None,
    ) -> None:
        """`show` is given the best picture of each look, with the step."""
        self._model = model
        self._judge = judge
        self._show = show
        seeds = prompts.seeds(seed, len(WITH_TRIGGER))
        self._with_trigger = _shots(WITH_TRIGGER, f"{trigger} {class_word}", seeds)
        self._without = _shots(WITHOUT, f"a {class_word}", seeds)
        self._read: dict[str, TextEmbeddings] = {}

    def prepare(self) -> None:
        """Reads the prompts while the encoders are there; where memory is short, a look that
        begins without would bring them back.
        """
        shots = (*self._with_trigger, *self._without)
        self._read = sampling.read(self._model, [shot.prompt for shot in shots])

    def look(self, step: int, weights: Tensor) -> Generator[None, None, Score]:
        """Draws and judges; others may have their turn wherever it yields.

        Where nobody of the person is to be seen, there is nothing to bleed.
        """
        pictures, opinions = yield from self._draw(weights, self._with_trigger)
        others = [0.0]
        if (yield from self._any(opinions)):
            _, about_others = yield from self._draw(weights, self._without)
            own = yield from self._all(opinions)
            others = yield from self._all(about_others)
        else:
            own = [0.0] * len(pictures)
        self._show(step, pictures[own.index(max(own))])
        return worth(own, others, variety(pictures))

    def _any(self, opinions: Sequence[Opinion]) -> Generator[None, None, bool]:
        """Whether the person is to be seen at all; known before the last picture is judged."""
        for opinion in opinions:
            yield
            if opinion():
                return True
        return False

    def _all(self, opinions: Sequence[Opinion]) -> Generator[None, None, list[float]]:
        found: list[float] = []
        for opinion in opinions:
            yield
            found.append(opinion() or 0.0)
        return found

    def _draw(
        self, weights: Tensor, shots: Sequence[Shot]
    ) -> Generator[None, None, tuple[list[Image.Image], list[Opinion]]]:
        """Each picture is judged while the next ones are drawn."""
        model = self._model
        num_steps = min(NUM_STEPS, model.facts.num_inference_steps)
        pictures: list[Image.Image] = []
        opinions: list[Opinion] = []
        sampler = Sampler(
            model,
            weights,
            shots,
            size(model),
            GUIDANCE,
            num_steps,
            at_once=at_once(model),
            read=self._read,
        )
        for done in sampler.steps():
            for drawn in done.drawn:
                pictures.append(drawn.image)
                opinions.append(self._judge.ask(drawn.image))
            yield
        return pictures, opinions


def _shots(texts: Sequence[str], subject: str, seeds: Sequence[int]) -> list[Shot]:
    return [
        Shot(text.format(subject=subject), seed) for text, seed in zip(texts, seeds, strict=False)
    ]


def size(model: ImageModel) -> Size:
    side = min(SIDE_PX, model.facts.native_px)
    side -= side % model.facts.multiple_px
    return side, side


def at_once(model: ImageModel) -> int:
    return min(AT_ONCE, pictures_at_once(model, size(model)))


def worth(own: Sequence[float], others: Sequence[float], variety: float) -> Score:
    """What a look found, in one number; nothing where the person was not seen at all.

    Args:
        own: likeness of each picture asked for with the trigger.
        others: of each asked for without it.
    """
    likeness, bleed = sum(own) / len(own), sum(others) / len(others)
    value = likeness - BLEED_COST * bleed + VARIETY_WORTH * variety if likeness > 0 else 0.0
    return Score(
        round(likeness, 4),
        round(value, 4),
        {"bleed": round(bleed, 4), "variety": round(variety, 4)},
    )


def variety(pictures: Sequence[Image.Image]) -> float:
    """Mean distance of two pictures: root mean square of small ones, 0 .. 1."""
    small = [
        np.asarray(picture.convert("RGB").resize((COMPARED_PX, COMPARED_PX)), np.float32) / 255
        for picture in pictures
    ]
    distances = [float(np.sqrt(np.mean((a - b) ** 2))) for a, b in combinations(small, 2)]
    return sum(distances) / len(distances)
