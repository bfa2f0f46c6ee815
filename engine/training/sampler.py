"""In which order items come: batches of one size, shares by weight, the same for the same seed.

A pure function of (seed, step): there is no position to lose. Knows numbers of items only.
"""

from collections.abc import Sequence
from random import Random

from engine.models.base import Size


class Sampler:
    """Rounds, in each of which every item comes as often as its weight says, in new order."""

    def __init__(
        self, sizes: Sequence[Size], weights: Sequence[float], batch: int, seed: int
    ) -> None:
        if not sizes or len(sizes) != len(weights):
            raise ValueError(f"sampler has {len(sizes)} items and {len(weights)} weights")
        mean = sum(weights) / len(weights)
        self._shares = [weight / mean for weight in weights]
        self._sizes = list(sizes)
        self._batch = batch
        self._seed = seed
        start = Random(f"{seed}:offsets")
        self._offsets = [start.random() for _ in sizes]
        self._batches: list[list[int]] = []
        self._num_rounds = 0

    def batch(self, step: int) -> list[int]:
        """The items of a step, counted from 0."""
        while len(self._batches) <= step:
            self._batches += self._round(self._num_rounds)
            self._num_rounds += 1
        return self._batches[step]

    def _round(self, number: int) -> list[list[int]]:
        random = Random(f"{self._seed}:{number}")
        by_size: dict[Size, list[int]] = {}
        for item, size in enumerate(self._sizes):
            by_size.setdefault(size, []).extend([item] * self._copies(item, number))
        batches: list[list[int]] = []
        for items in by_size.values():
            random.shuffle(items)
            batches += self._cut(items)
        random.shuffle(batches)
        return batches

    def _copies(self, item: int, number: int) -> int:
        """Whole copies now, such that their sum over rounds follows the share exactly."""
        share, offset = self._shares[item], self._offsets[item]
        return int((number + 1) * share + offset) - int(number * share + offset)

    def _cut(self, items: list[int]) -> list[list[int]]:
        """Full batches; the last is filled up from the beginning."""
        starts = range(0, len(items), self._batch)
        return [
            [items[position % len(items)] for position in range(start, start + self._batch)]
            for start in starts
        ]
