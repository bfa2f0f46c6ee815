"""Chooses the photos that a training never sees, so that it can be judged by them.

Likeness to photos that were trained on rewards learning them by heart; likeness to others does not.
Pure: reports in, hashes out. Knows no pixels.
"""

from collections.abc import Collection, Sequence
from math import dist
from statistics import median

from engine.contract.photos import PhotoReport

FEWEST_PHOTOS = 8
"""With fewer, each one is worth more to the training than to its judge."""
MANY_PHOTOS = 12
FRONTAL_DEG = 25.0
"""Previews look into the camera; a face turned farther away would be compared with another view."""


def choose(reports: Sequence[PhotoReport], known: Collection[str] = ()) -> tuple[str, ...]:
    """Hashes of two photos of 8, three of 12 and more; none of fewer.

    The most usual photos are taken: an odd one would make a bad ruler.

    Args:
        known: hashes that an earlier training, which this one goes on from, has seen.
    """
    faces = {r.sha256: r.face for r in reports if r.accepted and r.face is not None}
    if len(faces) < FEWEST_PHOTOS:
        return ()
    wanted = 3 if len(faces) >= MANY_PHOTOS else 2

    def oddness(sha256: str) -> tuple[bool, float, str]:
        own = faces[sha256]
        others = [dist(own.embedding, face.embedding) for s, face in faces.items() if s != sha256]
        return abs(own.yaw_deg) > FRONTAL_DEG, round(median(others), 6), sha256

    unseen = sorted((sha256 for sha256 in faces if sha256 not in known), key=oddness)
    return tuple(sorted(unseen[:wanted])) if len(unseen) >= wanted else ()
