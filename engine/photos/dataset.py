"""Turns accepted photos into pictures to learn from: face crops and wider frames, with captions.

Every picture fills an aspect bucket, so pictures of one size can be batched. Nothing is enlarged
much: where a crop has too few pixels, a smaller bucket is taken.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import dist, exp, hypot, sqrt
from typing import Literal

from PIL import Image

from engine.contract.manifests import DatasetManifest, Example
from engine.contract.photos import Face, PhotoLimits, PhotoReport, Reason
from engine.photos import captions, decoding

FACE_CROP_SIDES = 2.6
"""Side of the face crop in sides of the face's box: head and shoulders with a margin."""
CLOSE_CROP_SIDES = 1.9
"""The same where the frame itself is hardly wider than that: a second view, not the same twice."""
HARDLY_WIDER = 1.25
FACE_CENTRE = 0.46
"""Height of the box's middle in the face crop."""
FRAME_CENTRE = 0.40
MAX_FRAME_SIDES = 7.0
"""A frame is cut down to this many sides of the face's box: farther away there is no likeness."""
MAX_ENLARGEMENT = 1.5
ASPECTS = ((1, 1), (4, 5), (3, 4), (2, 3), (9, 16), (5, 4), (4, 3), (3, 2), (16, 9))
MULTIPLE_PX = 16
LADDER_PX = (256, 384, 512, 640, 768, 896, 1024, 1280, 1536)
"""Bases that a smaller bucket falls back to; few, because each size compiles its own kernels."""
FACE_SHARE = 0.6
"""Share of the weight that a photo's face crops have; its frames have the rest."""
WEIGHT_RANGE = (0.35, 2.0)
SAME_SCENE_BITS = 8.0
"""Of 64 in the perceptual hash: frames of one head turn differ by about as many, other photos by
about half of all bits."""
View = Literal["face", "frame"]
Box = tuple[int, int, int, int]
"""left, top, right, bottom, px"""


@dataclass(frozen=True)
class Cut:
    view: View
    box: Box
    width_px: int
    height_px: int


def build(
    photos: Sequence[tuple[bytes, PhotoReport]],
    *,
    prefix: str,
    trigger: str,
    class_word: str,
    resolutions_px: tuple[int, ...],
    held_out: Collection[str] = (),
) -> tuple[DatasetManifest, dict[str, bytes]]:
    """The manifest, and the PNG behind each of its keys. The same photos give the same bytes.

    Photos that were refused, or that cannot be read any more, are left out, and so are those whose
    hashes are `held_out`.
    """
    good = [
        (data, report)
        for data, report in photos
        if report.accepted and report.face and report.sha256 not in held_out
    ]
    reports = [report for _, report in good]
    usual = captions.Usual.of(reports)
    examples = list[Example]()
    pictures = dict[str, bytes]()
    for (data, report), weight in zip(good, _weights(reports), strict=True):
        picture = decoding.decode(data, _as_it_was(data, report))
        if isinstance(picture, Reason) or report.face is None:
            continue
        photo = Image.fromarray(picture.rgb)
        cuts = plan(photo.width, photo.height, report.face, resolutions_px)
        for cut in cuts:
            key = f"{prefix}{report.sha256[:16]}-{cut.view}-{cut.width_px}x{cut.height_px}.png"
            pictures[key] = _png(photo, cut)
            said = [
                captions.caption(
                    subject, report.face, report.light, usual, _share(report.face, cut)
                )
                for subject in (f"{trigger} {class_word}", f"a {class_word}")
            ]
            alike = sum(other.view == cut.view for other in cuts)
            part = FACE_SHARE if cut.view == "face" else 1 - FACE_SHARE
            examples.append(
                Example(
                    key=key,
                    photo_sha256=report.sha256,
                    view=cut.view,
                    width_px=cut.width_px,
                    height_px=cut.height_px,
                    caption=said[0],
                    plain_caption=said[1],
                    weight=round(weight * 2 * part / alike, 4),
                    face=_place(report.face, cut),
                )
            )
    manifest = DatasetManifest(
        trigger=trigger,
        class_word=class_word,
        examples=tuple(examples),
        held_out_sha256=tuple(sorted(held_out)),
    )
    return manifest, pictures


def _as_it_was(data: bytes, report: PhotoReport) -> PhotoLimits:
    """Whatever the limits were, this photo kept to them."""
    num_pixels = report.width_px * report.height_px
    return PhotoLimits(max_bytes=max(1, len(data)), max_pixels=max(1, num_pixels))


def plan(width_px: int, height_px: int, face: Face, resolutions_px: Sequence[int]) -> list[Cut]:
    """What is cut out of one photo, and the size it gets; no size twice for a view."""
    frame = _frame_box(width_px, height_px, face)
    boxes: dict[View, Box] = {"face": _face_box(width_px, height_px, face, frame), "frame": frame}
    cuts = list[Cut]()
    for view, box in boxes.items():
        sides = box[2] - box[0], box[3] - box[1]
        for resolution in resolutions_px:
            cut = Cut(view, box, *_bucket(*sides, resolution))
            if cut not in cuts:
                cuts.append(cut)
    return cuts


