"""Training pictures: what is cut out, at which size, how it is called and how much it weighs."""

from collections import Counter
from io import BytesIO
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from photo_samples import ANN, encoded, face, made_up_report
from PIL import Image

from engine.contract.manifests import DatasetManifest
from engine.contract.photos import Face, Light, PhotoReport, Reason
from engine.photos.captions import Usual, caption
from engine.photos.dataset import MAX_ENLARGEMENT, build, plan
from engine.photos.report import look

Photos = list[tuple[bytes, PhotoReport]]


@pytest.fixture(scope="module")
def photos() -> Photos:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    files = [encoded(face(name), exif=exif.tobytes()) for name in ANN]
    return [(data, look(data)) for data in files]


def built(photos: Photos, *resolutions_px: int) -> tuple[DatasetManifest, dict[str, bytes]]:
    return build(
        photos,
        prefix="people/p/datasets/d/",
        trigger="TOK",
        class_word="person",
        resolutions_px=resolutions_px or (256,),
    )


def opened(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png))


def test_each_photo_gives_a_face_and_a_frame(photos: Photos) -> None:
    manifest, pictures = built(photos)

    assert [example.key for example in manifest.examples] == list(pictures)
    assert Counter(example.view for example in manifest.examples) == {"face": 3, "frame": 3}
    assert {example.photo_sha256 for example in manifest.examples} == {
        report.sha256 for _, report in photos
    }
    for example in manifest.examples:
        picture = opened(pictures[example.key])
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        assert picture.size == (example.width_px, example.height_px)
        assert not picture.info
        assert example.key.startswith("people/p/datasets/d/")


def test_the_same_photos_give_the_same_bytes(photos: Photos) -> None:
    assert built(photos) == built(photos)


def test_captions_with_and_without_the_trigger(photos: Photos) -> None:
    for example in built(photos)[0].examples:
        assert example.caption.startswith("photo of TOK person, ")
        assert example.plain_caption == example.caption.replace("TOK person", "a person")


def test_the_face_lies_within_its_crop(photos: Photos) -> None:
    data, report = photos[0]
    manifest, pictures = built([(data, report)], 512)

    crop = np.asarray(opened(pictures[manifest.examples[0].key]))

    assert manifest.examples[0].view == "face"
    again = look(encoded(Image.fromarray(crop)))
    assert again.face is not None
    left, top, right, bottom = again.face.box
    assert min(left, top, 512 - right, 512 - bottom) > 30


def test_where_the_face_is_holds_for_the_picture_that_was_cut_out(photos: Photos) -> None:
    manifest, pictures = built([photos[0]], 512)

    for example in manifest.examples:
        again = look(encoded(opened(pictures[example.key])))
        assert again.face is not None
        assert example.face is not None
        sides = (example.width_px, example.height_px) * 2
        for said, found, side in zip(example.face, again.face.box, sides, strict=True):
            assert abs(said - found / side) < 0.06


def test_refused_and_unreadable_photos_are_left_out(photos: Photos) -> None:
    no_face = Reason.model_validate({"code": "no_face"})
    refused = photos[1][1].model_copy(update={"reasons": (no_face,)})

    manifest, _ = built([photos[0], (photos[1][0], refused), (b"lost", photos[2][1])])

    assert {example.photo_sha256 for example in manifest.examples} == {photos[0][1].sha256}


def test_a_small_photo_takes_a_smaller_bucket(photos: Photos) -> None:
    sizes = {(e.view, e.width_px) for e in built(photos[:1], 256, 1024, 1536)[0].examples}

    assert sizes == {("face", 256), ("frame", 256), ("face", 640), ("frame", 896)}


def face_at(left: int, top: int, size: int) -> Face:
    face = made_up_report(0).face
    assert face is not None
    return face.model_copy(update={"box": (left, top, left + size, top + size)})


@given(
    width=st.integers(512, 6000),
    height=st.integers(512, 6000),
    size=st.integers(100, 2000),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    resolution=st.sampled_from([256, 512, 768, 1024]),
)
def test_any_cut_lies_in_the_photo_and_fits_the_model(
    width: int, height: int, size: int, x: float, y: float, resolution: int
) -> None:
    size = min(size, width, height)
    cuts = plan(width, height, face_at(int(x * width), int(y * height), size), [resolution])

    assert [cut.view for cut in cuts] == ["face", "frame"]
    for cut in cuts:
        left, top, right, bottom = cut.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert cut.width_px % 16 == 0
        assert cut.height_px % 16 == 0
        area = sqrt(cut.width_px * cut.height_px)
        assert area <= resolution * 1.05
        available = sqrt((right - left) * (bottom - top))
        assert area <= max(MAX_ENLARGEMENT * available * 1.05, 256 * 1.05)
        stretch = (cut.width_px / cut.height_px) / ((right - left) / (bottom - top))
        assert 0.85 < stretch < 1.18


