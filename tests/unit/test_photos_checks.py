"""Verdicts as a table: measurements in, reasons out."""

from typing import Any

import pytest

from engine.contract.photos import PhotoLimits
from engine.photos.checks import Measurements, reasons
from engine.photos.faces import Detection

LIMITS = PhotoLimits()


def box(left: float = 400, top: float = 300, size: float = 300, score: float = 1.5) -> Detection:
    return Detection(left, top, left + size, top + size, score)


def verdict(*faces: Detection, **measured: Any) -> list[dict[str, Any]]:
    seen = {
        "width_px": 1200,
        "height_px": 1600,
        "brightness": 0.5,
        "sharpness": 0.7,
    } | measured
    found = reasons(Measurements(faces=faces, **seen), LIMITS)
    return [reason.model_dump(mode="json") for reason in found]


def test_a_good_photo() -> None:
    assert verdict(box()) == []


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        (
            {"width_px": 511},
            {"code": "low_resolution", "width_px": 511, "height_px": 1600, "min_side_px": 512},
        ),
        ({"sharpness": 0.1}, {"code": "blurry", "sharpness": 0.1, "min_sharpness": 0.24}),
        ({"brightness": 0.1}, {"code": "too_dark", "brightness": 0.1, "min_brightness": 0.19}),
        ({"brightness": 0.99}, {"code": "too_bright", "brightness": 0.99, "max_brightness": 0.94}),
    ],
)
def test_one_fault(measured: dict[str, Any], reason: dict[str, Any]) -> None:
    assert verdict(box(left=100), **measured) == [reason]


def test_limits_themselves_are_still_good() -> None:
    assert verdict(box(size=100), width_px=512, sharpness=0.24, brightness=0.19) == []
    assert verdict(box(size=100), brightness=0.94) == []


def test_several_faults_at_once() -> None:
    found = verdict(box(size=60), height_px=500, sharpness=0.05, brightness=0.05)

    assert [reason["code"] for reason in found] == [
        "low_resolution",
        "face_too_small",
        "blurry",
        "too_dark",
    ]


def test_no_face() -> None:
    assert verdict(sharpness=0.0) == [{"code": "no_face"}]
    assert [reason["code"] for reason in verdict(brightness=0.05)] == ["too_dark", "no_face"]


def test_a_group_is_several_and_a_passer_by_is_not() -> None:
    friends = [box(size=300), box(left=800, size=280), box(left=100, size=150)]
    passers_by = [box(size=300), box(left=800, size=90), box(left=100, size=60)]

    assert verdict(*friends) == [{"code": "several_faces", "num_faces": 3}]
    assert verdict(*passers_by) == []


@pytest.mark.parametrize(
    ("face", "side"),
    [
        (box(left=-40), "left"),
        (box(left=950), "right"),
        (box(top=-40), "top"),
        (box(top=1340), "bottom"),
    ],
)
def test_cut_off(face: Detection, side: str) -> None:
    assert verdict(face) == [{"code": "face_cut_off", "side": side}]


def test_a_detector_may_reach_a_little_beyond_the_border() -> None:
    assert verdict(box(left=-15)) == []
    assert verdict(box(top=-15)) == []
