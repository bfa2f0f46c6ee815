"""Looks at drawn selfies where no face detector is: what the renderer knows takes its place.

The box is dlib's to about a tenth of its side, fitted on fifteen pictures. There is no embedding,
so whoever trains on these reports cannot choose a checkpoint by likeness.
"""

from hashlib import sha256

import torch

from engine.contract.photos import Face, PhotoLimits, PhotoReport, Reason
from engine.demo.people.anatomy import load_anatomy, make_pose, shape_bodies
from engine.demo.people.identity import Identity
from engine.demo.people.scene import SKIN, make_camera
from engine.demo.people.view import View
from engine.photos import checks, decoding, light
from engine.photos.faces import Detection

BOX_SIDE_DM = 1.45
BOX_CENTRE = 0.45
"""Of the way from between the eyes to the lips."""
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
    people = [(Identity.from_seed(seed), view)]
    anatomy = load_anatomy("cpu")
    body = make_pose(people, "cpu").apply(shape_bodies(anatomy, people), anatomy.head_turn)
    crown = body[:, anatomy.triangles[anatomy.parts == SKIN].unique(), 1].amax(1)
    camera = make_camera([view], crown)
    eyes = torch.stack([body[:, ids].mean(1) for ids in anatomy.eye_vertices]).mean(0)
    lips = body[:, anatomy.lips > 0.5].mean(1)
    ends = camera.project(torch.stack([eyes, lips], 1), side_px)[0]
    x, y, depth = (ends[0] + BOX_CENTRE * (ends[1] - ends[0])).tolist()
    half = BOX_SIDE_DM * float(camera.focal) * side_px / depth / 2
    return Detection(x - half, y - half, x + half, y + half, score=1.0)


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
