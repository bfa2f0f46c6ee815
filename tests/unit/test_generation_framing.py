"""Cuts keep the head: whole within a circle for profiles, and well placed in other shapes."""

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.generation.framing import (
    CHIN,
    HAIR,
    PORTRAIT,
    Face,
    Size,
    profile,
    shapes_of,
    window,
)

SIZES = ((1024, 1024), (896, 1152), (256, 256))


def face_at(x: float, y: float, height: float) -> Face:
    return x - height / 2, y - height / 2, x + height / 2, y + height / 2


def farthest(box: tuple[int, int, int, int], face: Face) -> float:
    """Of crown, chin, and temples from the centre of the circle, in its radii."""
    left, top, right, bottom = box
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    height = face[3] - face[1]
    points = (
        (x, face[1] - HAIR * height),
        (x, face[3] + CHIN * height),
        (face[0], y),
        (face[2], y),
    )
    middle = (left + right) / 2, (top + bottom) / 2
    return max(hypot(px - middle[0], py - middle[1]) for px, py in points) / ((right - left) / 2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("share", [0.15, 0.3, 0.36])
@pytest.mark.parametrize("x", [0.4, 0.5, 0.6])
def test_the_whole_head_is_in_the_circle(size: Size, share: float, x: float) -> None:
    height = share * min(size)
    face = face_at(x * size[0], 0.45 * size[1], height)

    assert farthest(profile(size, face), face) <= 1.0


def test_the_head_fills_most_of_the_circle() -> None:
    face = face_at(512, 460, 220)

    assert farthest(profile((1024, 1024), face), face) > 0.6


def test_a_head_at_the_edge_loses_as_little_as_can_be() -> None:
    face = face_at(940, 500, 220)
    chosen = profile((1024, 1024), face)

    assert chosen[2] == 1024
    narrow = (1024 - 594, 203, 1024, 797)  # as large as where there is room, at the edge
    assert farthest(chosen, face) < farthest(narrow, face)


def test_without_a_face_the_middle_is_kept() -> None:
    assert profile((1024, 1024), None) == (0, 0, 1024, 1024)
    left, top, right, bottom = profile((800, 1000), None)
    assert (left, right, bottom - top) == (0, 800, 800)
    assert top < 100  # heads are above the middle of a portrait


def test_each_picture_gets_the_shape_that_it_has_not() -> None:
    assert shapes_of((1024, 1024)) == ("profile", "portrait")
    assert shapes_of((896, 1152)) == ("profile", "square")


def test_a_square_of_a_portrait_is_as_large_as_can_be() -> None:
    left, top, right, bottom = window("square", (896, 1152), face_at(448, 400, 260))

    assert (left, right, bottom - top) == (0, 896, 896)
    assert top + 0.3 * 896 < 400 < top + 0.5 * 896


def test_a_portrait_of_a_square_follows_the_face() -> None:
    left, top, right, bottom = window("portrait", (1024, 1024), face_at(600, 400, 260))

    assert (top, bottom) == (0, 1024)
    assert (right - left) / (bottom - top) == pytest.approx(PORTRAIT, abs=0.01)
    assert (left + right) / 2 == pytest.approx(600, abs=1)


@given(
    size=st.tuples(st.integers(16, 3000), st.integers(16, 3000)),
    box=st.tuples(*[st.floats(-500, 3500)] * 2, *[st.floats(4, 3000)] * 2),
    shape=st.sampled_from(["profile", "square", "portrait"]),
)
def test_whatever_a_detector_says_the_cut_is_within_the_picture(
    size: Size, box: tuple[float, float, float, float], shape: str
) -> None:
    left, top, width, height = box
    face = (left, top, left + width, top + height)

    found = window(shape, size, face)  # type: ignore[arg-type]

    assert 0 <= found[0] < found[2] <= size[0]
    assert 0 <= found[1] < found[3] <= size[1]
    if shape != "portrait":
        assert found[2] - found[0] == found[3] - found[1]
