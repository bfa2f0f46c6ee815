"""From embeddings and attributes to figures with intervals. Pure: arrays in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NORMAL_95 = 1.96
QUANTILE = 0.95
NUM_RESAMPLES = 2000
VARIETY_SIDE_PX = 64


@dataclass(frozen=True)
class Share:
    """How many of how many, with a 95 % interval."""

    value: float
    low: float
    high: float
    num: int


@dataclass(frozen=True)
class Self:
    """What a person's own photos say: where they lie and how far they reach."""

    held_out: Array
    """(photos, 128), never trained on"""
    reach: float
    """95th percentile of the distances between two photos of which one at least is held out"""
    strict_reach: float
    """the same of a training photo's median distance to those held out, as headshots are judged"""


def know(training: Array, held_out: Array) -> Self:
    """Raises ValueError for fewer than two held-out photos, which have no distance."""
    if len(held_out) < 2 or not len(training):
        raise ValueError(f"{len(training)} and {len(held_out)} faces; at least 1 and 2 are needed")
    across = distances(training, held_out)
    among = [float(np.linalg.norm(a - b)) for a, b in combinations(held_out, 2)]
    pairs = np.concatenate([across.ravel(), among])
    return Self(
        held_out,
        float(np.quantile(pairs, QUANTILE)),
        float(np.quantile(np.median(across, axis=1), QUANTILE)),
    )


def distances(some: Array, others: Array) -> Array:
    """(n, d) and (m, d) to (n, m)."""
    return np.linalg.norm(some[:, None] - others[None], axis=2)


def far(face: Array, photos: Array) -> float:
    """Median distance of one face to photos."""
    return float(np.median(np.linalg.norm(photos - face, axis=1)))


def is_nearest(face: Array, own: Array, strangers: Array) -> bool:
    """Whether the person is nearer than each stranger (strangers, photos, d) is."""
    theirs = np.median(np.linalg.norm(strangers - face, axis=2), axis=1)
    return far(face, own) < float(theirs.min())


def share(hits: Sequence[Sequence[bool]], seed: int = 0) -> Share:
    """Hits by person. The interval is the wider of Wilson's and a bootstrap over people."""
    flat = [hit for person in hits for hit in person]
    if not flat:
        return Share(0.0, 0.0, 1.0, 0)
    value = sum(flat) / len(flat)
    low, high = wilson(sum(flat), len(flat))
    means = np.array([sum(person) / len(person) for person in hits if person])
    if len(means) > 1:
        low, high = _wider((low, high), _bootstrap(means, seed))
    return Share(value, low, high, len(flat))


def mean(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Mean and bootstrapped interval of one number a person; zeros for none."""
    if not values:
        return 0.0, 0.0, 0.0
    array = np.array(values)
    return float(array.mean()), *_bootstrap(array, seed)


def wilson(num_hits: int, num: int) -> tuple[float, float]:
    """Wilson's score interval (Wilson, 1927)."""
    p, z = num_hits / num, NORMAL_95
    middle = (p + z * z / (2 * num)) / (1 + z * z / num)
    half = z * sqrt(p * (1 - p) / num + z * z / (4 * num * num)) / (1 + z * z / num)
    return max(0.0, middle - half), min(1.0, middle + half)


def variety(pictures: Sequence[NDArray[np.uint8]]) -> float | None:
    """Mean distance of two of some small pictures (side, side, 3): root mean square, 0 .. 1."""
    if len(pictures) < 2:
        return None
    small = [picture.astype(np.float64) / 255 for picture in pictures]
    return float(np.mean([sqrt(np.mean((a - b) ** 2)) for a, b in combinations(small, 2)]))


def _bootstrap(values: Array, seed: int) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    rows = random.integers(0, len(values), (NUM_RESAMPLES, len(values)))
    low, high = np.quantile(values[rows].mean(1), (0.025, 0.975))
    return float(low), float(high)


def _wider(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return min(a[0], b[0]), max(a[1], b[1])
