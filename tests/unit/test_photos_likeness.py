"""Likeness: monotone, calibrated by the person's own photos, honest about strangers."""

from math import dist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from photo_samples import ANN, face

from engine.photos.likeness import calibrate, embed, likeness

ORIGIN = (0.0,) * 128


def at(distance: float) -> tuple[float, ...]:
    return (distance, *ORIGIN[1:])


def around(spread: float, count: int = 12) -> list[tuple[float, ...]]:
    """Embeddings whose distances to one another are all `spread`."""
    return [tuple(np.eye(128)[i] * spread / np.sqrt(2)) for i in range(count)]


def test_meaning() -> None:
    typical = 0.45

    assert likeness(ORIGIN, [ORIGIN], typical) == 1.0
    assert likeness(at(typical), [ORIGIN], typical) == pytest.approx(0.8)
    assert 0 < likeness(at(0.6), [ORIGIN], typical) < 0.6
    assert likeness(at(0.8), [ORIGIN], typical) == pytest.approx(0.0)
    assert likeness(at(1.5), [ORIGIN], typical) == 0.0


@given(a=st.floats(0, 1.5), b=st.floats(0, 1.5), typical=st.floats(0.3, 0.6))
def test_farther_is_never_more_alike(a: float, b: float, typical: float) -> None:
    near, far = sorted((a, b))

    assert (
        0.0 <= likeness(at(far), [ORIGIN], typical) <= likeness(at(near), [ORIGIN], typical) <= 1.0
    )


def test_one_odd_reference_changes_little() -> None:
    usual = [ORIGIN] * 5

    assert likeness(at(0.3), [*usual, at(5.0)], 0.45) == pytest.approx(
        likeness(at(0.3), usual, 0.45)
    )


def test_without_references() -> None:
    with pytest.raises(ValueError, match="at least one"):
        likeness(ORIGIN, [], 0.45)


def test_typical_distance_is_measured_within_reason() -> None:
    assert calibrate(around(0.4)) == pytest.approx(0.4)
    assert calibrate(around(0.02)) == 0.30
    assert calibrate(around(0.9)) == 0.60
    assert calibrate([ORIGIN]) == calibrate([]) == 0.45


def test_faces() -> None:
    ann = [embed(np.asarray(face(name).resize((256, 256)))) for name in ANN]
    bob = embed(np.asarray(face("bob-front")))
    references = [one for one in ann if one is not None]
    typical = calibrate(references)

    assert len(references) == 3
    assert bob is not None
    own = likeness(references[0], references[1:], typical)
    assert own > 0.75
    assert likeness(bob, references, typical) < 0.4 < own
    assert dist(references[0], references[1]) < dist(references[0], bob)


def test_no_face() -> None:
    assert embed(np.full((256, 256, 3), 127, np.uint8)) is None
