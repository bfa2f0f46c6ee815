"""Says how much of a picture is the person.

Knows faces and numbers; knows nothing of drawing, jobs or steps.
"""

from collections.abc import Collection, Sequence

import numpy as np
from PIL import Image

from engine.contract.photos import PhotoReport
from engine.photos import likeness


class Judge:
    """Compares pictures with a person's own photos."""

    def __init__(self, references: Sequence[Sequence[float]], typical: float | None = None) -> None:
        """`references` are embeddings of the person's photos; without any, nothing is judged."""
        self.references = tuple(tuple(embedding) for embedding in references)
        self.typical = likeness.calibrate(self.references) if typical is None else typical

    @classmethod
    def of_reports(cls, reports: Sequence[PhotoReport], by: Collection[str] = ()) -> "Judge":
        """Compares with the photos of the hashes `by`, or with all; all of them calibrate it."""
        faces = {r.sha256: r.face.embedding for r in reports if r.face is not None}
        chosen = [embedding for sha256, embedding in faces.items() if sha256 in by]
        return cls(chosen or list(faces.values()), likeness.calibrate(list(faces.values())))

    @property
    def own_distances(self) -> tuple[float, float, float] | None:
        """Of the references to one another: 5th, 50th and 95th percentile."""
        return likeness.spread(self.references)

    def likeness(self, image: Image.Image) -> float | None:
        """0 .. 1, 0 where no face is seen; None where there is nothing to compare with."""
        if not self.references:
            return None
        embedding = likeness.embed(np.asarray(image.convert("RGB")))
        if embedding is None:
            return 0.0
        return round(likeness.likeness(embedding, self.references, self.typical), 4)
