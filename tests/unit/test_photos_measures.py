"""What is measured of a face: sharpness, light, direction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_samples import face
from PIL import Image, ImageEnhance, ImageFilter

from engine.photos import light, pose
from engine.photos.decoding import RGB
from engine.photos.sharpness import sharpness


def crop(size_px: int = 280) -> Image.Image:
    return face().crop((184, 126, 464, 406)).resize((size_px, size_px))


def pixels(image: Image.Image) -> RGB:
    return np.asarray(image)


def blurred(image: Image.Image, share: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(share * image.width))


def noisy(image: Image.Image, strength: float) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, strength, (*image.size, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def test_the_more_blur_the_less_sharp() -> None:
    measured = [sharpness(pixels(blurred(crop(), share))) for share in (0, 0.01, 0.02, 0.04)]

    assert measured == sorted(measured, reverse=True)
    assert measured[0] > 0.7
    assert measured[3] < 0.15


def test_neither_noise_nor_contrast_nor_size_make_a_blurred_face_sharp() -> None:
    soft = blurred(crop(), 0.03)
    plain = sharpness(pixels(soft))

    assert sharpness(pixels(noisy(soft, 15))) == pytest.approx(plain, abs=0.06)
    assert sharpness(pixels(ImageEnhance.Contrast(soft).enhance(1.6))) < plain + 0.06
    assert sharpness(pixels(soft.resize((900, 900)))) == pytest.approx(plain, abs=0.06)


def test_a_smear_in_any_direction_counts() -> None:
    sharp = sharpness(pixels(crop()))
    for axes in ((0,), (1,), (0, 1)):
        stack = [np.roll(pixels(crop()), (i,) * len(axes), axes) for i in range(25)]
        assert sharpness(np.mean(stack, axis=0).astype(np.uint8)) < 0.5 * sharp


@pytest.mark.parametrize("value", [0, 128, 255])
def test_where_nothing_is_to_be_seen_nothing_is_sharp(value: int) -> None:
    assert sharpness(np.full((50, 50, 3), value, np.uint8)) == 0.0


def half_lit() -> RGB:
    rgb = np.full((100, 100, 3), 30, np.uint8)
    rgb[:, 50:] = 170
    return rgb


def test_light_from_a_side_leaves_the_face_bright() -> None:
    measured = light.measure(half_lit())

    assert measured.brightness > 0.6
    assert measured.side > 0.8
    assert light.measure(half_lit()[:, ::-1]).side < -0.8


def test_brightness_and_contrast() -> None:
    plain = np.full((80, 60, 3), 128, np.uint8)

    assert light.measure(plain).brightness == pytest.approx(0.5, abs=0.01)
    assert light.measure(plain).contrast == 0.0
    assert light.measure(half_lit()).contrast > 0.2
    assert light.overall(plain) == pytest.approx(0.5, abs=0.01)


def test_warmth() -> None:
    def lit(red: int, blue: int) -> float:
        return light.measure(np.full((9, 9, 3), (red, 128, blue), np.uint8)).warmth

    assert lit(200, 60) > lit(150, 110) > lit(110, 150)


@settings(max_examples=40, deadline=None)
@given(
    yaw=st.floats(-45, 45),
    pitch=st.floats(-15, 15),
    roll=st.floats(-40, 40),
    scale=st.floats(0.5, 20),
    x=st.floats(0, 4000),
)
def test_a_heads_direction_is_found_again(
    yaw: float, pitch: float, roll: float, scale: float, x: float
) -> None:
    turned = pose.project(pose.HEAD, *np.radians([yaw, pitch, roll])) * scale + (x, 500)

    found = pose.estimate(turned)

    assert found.yaw_deg == pytest.approx(yaw, abs=5)
    assert found.pitch_deg == pytest.approx(pitch, abs=9)
    assert found.roll_deg == pytest.approx(roll, abs=5)


def test_landmarks_in_one_point_are_no_error() -> None:
    assert abs(pose.estimate(np.full((5, 2), 7.0)).yaw_deg) < 90