def test_frames_keep_the_photos_proportions_and_come_near() -> None:
    far = plan(4000, 3000, face_at(1800, 1200, 150), [512])[1]
    tall = plan(1500, 2000, face_at(500, 500, 500), [512])[1]

    assert far.box[2] - far.box[0] < 1500
    assert tall.box == (0, 0, 1500, 2000)
    assert tall.width_px / tall.height_px == pytest.approx(0.75, rel=0.05)


def test_a_face_crop_is_never_the_frame_again() -> None:
    for size in (200, 300, 400, 500):
        face_cut, frame = plan(1000, 1000, face_at(300, 300, size), [512])

        assert frame.box == (0, 0, 1000, 1000)
        assert face_cut.box[2] - face_cut.box[0] < 960


def test_photos_that_repeat_one_another_share_their_weight(photos: Photos) -> None:
    front, left, right = photos
    manifest, _ = built([front, front, left, right])

    weights = {(e.photo_sha256, e.view): e.weight for e in manifest.examples}

    repeated, single = front[1].sha256, left[1].sha256
    assert weights[repeated, "face"] < 0.65 * weights[single, "face"]
    assert weights[single, "frame"] < weights[single, "face"]
    mean = sum(example.weight for example in manifest.examples) / len(manifest.examples)
    assert mean == pytest.approx(1.0, abs=0.05)


def test_frames_of_one_head_turn_share_their_weight(photos: Photos) -> None:
    """Three sides of a face in one scene, and one photo of another day."""
    data = photos[0][0]
    turn = [
        made_up_report(n, turn_deg=30.0 * n, fingerprint=0xFF00FF00FF00FF00 + n) for n in range(3)
    ]
    other_day = made_up_report(3, turn_deg=60.0, fingerprint=0x0F0F0F0F0F0F0F0F)
    weights = {
        e.photo_sha256: e.weight
        for e in built([(data, report) for report in (*turn, other_day)])[0].examples
        if e.view == "face"
    }

    assert weights[turn[1].sha256] < 0.5 * weights[other_day.sha256]


def test_sizes_of_one_view_share_its_weight(photos: Photos) -> None:
    one = {e.view: e.weight for e in built(photos[:1], 512)[0].examples}
    two = dict.fromkeys(one, 0.0)
    for example in built(photos[:1], 256, 512)[0].examples:
        two[example.view] += example.weight

    assert two == pytest.approx(one)


USUAL = Usual(brightness=0.5, contrast=0.12, warmth=0.1, pitch_deg=5.0)


def described(
    share: float = 0.3,
    yaw: float = 0.0,
    pitch: float = 5.0,
    roll: float = 0.0,
    brightness: float = 0.5,
    contrast: float = 0.12,
    side: float = 0.0,
    warmth: float = 0.1,
) -> str:
    turned = face_at(0, 0, 100).model_copy(
        update={"yaw_deg": yaw, "pitch_deg": pitch, "roll_deg": roll}
    )
    light = Light(brightness=brightness, contrast=contrast, side=side, warmth=warmth)
    return caption("TOK person", turned, light, USUAL, share)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (described(), "head and shoulders, facing the camera"),
        (described(0.5), "close-up, facing the camera"),
        (described(0.2), "upper body, facing the camera"),
        (described(0.1), "wide shot, facing the camera"),
        (described(yaw=20), "head and shoulders, head turned slightly to the right"),
        (described(yaw=-40), "head and shoulders, head turned to the left"),
        (described(pitch=18), "head and shoulders, facing the camera, chin raised"),
        (described(pitch=-9), "head and shoulders, facing the camera, chin lowered"),
        (described(roll=-20), "head and shoulders, facing the camera, head tilted"),
        (
            described(0.5, brightness=0.7, contrast=0.05),
            "close-up, facing the camera, soft bright light",
        ),
        (
            described(brightness=0.3, contrast=0.2, warmth=0.4),
            "head and shoulders, facing the camera, hard dim warm light",
        ),
        (
            described(side=-0.6, warmth=-0.2),
            "head and shoulders, facing the camera, cool light from the left",
        ),
    ],
)
def test_captions_say_what_varies(said: str, expected: str) -> None:
    assert said == f"photo of TOK person, {expected}"
