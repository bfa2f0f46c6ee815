"""The whole look at a photo of a synthetic face, and at what may have befallen it."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from math import dist
from multiprocessing import get_context

import numpy as np
import pytest
from photo_samples import ANN, codes, encoded, face
from PIL import Image, ImageEnhance, ImageFilter

from engine.contract.photos import PhotoLimits, PhotoReport
from engine.photos.faces import Detection, describe
from engine.photos.report import look


@pytest.fixture(scope="module")
def seen() -> dict[str, PhotoReport]:
    return {name: look(encoded(face(name))) for name in (*ANN, "bob-front")}


def on(width: int, height: int, *placed: tuple[Image.Image, int, int]) -> Image.Image:
    scene = Image.effect_noise((width, height), 12).convert("RGB")
    for image, left, top in placed:
        scene.paste(image, (left, top))
    return scene


def test_good_photos_are_accepted(seen: dict[str, PhotoReport]) -> None:
    for report in seen.values():
        assert codes(report) == []
        assert report.face is not None
        assert len(report.face.embedding) == 128
        assert (report.width_px, report.height_px, report.format) == (640, 640, "jpeg")
        assert len(report.fingerprint) == 16
        assert report.light is not None


def test_faces_point_where_they_were_turned(seen: dict[str, PhotoReport]) -> None:
    """They were drawn at 0, -27, 27 and 5 degrees."""
    yaws = [report.face.yaw_deg if report.face else 99 for report in seen.values()]

    assert yaws == pytest.approx([0, -27, 27, 5], abs=10)


def test_persons_are_told_apart(seen: dict[str, PhotoReport]) -> None:
    faces = {name: report.face.embedding for name, report in seen.items() if report.face}
    limit = PhotoLimits().max_distance

    assert all(dist(faces[a], faces[b]) < limit for a in ANN for b in ANN)
    assert all(dist(faces[a], faces["bob-front"]) > limit for a in ANN)


def test_box_and_landmarks_are_in_the_photos_own_pixels(seen: dict[str, PhotoReport]) -> None:
    large = look(encoded(on(2000, 2400, (face().resize((1280, 1280)), 400, 800))))

    small = seen["ann-front"].face
    assert large.face is not None
    assert small is not None
    for (x, y), (small_x, small_y) in zip(large.face.landmarks, small.landmarks, strict=True):
        assert (x, y) == pytest.approx((small_x * 2 + 400, small_y * 2 + 800), abs=12)
    assert large.face.size_px == pytest.approx(2 * small.size_px, rel=0.15)
    left, top, right, bottom = large.face.box
    assert all(left < x < right and top < y < bottom for x, y in large.face.landmarks)


def smeared(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image, dtype=float)
    shifted = [np.roll(pixels, step, axis=1) for step in range(30)]
    return Image.fromarray(np.mean(shifted, axis=0).astype(np.uint8))


def face_alone_blurred(image: Image.Image) -> Image.Image:
    sharp = Image.effect_noise(image.size, 120).convert("RGB")
    part = image.filter(ImageFilter.GaussianBlur(7)).crop((150, 60, 500, 470))
    sharp.paste(part, (150, 60))
    return sharp


def noisy_and_blurred(image: Image.Image) -> Image.Image:
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(8)), dtype=float)
    noise = np.random.default_rng(0).normal(0, 14, soft.shape)
    return Image.fromarray(np.clip(soft + noise, 0, 255).astype(np.uint8))


def blown_out(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(2.4)


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (lambda image: image.filter(ImageFilter.GaussianBlur(8)), ["blurry"]),
        (smeared, ["blurry"]),
        (face_alone_blurred, ["blurry"]),
        (noisy_and_blurred, ["blurry"]),
        (lambda image: ImageEnhance.Brightness(image).enhance(0.18), ["too_dark"]),
        (blown_out, ["too_bright"]),
        (lambda image: image.resize((400, 400)), ["low_resolution"]),
        (lambda image: on(1200, 900, (image.resize((200, 200)), 500, 300)), ["face_too_small"]),
        (lambda image: image.crop((245, 0, 640, 640)).resize((790, 1280)), ["face_cut_off"]),
        (
            lambda image: on(1280, 640, (image, 0, 0), (face("bob-front"), 640, 0)),
            ["several_faces"],
        ),
        (lambda image: image.crop((0, 420, 640, 640)).resize((1280, 600)), ["no_face"]),
        (lambda image: on(900, 900), ["no_face"]),
        (lambda image: image.rotate(90), ["no_face"]),
        (lambda image: image.rotate(180), ["no_face"]),
    ],
)
def test_bad_photos_are_refused(
    harm: Callable[[Image.Image], Image.Image], expected: list[str]
) -> None:
    assert codes(look(encoded(harm(face())))) == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda image: ImageEnhance.Brightness(image).enhance(0.6),
        lambda image: ImageEnhance.Color(image).enhance(0.0),
        lambda image: image.filter(ImageFilter.GaussianBlur(1.2)),
        lambda image: image.rotate(12, expand=False),
        lambda image: on(
            1280, 900, (image, 0, 100), (face("bob-front").resize((160, 160)), 900, 300)
        ),
        lambda image: image.crop((130, 80, 520, 470)).resize((900, 900)),
    ],
    ids=["dim", "grey", "a little soft", "tilted", "someone far behind", "very close"],
)
def test_harmless_changes_are_accepted(change: Callable[[Image.Image], Image.Image]) -> None:
    assert codes(look(encoded(change(face())))) == []


def test_the_surroundings_of_a_face_may_be_larger_than_any_photo() -> None:
    """A face that fills 25 megapixels has surroundings of 200, more than Pillow would cut."""
    side = 5000
    small = face().crop((150, 100, 500, 450))

    filled = Detection(0, 0, side, side, 1.0)
    large = describe(np.asarray(small.resize((side, side))), filled)

    same = describe(np.asarray(small), Detection(0, 0, 350, 350, 1.0))
    assert large.landmarks * 350 / side == pytest.approx(same.landmarks, abs=8)
    assert dist(large.embedding, same.embedding) < 0.2


def test_what_is_no_photo_has_a_report_too() -> None:
    data = b"a letter to someone"

    report = look(data)

    assert report.sha256 == sha256(data).hexdigest()
    assert codes(report) == ["unreadable"]
    assert report.face is None


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (7, 700)])
def test_odd_shapes(size: tuple[int, int]) -> None:
    assert codes(look(encoded(Image.new("RGB", size, "grey")))) == ["low_resolution", "no_face"]


def test_looks_in_a_process_pool_and_reports_as_json() -> None:
    data = encoded(face())
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        report = pool.submit(look, data, PhotoLimits()).result()

    assert report == look(data)
    assert PhotoReport.model_validate_json(report.model_dump_json()) == report
