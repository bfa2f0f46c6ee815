"""Which look at a training is the best, and when no better one is to be hoped for.

Pure: what looks are worth, in their order. Likeness is not monotonic in steps and the loss does not
show it (docs/decisions/0011), so the end is decided by looking.
"""

from collections.abc import Sequence
from itertools import pairwise

LEAST_GAIN = 0.01
"""What a look must bring over the best one before it. Less is noise: a look sees few pictures."""
LEAST_SHARE = 0.5
"""Of the steps, before which nothing ends and nothing is kept: a face is recognised long before its
hair and skin are right, and whoever judges looks knows faces alone."""
RECOGNISABLE = 0.3
"""Below it a face is nobody in particular: half way from a stranger to the person's own photos is
0.4. Where nothing better was seen, chance must not decide."""


def smoothed(values: Sequence[float]) -> list[float]:
    """Each look and the one before it: four pictures say little, and weights change slowly."""
    return [*values[:1], *((before + this) / 2 for before, this in pairwise(values))]


def best(values: Sequence[float], done: Sequence[float]) -> int:
    """The place of the best look; of those as good as it the latest, which has seen more.

    `done` is the share of the steps that each look came after. The early ones count only as long
    as there is no other.
    """
    places = [place for place, share in enumerate(done) if share >= LEAST_SHARE]
    places = places or list(range(len(values)))
    record = max(values[place] for place in places)
    if record < RECOGNISABLE:
        return places[-1]
    return max(place for place in places if values[place] >= record - LEAST_GAIN)


def is_over(values: Sequence[float], patience: int, done: float) -> bool:
    """Whether the last `patience` looks brought nothing, with this share of the steps done.

    As long as nobody was recognisable there is nothing to lose by going on; patience 0 waits for
    ever.
    """
    if done < LEAST_SHARE:
        return False
    record, idle = 0.0, 0
    for value in values:
        if value > record + LEAST_GAIN:
            record, idle = value, 0
        else:
            idle += 1
    return patience > 0 and record >= RECOGNISABLE and idle >= patience
