"""Finds faces and describes one: five landmarks and an embedding.

Knows dlib and nothing of what makes a photo good. Two detectors look at every photo, because they
fail differently: HOG is exact and finds small faces, the network finds hats, shadows and faces in
half profile. Where HOG is in doubt the network decides. All weights are in the public domain
(davisking/dlib-models); its 68-point predictor is not, so nothing here needs it.
"""

import importlib
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.photos.decoding import RGB

HOG_SIDE_PX = 1000
HOG_CLOSE_SIDE_PX = 2000
"""Longer sides that HOG looks at; it sees faces from 80 px. The second only if the first fails."""
NETWORK_SIDE_PX = 320
NETWORK_CLOSE_SIDE_PX = 380
NETWORK_DRAWN_SIDE_PX = 256
NETWORK_PADDED_SIDE_PX = 176
"""Longer sides that the network looks at; it sees faces from 72 px, at 5 s for a megapixel."""
NETWORK_MIN_FACE_PX = 40
"""The network itself fails on pictures smaller than its own view."""
HOG_MIN_SCORE = -0.35
HOG_SURE_SCORE = 0.8
NETWORK_MIN_SCORE = 0.5
MAX_DOUBTS = 3
DOUBTED_FACE_PX = 80
DOUBTED_MARGIN = 0.5
"""How a doubtful face is shown to the network: of real faces it then misses none we know of."""
TURNED_FACE_PX = 120
TURNED_MARGIN = 0.7
TURNED_ADVANTAGE = 0.5
DRAWN_SIDE_PX = 512
"""Smaller pictures are enlarged to it first."""
PADDING = 0.35
"""Share of the sides added all around when a face may be larger than the photo."""
REDUCING_GAP = 3.0
"""How many times larger than wanted a picture may still be when it is resampled with care."""
DESCRIBED_FACE_PX = 250
"""Size at which a face is described, whatever its size in the photo."""
JITTERS = (
    (0.0, 0.0, 1.0),
    (-0.04, 0.0, 1.0),
    (0.04, 0.0, 1.0),
    (0.0, 0.04, 1.06),
    (0.0, 0.0, 0.94),
)
"""(right, down, size) of the boxes over which landmarks are averaged: half the noise of one."""


@dataclass(frozen=True)
class Detection:
    """A face's box, brows to chin, in pixels of the photo; it may reach beyond the photo."""

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def size_px(self) -> float:
        return min(self.right - self.left, self.bottom - self.top)

    def overlaps(self, other: "Detection") -> bool:
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(width, 0.0) * max(height, 0.0)
        return shared > 0.3 * min(self.size_px, other.size_px) ** 2

    def moved(self, left: float, top: float, scale: float) -> "Detection":
        """From a picture to the one that it was cut from at (left, top) and scaled by `scale`."""
        return Detection(
            self.left / scale + left,
            self.top / scale + top,
            self.right / scale + left,
            self.bottom / scale + top,
            self.score,
        )


@dataclass(frozen=True)
class Description:
    landmarks: NDArray[np.float64]
    """(5, 2), px of the photo: right eye's outer and inner corner, left eye's, under the nose.

    Right and left are the picture's.
    """
    embedding: NDArray[np.float64]
    """(128,)"""


def find(rgb: RGB) -> list[Detection]:
    """Every face that is surely one, largest first; none in a photo that lies on its side."""
    photo = Image.fromarray(rgb)
    candidates = _hog(photo, HOG_SIDE_PX)
    is_sure = any(face.score >= HOG_SURE_SCORE for face in candidates)
    seen = _network(photo, NETWORK_SIDE_PX if is_sure else NETWORK_CLOSE_SIDE_PX)
    faces = _agreed(photo, candidates, seen)
    if not faces:
        faces = _agreed(photo, _hog(photo, HOG_CLOSE_SIDE_PX), []) or _padded(photo)
    faces = sorted(faces, key=lambda face: -face.size_px)
    return [] if faces and _is_lying(photo, faces[0]) else faces


