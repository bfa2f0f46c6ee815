"""Looks at drawn selfies where no face detector is: what the renderer knows takes its place.

There is no embedding, so whoever trains on these reports cannot choose a checkpoint by likeness.
"""

from hashlib import sha256

from engine.contract.photos import Face, PhotoLimits, PhotoReport, Reason
from engine.demo.people.face import face_boxes
from engine.demo.people.identity import Identity
from engine.demo.people.view import View
from engine.photos import checks, decoding, light
from engine.photos.faces import Detection

MOST_YAW_DEG = 42.0
FACE_MARGIN = 0.08
NO_EMBEDDING = (0.0,) * 128


def look(seed: int, view: View, data: bytes) -> PhotoReport:
    """A report as of `engine.photos.report.look`; sharpness is not judged."""
    digest = sha256(data).hexdigest()
    picture = decoding.decode(data, PhotoLimits())
    assert not isinstance(picture, Reason), "a picture drawn here can be read"
    rgb = picture.rgb
    height, width = rgb.shape[:2]
    found = face_box(seed, view, width)
    margin = FACE_MARGIN * found.size_px
    left, top = max(0, round(found.left - margin)), max(0, round(found.top - margin))
    right, bottom = round(found.right + margin), round(found.bottom + margin)
    lit = light.measure(rgb[top:bottom, left:right])
    faces = [found] if abs(view.yaw) <= MOST_YAW_DEG else []
    seen = checks.Measurements(width, height, faces, lit.brightness, sharpness=1.0)
    return PhotoReport(
        sha256=digest,
        width_px=width,
        height_px=height,
        format="jpeg",
        sharpness=seen.sharpness,
        face=_face(found, view) if faces else None,
        light=lit,
        reasons=checks.reasons(seen, PhotoLimits()),
    )


def face_box(seed: int, view: View, side_px: int) -> Detection:
    """Where dlib would see the face in a picture of that side."""
    box = face_boxes([(Identity.from_seed(seed), view)])[0] * side_px
    left, top, right, bottom = box.tolist()
    return Detection(left, top, right, bottom, score=1.0)


def _face(found: Detection, view: View) -> Face:
    box = round(found.left), round(found.top), round(found.right), round(found.bottom)
    return Face(
        box=box,
        score=found.score,
        landmarks=(),
        embedding=NO_EMBEDDING,
        yaw_deg=view.yaw,
        pitch_deg=view.pitch,
        roll_deg=view.roll,
    )
