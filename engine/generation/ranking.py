"""Which of the pictures drawn are shown: good ones, the most like the person first, no two alike.

Pure: judges what others saw of the pictures (`Look`), and knows neither pixels nor models.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import dist, sqrt

from engine.contract.events import Flaw

MIN_SHARPNESS = 0.24
"""Of the face; the limit for photos that people send."""
MIN_LIKENESS = 0.4
"""Likeness at about the distance beyond which two faces are taken for two persons (0.6)."""
GOOD_LIKENESS = 0.84
"""Well within what the person's own photos differ by (0.8 is the edge): a picture beyond it may
pass, but more are drawn before it has to."""
MIN_EYES_OPEN = 0.5
SHARPNESS_WORTH = 0.02
"""Between two pictures that are equally like the person the sharper one wins, and no more: nearly
all good ones have likenesses between 0.8 and 0.87."""
USUAL_SHARPNESS = 0.5
"""Of a face too small to tell."""
FLAW_COST = 2.0
"""More than likeness can make good: a picture with a flaw comes after all that have none."""
ALIKE = 0.06
"""Pictures whose small copies differ by less (root mean square, of 0 .. 1) look alike: the same
clothes and pose in the same place. Half of the pairs of one style differ by 0.15 and more."""
VARIETY_WORTH = 0.25
"""Of likeness that is given away rather than to show the same picture twice."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Look:
    """What is seen of one picture."""

    num_faces: int
    face: Box | None = None
    """Left, top, right, bottom of the largest, px."""
    is_whole: bool = True
    """The face lies inside the frame."""
    sharpness: float | None = None
    """Of the face, 0 .. 1."""
    eyes_open: float | None = None
    """0 closed .. 1 open; None where it cannot be told."""
    likeness: float | None = None
    """0 .. 1; None where there is nothing to compare with."""
    small: tuple[float, ...] = ()
    """The picture in very few pixels, each 0 .. 1: what it shows at a glance."""
    missing: float = 0.0
    """What it lacks of what was asked for, as likeness that it is worth."""


UNSEEN = Look(num_faces=1)
"""Stands for a picture that nobody could look at: no reason to hide it."""


def flaws(look: Look) -> tuple[Flaw, ...]:
    """What is wrong with a picture, the gravest first."""
    if look.num_faces == 0:
        return (Flaw.NO_FACE,)
    found = {
        Flaw.SEVERAL_FACES: look.num_faces > 1,
        Flaw.CUT_OFF: not look.is_whole,
        Flaw.UNLIKE: look.likeness is not None and look.likeness < MIN_LIKENESS,
        Flaw.BLURRY: look.sharpness is not None and look.sharpness < MIN_SHARPNESS,
        Flaw.EYES_CLOSED: look.eyes_open is not None and look.eyes_open < MIN_EYES_OPEN,
    }
    return tuple(flaw for flaw, is_there in found.items() if is_there)


def worth(look: Look) -> float:
    """Higher is better. Likeness counts, less what was asked for and is not there; a flaw weighs
    more than any likeness.
    """
    likeness = 0.0 if look.likeness is None else look.likeness
    sharpness = USUAL_SHARPNESS if look.sharpness is None else look.sharpness
    good = likeness + SHARPNESS_WORTH * sharpness - look.missing
    return good - FLAW_COST * len(flaws(look))


def choose(looks: Sequence[Look], count: int) -> list[int]:
    """The rows of the pictures to show, the best first; all of them if there are not more.

    Greedy, by maximal marginal relevance (Carbonell and Goldstein, 1998): each next one is the
    best by its worth, less what it repeats of those already chosen.
    """
    chosen: list[int] = []
    left = list(range(len(looks)))
    while left and len(chosen) < count:
        gains = {row: worth(looks[row]) - _repeats(looks, row, chosen) for row in left}
        best = max(left, key=lambda row: gains[row])
        chosen.append(best)
        left.remove(best)
    return chosen


def are_enough(looks: Sequence[Look], count: int) -> bool:
    """Whether so many show the person without a flaw, within what their own photos differ by, and
    what was asked for.
    """
    return sum(_is_good(look) for look in looks) >= count


def _is_good(look: Look) -> bool:
    if flaws(look):
        return False
    return (1.0 if look.likeness is None else look.likeness) - look.missing >= GOOD_LIKENESS


def shortcoming(looks: Sequence[Look]) -> Flaw | None:
    """What to tell of the shown pictures if none of them is good: their commonest flaw."""
    found = [flaws(look) for look in looks]
    if not found or not all(found):
        return None
    return Counter(flaw for each in found for flaw in each).most_common(1)[0][0]


def _repeats(looks: Sequence[Look], row: int, chosen: Sequence[int]) -> float:
    closest = min((_difference(looks[row], looks[other]) for other in chosen), default=ALIKE)
    return VARIETY_WORTH * max(0.0, 1.0 - closest / ALIKE)


def _difference(one: Look, other: Look) -> float:
    if not one.small or len(one.small) != len(other.small):
        return ALIKE
    return dist(one.small, other.small) / sqrt(len(one.small))
