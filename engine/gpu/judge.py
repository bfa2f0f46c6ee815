"""Looks at what a LoRA draws and says how much of it is the person.

Composes drawing and likeness, which are strangers to each other. Knows nothing of jobs or steps.
"""

from collections.abc import Generator, Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from engine.contract.photos import PhotoReport
from engine.contract.styles import Style
from engine.generation import prompts
from engine.generation.sampling import Drawn, Sampler, Shot
from engine.models.base import ImageModel
from engine.photos import likeness

NUM_PICTURES = 2
"""Each with a seed of its own, the same at every look, so that looks can be compared."""


class Judge:
    """Compares pictures with a person's own photos."""

    def __init__(self, references: Sequence[Sequence[float]], typical: float | None = None) -> None:
        """`references` are embeddings of the person's photos; without any, nothing is judged."""
        self.references = tuple(tuple(embedding) for embedding in references)
        self.typical = likeness.calibrate(self.references) if typical is None else typical

    @classmethod
    def of_reports(cls, reports: Sequence[PhotoReport]) -> "Judge":
        return cls([report.face.embedding for report in reports if report.face is not None])

    def likeness(self, image: Image.Image) -> float | None:
        """0 .. 1, 0 where no face is seen; None where there is nothing to compare with."""
        if not self.references:
            return None
        embedding = likeness.embed(np.asarray(image.convert("RGB")))
        if embedding is None:
            return 0.0
        return round(likeness.likeness(embedding, self.references, self.typical), 4)


def draw(
    model: ImageModel, weights: Tensor, style: Style, trigger: str, class_word: str, seed: int
) -> Generator[None, None, list[Image.Image]]:
    """A few pictures in one style; others may have their turn after each step."""
    shots = [
        Shot(prompts.build(style, trigger, class_word, seed), one)
        for one in prompts.seeds(seed, NUM_PICTURES)
    ]
    size = model.facts.sizes[style.aspect]
    drawn: list[Drawn] = []
    for step in Sampler(model, weights, shots, size, style.guidance).steps():
        drawn += step.drawn
        yield
    return [one.image for one in drawn]
