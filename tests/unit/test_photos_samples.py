"""The committed samples, looked at and judged together: the good are good, the bad are bad."""

from io import BytesIO
from pathlib import Path

import pytest
from photo_samples import encoded
from PIL import Image

import engine.demo
from engine.contract.photo_set import judge
from engine.contract.photos import PhotoReport
from engine.photos.likeness import calibrate, likeness
from engine.photos.report import look

SAMPLES = Path(engine.demo.__file__).parent / "samples"
BAD = {
    "blurred": ["blurry"],
    "dark": ["too_dark"],
    "small_face": ["face_too_small"],
    "someone_else": ["not_the_same_person"],
    "two_people": ["several_faces"],
}


@pytest.fixture
def good(sample_reports: list[PhotoReport]) -> list[PhotoReport]:
    return sample_reports


def told(reports: list[PhotoReport]) -> list[list[str]]:
    return [[reason.code.value for reason in reasons] for reasons in judge(reports).reasons]


def test_good_ones_make_a_set(good: list[PhotoReport]) -> None:
    verdict = judge(good)

    assert told(good) == [[]] * 12
    assert verdict.ready
    assert verdict.missing == ()


def test_bad_ones_are_refused_for_what_is_bad_about_them(good: list[PhotoReport]) -> None:
    bad = [look((SAMPLES / "bad" / f"{name}.jpg").read_bytes()) for name in BAD]

    assert dict(zip(BAD, told([*good, *bad])[12:], strict=True)) == BAD


def test_the_same_photo_again_is_found_in_any_dress(good: list[PhotoReport]) -> None:
    photo = Image.open(BytesIO((SAMPLES / "good" / "selfie-03.jpg").read_bytes()))
    dresses = [
        encoded(photo, quality=50),
        encoded(photo.resize((640, 640)), "WEBP"),
        encoded(photo.crop((40, 40, 760, 760)), "HEIF"),
    ]

    assert told([*good, *map(look, dresses)])[12:] == [["near_duplicate"]] * 3


def test_each_good_one_is_like_the_others(good: list[PhotoReport]) -> None:
    faces = [report.face.embedding for report in good if report.face]
    typical = calibrate(faces)

    for i, own in enumerate(faces):
        assert likeness(own, [*faces[:i], *faces[i + 1 :]], typical) > 0.8
