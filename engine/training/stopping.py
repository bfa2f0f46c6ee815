"""Which look at a training is the best, and from which on no better one is to be hoped for.

Pure: what looks are worth, in their order. Likeness is not monotonic in steps and the loss does not
show it (docs/decisions/0011), so the end is decided by looking.
"""

from collections.abc import Sequence
from itertools import pairwise

LEAST_GAIN = 0.02
"""What a look must bring over the best one before it, or it brought nothing."""
AS_GOOD = 0.03
"""How far below the best a look may be and count as good as it: it sees four pictures, and weights
that were given time to cool down draw better than it can tell."""
RECOGNISABLE = 0.3
"""Below it a face is nobody in particular: half way from a stranger to the person's own photos is
0.4. Where nothing better was seen, chance must not decide."""


def smoothed(values: Sequence[float]) -> list[float]:
    """Each look and the one before it: four pictures say little, and weights change slowly."""
    return [*values[:1], *((before + this) / 2 for before, this in pairwise(values))]


def best(values: Sequence[float], done: Sequence[float], least_share: float) -> int:
    """The place of the best look; of those as good as it the latest, which has seen more.

    `done` is the share of the steps that each look came after. Those before `least_share` count
    only as long as there is no other.
    """
    places = [place for place, share in enumerate(done) if share >= least_share]
    places = places or list(range(len(values)))
    record = max(values[place] for place in places)
    if record < RECOGNISABLE:
        return places[-1]
    return max(place for place in places if values[place] >= record - AS_GOOD)


def plateau(
    values: Sequence[float], done: Sequence[float], least_share: float, patience: int
) -> int | None:
    """The place of the first look with which `patience` in a row have brought nothing, not before
    `least_share` of the steps; None while there is hope.

    As long as nobody was recognisable there is nothing to lose by going on; patience 0 hopes for
    ever.
    """
    record, idle = 0.0, 0
    for place, (value, share) in enumerate(zip(values, done, strict=True)):
        if value > record + LEAST_GAIN:
            record, idle = value, 0
        else:
            idle += 1
        is_enough = 0 < patience <= idle and record >= RECOGNISABLE
        if is_enough and share >= least_share:
            return place
    return None