def _is_lying(photo: Image.Image, face: Detection) -> bool:
    """Whether the face is far more of a face when the photo is turned."""
    crop, *_ = _around(photo, face, TURNED_MARGIN, TURNED_FACE_PX / face.size_px)
    upright, *turned = (
        max((found.score for found in _hog(crop.rotate(angle), max(crop.size))), default=-1.0)
        for angle in (0, 90, 180, 270)
    )
    return max(turned) > max(upright, 0.0) + TURNED_ADVANTAGE


def _agreed(
    photo: Image.Image, candidates: list[Detection], seen: list[Detection]
) -> list[Detection]:
    """HOG's sure faces, the network's, and those of HOG's doubtful ones that it confirms."""
    faces = list(seen)
    num_doubts = 0
    for candidate in candidates:
        twin = next((face for face in faces if face.overlaps(candidate)), None)
        if twin is not None:
            # HOG's box is the steadier of the two.
            better = replace(candidate, score=max(candidate.score, twin.score))
            faces[faces.index(twin)] = better if twin in seen else twin
        elif candidate.score >= HOG_SURE_SCORE:
            faces.append(candidate)
        elif num_doubts < MAX_DOUBTS:
            num_doubts += 1
            if _is_confirmed(photo, candidate):
                faces.append(candidate)
    return faces


def find_largest(rgb: RGB) -> Detection | None:
    """The largest face, found in a fraction of the time: for drawn pictures, which show one."""
    photo = Image.fromarray(rgb)
    scale = max(1.0, DRAWN_SIDE_PX / max(photo.size))
    size = round(photo.width * scale), round(photo.height * scale)
    large = photo.resize(size, Image.Resampling.BICUBIC)
    found = [face for face in _hog(large, HOG_SIDE_PX) if face.score > 0]
    if not found:
        return next(iter(find(rgb)), None)
    return max(found, key=lambda face: face.size_px).moved(0.0, 0.0, scale)


def find_drawn(rgb: RGB) -> list[Detection]:
    """Every face of a drawn picture, largest first, in a fraction of the time that `find` takes."""
    photo = Image.fromarray(rgb)
    scale = DRAWN_SIDE_PX / max(photo.size)
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    seen = photo.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    found = _agreed(seen, _hog(seen, HOG_SIDE_PX), [])
    found = found or _network(seen, NETWORK_DRAWN_SIDE_PX)
    faces = [face.moved(0.0, 0.0, scale) for face in found]
    return sorted(faces, key=lambda face: -face.size_px)


def describe(rgb: RGB, face: Detection) -> Description:
    """Looks closely: from the photo's own pixels, at one size for all faces."""
    photo = Image.fromarray(rgb)
    size = face.right - face.left
    crop, left, top, scale = _around(photo, face, 0.9, DESCRIBED_FACE_PX / size)
    pixels = np.asarray(crop)
    x, y = (face.left - left) * scale, (face.top - top) * scale
    models = _models()
    boxes = [
        models.box(x + right * size * scale, y + down * size * scale, size * scale, zoom)
        for right, down, zoom in JITTERS
    ]
    shapes = [_points(models.landmarks(pixels, box)) for box in boxes]
    mean = np.mean(shapes, axis=0)
    embedding = models.embed(pixels, boxes[0], mean)
    return Description(mean / scale + (left, top), embedding)


@cache
def _models() -> "_Models":
    return _Models()


