"""The whole look at one photo: from bytes to a report. A plain function, fit for a process pool."""

from hashlib import sha256

import imagehash
import numpy as np
from PIL import Image

from engine.contract.photos import Face, PhotoLimits, PhotoReport, Reason
from engine.photos import checks, decoding, faces, light, pose
from engine.photos.decoding import RGB, Picture
from engine.photos.faces import Detection
from engine.photos.sharpness import sharpness

FACE_MARGIN = 0.08
"""Added to the detector's box on each side where a face is measured."""


def look(data: bytes, limits: PhotoLimits | None = None) -> PhotoReport:
    """All that one photo tells on its own. Bad input is a reason in the report, never an error."""
    limits = limits or PhotoLimits()
    digest = sha256(data).hexdigest()
    picture = decoding.decode(data, limits)
    if isinstance(picture, Reason):
        return PhotoReport(sha256=digest, reasons=(picture,))
    return _report(digest, picture, limits)


def _report(digest: str, picture: Picture, limits: PhotoLimits) -> PhotoReport:
    rgb = picture.rgb
    height, width = rgb.shape[:2]
    found = faces.find(rgb)
    crop = face_crop(rgb, found[0]) if found else None
    lit = None if crop is None else light.measure(crop)
    seen = checks.Measurements(
        width_px=width,
        height_px=height,
        faces=found,
        brightness=light.overall(rgb) if lit is None else lit.brightness,
        sharpness=0.0 if crop is None else sharpness(crop),
    )
    return PhotoReport(
        sha256=digest,
        width_px=width,
        height_px=height,
        format=picture.format,
        fingerprint=fingerprint(rgb),
        sharpness=round(seen.sharpness, 3),
        face=_face(rgb, found[0]) if found else None,
        light=lit,
        reasons=checks.reasons(seen, limits),
    )


def face_crop(rgb: RGB, face: Detection) -> RGB:
    """The pixels of a face and a little around it, never beyond the photo."""
    margin = FACE_MARGIN * face.size_px
    height, width = rgb.shape[:2]
    left, top = max(0, round(face.left - margin)), max(0, round(face.top - margin))
    right, bottom = min(width, round(face.right + margin)), min(height, round(face.bottom + margin))
    return rgb[top : max(bottom, top + 1), left : max(right, left + 1)]


def fingerprint(rgb: RGB) -> str:
    """Perceptual hash of 64 bits, as 16 hex digits; alike for alike pictures."""
    small = Image.fromarray(rgb).resize((256, 256), Image.Resampling.BOX, reducing_gap=2.0)
    return str(imagehash.phash(small))


def _face(rgb: RGB, found: Detection) -> Face:
    described = faces.describe(rgb, found)
    head = pose.estimate(described.landmarks)
    return Face(
        box=(round(found.left), round(found.top), round(found.right), round(found.bottom)),
        score=round(found.score, 3),
        landmarks=tuple((round(float(x), 1), round(float(y), 1)) for x, y in described.landmarks),
        embedding=tuple(np.round(described.embedding, 6).tolist()),
        yaw_deg=head.yaw_deg,
        pitch_deg=head.pitch_deg,
        roll_deg=head.roll_deg,
    )