def _face_box(width_px: int, height_px: int, face: Face, frame: Box) -> Box:
    widest = min(frame[2] - frame[0], frame[3] - frame[1])
    sides = FACE_CROP_SIDES
    if widest < HARDLY_WIDER * sides * face.size_px:
        sides = CLOSE_CROP_SIDES
    side = min(round(sides * face.size_px), width_px, height_px)
    return _around(face, side, side, FACE_CENTRE, width_px, height_px)


def _frame_box(width_px: int, height_px: int, face: Face) -> Box:
    """The photo itself, or what of it is near the face, in the proportions of a bucket."""
    reach = MAX_FRAME_SIDES * face.size_px
    width, height = min(width_px, reach), min(height_px, reach * 1.25)
    aspect = min((w / h for w, h in ASPECTS), key=lambda ratio: abs(ratio - width / height))
    if width / height > aspect:
        width = height * aspect
    else:
        height = width / aspect
    return _around(face, round(width), round(height), FRAME_CENTRE, width_px, height_px)


def _around(
    face: Face, width: int, height: int, centre: float, width_px: int, height_px: int
) -> Box:
    """A box that holds the face at its place, moved as little as needed to lie in the photo."""
    x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    left = min(max(0, round(x - width / 2)), width_px - width)
    top = min(max(0, round(y - height * centre)), height_px - height)
    return left, top, left + width, top + height


def _bucket(width_px: int, height_px: int, resolution_px: int) -> tuple[int, int]:
    """Sides of the bucket: about resolution² pixels, each a multiple, not enlarged too much."""
    most = MAX_ENLARGEMENT * sqrt(width_px * height_px)
    steps = [step for step in LADDER_PX if step < resolution_px]
    base = resolution_px
    while base > most and steps:
        base = steps.pop()
    ratio = sqrt(width_px / height_px)
    return _rounded(base * ratio), _rounded(base / ratio)


def _rounded(side: float) -> int:
    return max(MULTIPLE_PX, round(side / MULTIPLE_PX) * MULTIPLE_PX)


def _png(photo: Image.Image, cut: Cut) -> bytes:
    size = cut.width_px, cut.height_px
    scaled = photo.resize(size, Image.Resampling.LANCZOS, box=_filled(cut), reducing_gap=3.0)
    file = BytesIO()
    scaled.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _filled(cut: Cut) -> tuple[float, float, float, float]:
    """The part of the box with the bucket's exact proportions, so that faces stay undistorted."""
    left, top, right, bottom = cut.box
    width, height = right - left, bottom - top
    aspect = cut.width_px / cut.height_px
    inner_width, inner_height = min(width, height * aspect), min(height, width / aspect)
    x, y = left + (width - inner_width) / 2, top + (height - inner_height) / 2
    return x, y, x + inner_width, y + inner_height


def _share(face: Face, cut: Cut) -> float:
    return (face.box[3] - face.box[1]) / (cut.box[3] - cut.box[1])


def _place(face: Face, cut: Cut) -> tuple[float, float, float, float]:
    """Where the face's box lies in the picture, in shares of its sides; cut off at its edges."""
    left, top, right, bottom = _filled(cut)
    shares = (
        (edge - start) / length
        for edge, start, length in zip(
            face.box, (left, top) * 2, (right - left, bottom - top) * 2, strict=True
        )
    )
    x0, y0, x1, y1 = (round(min(max(share, 0.0), 1.0), 4) for share in shares)
    return x0, y0, x1, y1


def _weights(reports: Sequence[PhotoReport]) -> list[float]:
    """Photos that repeat one another share their weight; the mean is 1."""
    if not reports:
        return []
    crowds = [sum(_likeness(a, b) for b in reports) for a in reports]
    low, high = WEIGHT_RANGE
    raw = [1 / crowd for crowd in crowds]
    mean = sum(raw) / len(raw)
    return [min(max(weight / mean, low), high) for weight in raw]


def _likeness(a: PhotoReport, b: PhotoReport) -> float:
    """1 for two takes of one moment, near 0 for another view, light or distance.

    Frames of one head turn count as repeats too, though each shows another side: they teach the
    clothes and the room.
    """
    return max(_same_view(a, b), _same_scene(a, b))


def _same_view(a: PhotoReport, b: PhotoReport) -> float:
    if a.face is None or b.face is None:
        return float(a is b)
    turn = hypot(a.face.yaw_deg - b.face.yaw_deg, a.face.pitch_deg - b.face.pitch_deg) / 10
    light = 0.0
    if a.light is not None and b.light is not None:
        light = hypot(a.light.brightness - b.light.brightness, a.light.side - b.light.side) / 0.15
    look = dist(a.face.embedding, b.face.embedding) / 0.25
    return exp(-(turn**2 + light**2 + look**2) / 2)


def _same_scene(a: PhotoReport, b: PhotoReport) -> float:
    if not a.fingerprint or not b.fingerprint:
        return 0.0
    bits = (int(a.fingerprint, 16) ^ int(b.fingerprint, 16)).bit_count()
    return exp(-((bits / SAME_SCENE_BITS) ** 2) / 2)
