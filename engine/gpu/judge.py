"""Says how much of a picture is the person.

Knows faces and numbers; knows nothing of drawing, jobs or steps.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache

import numpy as np
from PIL import Image

from engine.contract.photos import PhotoReport
from engine.gpu.critic_process import Person
from engine.gpu.critics import Critics
from engine.photos import likeness

Opinion = Callable[[], float | None]
"""A likeness that is asked for, and waited for when it is called; always the same."""


class Judge:
    """Compares pictures with a person's own photos."""

    def __init__(
        self,
        references: Sequence[Sequence[float]],
        typical: float | None = None,
        critics: Critics | None = None,
        owner: str = "",
    ) -> None:
        """`references` are embeddings of the person's photos; without any, nothing is judged.

        `critics` look, for this owner, while whoever asked goes on.
        """
        self.references = tuple(tuple(embedding) for embedding in references)
        self.typical = likeness.calibrate(self.references) if typical is None else typical
        self._critics, self._owner = critics, owner

    @classmethod
    def of_reports(
        cls,
        reports: Sequence[PhotoReport],
        by: Collection[str] = (),
        critics: Critics | None = None,
        owner: str = "",
    ) -> "Judge":
        """Compares with the photos of the hashes `by`, or with all; all of them calibrate it."""
        faces = {r.sha256: r.face.embedding for r in reports if r.face is not None}
        chosen = [embedding for sha256, embedding in faces.items() if sha256 in by]
        own = list(faces.values())
        return cls(chosen or own, likeness.calibrate(own), critics, owner)

    @property
    def own_distances(self) -> tuple[float, float, float] | None:
        """Of the references to one another: 5th, 50th and 95th percentile."""
        return likeness.spread(self.references)

    def ask(self, image: Image.Image) -> Opinion:
        """What `likeness` says, when it is there."""
        if self._critics is None or not self.references:
            return cache(lambda: self.likeness(image))
        verdict = self._critics.look(image, Person(self.references, self.typical), self._owner)
        return lambda: verdict.wait().likeness

    def likeness(self, image: Image.Image) -> float | None:
        """0 .. 1, 0 where no face is seen; None where there is nothing to compare with."""
        if not self.references:
            return None
        embedding = likeness.embed(np.asarray(image.convert("RGB")))
        if embedding is None:
            return 0.0
        return round(likeness.likeness(embedding, self.references, self.typical), 4)
