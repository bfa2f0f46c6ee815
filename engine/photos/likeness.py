"""How much a generated face looks like a person: a number from 0 to 1 with a meaning.

Distances are those of dlib's face embedding (davisking/dlib-models, face_recognition_resnet_v1: two
photos belong to one person below about 0.6). On their own they say little: photos of some people
differ by 0.3 among themselves, those of others by 0.5. So they are read against how much the
person's own photos differ.
"""

from collections.abc import Sequence
from itertools import combinations
from math import dist
from statistics import median

from engine.photos import faces
from engine.photos.decoding import RGB

Embedding = Sequence[float]

STRANGER_DISTANCE = 0.80
"""Between two persons 0.7 to 0.9; what is this far has nothing of the person."""
USUAL_DISTANCE = 0.45
"""Taken where there are too few photos to measure it."""
TYPICAL_RANGE = (0.30, 0.60)
"""A set of repeats must not make the measure strict, nor a stray photo make it blind."""
WITHIN_RANGE = 0.8
"""Likeness of a face that differs as much as the person's own photos do at most (19 of 20)."""


def embed(rgb: RGB) -> tuple[float, ...] | None:
    """The embedding of a picture's largest face (128 numbers), or None where there is no face."""
    found = faces.find_largest(rgb)
    if found is None:
        return None
    return tuple(float(number) for number in faces.describe(rgb, found).embedding)


def calibrate(embeddings: Sequence[Embedding]) -> float:
    """Typical distance: the 95th percentile of the photos' distances to one another."""
    found = spread(embeddings)
    if found is None:
        return USUAL_DISTANCE
    low, high = TYPICAL_RANGE
    return min(max(found[-1], low), high)


def spread(embeddings: Sequence[Embedding]) -> tuple[float, float, float] | None:
    """The 5th, 50th and 95th percentile of the photos' distances; None for fewer than three."""
    distances = sorted(dist(a, b) for a, b in combinations(embeddings, 2))
    if len(distances) < 3:
        return None
    low, middle, high = (_quantile(distances, share) for share in (0.05, 0.5, 0.95))
    return low, middle, high


def likeness(embedding: Embedding, references: Sequence[Embedding], typical: float) -> float:
    """1 for the same picture, 0.8 at the edge of the person's own photos, 0 for a stranger.

    Args:
        references: embeddings of the person's photos, at least one; their median distance counts,
            so a single odd photo changes little.
        typical: see `calibrate`.

    Raises:
        ValueError: without references.
    """
    if not references:
        raise ValueError("likeness needs at least one reference embedding; there are none")
    far = median(dist(embedding, reference) for reference in references)
    if far <= typical:
        return 1.0 - (1.0 - WITHIN_RANGE) * far / typical
    return max(0.0, WITHIN_RANGE * (STRANGER_DISTANCE - far) / (STRANGER_DISTANCE - typical))


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