class _Models:
    """dlib's models, loaded once in a process, when the first photo comes (0.6 s)."""

    def __init__(self) -> None:
        self.dlib: Any = importlib.import_module("dlib")
        weights: Any = importlib.import_module("face_recognition_models")
        self.hog = self.dlib.get_frontal_face_detector()
        self.network = self.dlib.cnn_face_detection_model_v1(
            weights.cnn_face_detector_model_location()
        )
        self.landmarks = self.dlib.shape_predictor(
            weights.pose_predictor_five_point_model_location()
        )
        self._recognition = self.dlib.face_recognition_model_v1(
            weights.face_recognition_model_location()
        )

    def box(self, left: float, top: float, size: float, zoom: float) -> Any:
        margin = size * (zoom - 1.0) / 2
        return self.dlib.rectangle(
            round(left - margin),
            round(top - margin),
            round(left + size + margin),
            round(top + size + margin),
        )

    def embed(self, pixels: RGB, box: Any, points: NDArray[np.float64]) -> NDArray[np.float64]:
        shape = self.dlib.full_object_detection(
            box, [self.dlib.point(round(x), round(y)) for x, y in points]
        )
        return np.array(self._recognition.compute_face_descriptor(pixels, shape))


def _points(shape: Any) -> NDArray[np.float64]:
    return np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float64)


def _hog(photo: Image.Image, side_px: int) -> list[Detection]:
    small, scale = _shrunk(photo, side_px)
    boxes, scores, _ = _models().hog.run(np.asarray(small), 0, HOG_MIN_SCORE)
    return [_detection(box, score, scale) for box, score in zip(boxes, scores, strict=True)]


def _network(photo: Image.Image, side_px: int) -> list[Detection]:
    small, scale = _shrunk(photo, side_px)
    if min(small.size) < NETWORK_MIN_FACE_PX:
        return []
    found = _models().network(_lit(np.asarray(small)), 0)
    faces = [_detection(each.rect, each.confidence, scale) for each in found]
    return [face for face in faces if face.score >= NETWORK_MIN_SCORE]


def _lit(pixels: RGB) -> RGB:
    """Brightens what is dark: the network, unlike HOG, goes by absolute brightness."""
    bright = float(np.percentile(pixels, 98))
    if bright >= 128 or bright < 1:
        return np.ascontiguousarray(pixels)
    return np.clip(pixels.astype(np.float32) * (200 / bright), 0, 255).astype(np.uint8)


def _is_confirmed(photo: Image.Image, face: Detection) -> bool:
    crop, left, top, scale = _around(photo, face, DOUBTED_MARGIN, DOUBTED_FACE_PX / face.size_px)
    return any(
        found.moved(left, top, scale).overlaps(face) for found in _network(crop, max(crop.size))
    )


def _padded(photo: Image.Image) -> list[Detection]:
    """A second look for a face that is larger than the photo, or touches its border."""
    small, scale = _shrunk(photo, round(NETWORK_PADDED_SIDE_PX / (1 + 2 * PADDING)))
    x, y = round(small.width * PADDING), round(small.height * PADDING)
    padded = np.pad(np.asarray(small), ((y, y), (x, x), (0, 0)), mode="edge")
    wide = Image.fromarray(padded)
    found = _network(wide, max(wide.size))
    return [face.moved(-x / scale, -y / scale, scale) for face in found]


def _shrunk(photo: Image.Image, side_px: int) -> tuple[Image.Image, float]:
    scale = min(1.0, side_px / max(photo.size))
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    return photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), scale


def _around(
    photo: Image.Image, face: Detection, margin: float, scale: float
) -> tuple[Image.Image, float, float, float]:
    """A face with a margin on all sides, scaled; beyond the photo's border it is black.

    The surroundings of a face that fills a large photo are larger than the photo itself, so what
    will be scaled down far is reduced before it is cut.
    """
    reach = margin * (face.right - face.left)
    left, top = round(face.left - reach), round(face.top - reach)
    right, bottom = round(face.right + reach), round(face.bottom + reach)
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    fold = max(1, int(1 / (scale * REDUCING_GAP)))
    small = photo.reduce(fold) if fold > 1 else photo
    cut = small.crop((left // fold, top // fold, right // fold, bottom // fold))
    return cut.resize(size, Image.Resampling.BICUBIC, reducing_gap=REDUCING_GAP), left, top, scale


def _detection(box: Any, score: float, scale: float) -> Detection:
    found = Detection(box.left(), box.top(), box.right() + 1, box.bottom() + 1, score)
    return found.moved(0.0, 0.0, scale)
