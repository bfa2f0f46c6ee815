"""Decides from measurements whether a photo is good. Pure: numbers in, reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.contract.photos import PhotoLimits, Reason, ReasonCode
from engine.photos.faces import Detection

COMPANION_SHARE = 0.4
"""A second face this large relative to the largest is a second person; smaller is background."""
CUT_OFF_SHARE = 0.07
"""Share of a face's box that may lie beyond the border; detectors are not exact to the pixel."""


@dataclass(frozen=True)
class Measurements:
    """What was measured of one photo; faces largest first, the rest of the largest face."""

    width_px: int
    height_px: int
    faces: Sequence[Detection]
    brightness: float
    """of the face, or of the whole photo where there is none"""
    sharpness: float


def reasons(seen: Measurements, limits: PhotoLimits) -> tuple[Reason, ...]:
    """Why the photo is refused, the gravest first; none if it is good."""
    found = list[Reason]()
    if min(seen.width_px, seen.height_px) < limits.min_side_px:
        found.append(
            _reason(
                ReasonCode.LOW_RESOLUTION,
                width_px=seen.width_px,
                height_px=seen.height_px,
                min_side_px=limits.min_side_px,
            )
        )
    if not seen.faces:
        return (*found, *_lighting(seen, limits), _reason(ReasonCode.NO_FACE))
    return (*found, *_company(seen), *_face(seen, limits), *_lighting(seen, limits))


def companions(faces: Sequence[Detection]) -> list[Detection]:
    """The faces that are persons of this photo and not its background; largest first."""
    return [face for face in faces if face.size_px >= COMPANION_SHARE * faces[0].size_px]


def _company(seen: Measurements) -> list[Reason]:
    num_faces = len(companions(seen.faces))
    return [_reason(ReasonCode.SEVERAL_FACES, num_faces=num_faces)] if num_faces > 1 else []


def _face(seen: Measurements, limits: PhotoLimits) -> list[Reason]:
    found = list[Reason]()
    face = seen.faces[0]
    face_px = round(face.size_px)
    if face_px < limits.min_face_px:
        found.append(
            _reason(ReasonCode.FACE_TOO_SMALL, face_px=face_px, min_face_px=limits.min_face_px)
        )
    side = cut_side(face, seen.width_px, seen.height_px)
    if side is not None:
        found.append(_reason(ReasonCode.FACE_CUT_OFF, side=side))
    if seen.sharpness < limits.min_sharpness:
        found.append(
            _reason(
                ReasonCode.BLURRY,
                sharpness=round(seen.sharpness, 2),
                min_sharpness=limits.min_sharpness,
            )
        )
    return found


def cut_side(face: Detection, width_px: int, height_px: int) -> str | None:
    """The side of the picture beyond which the face goes on, if it does."""
    beyond = {
        "left": -face.left,
        "right": face.right - width_px,
        "top": -face.top,
        "bottom": face.bottom - height_px,
    }
    side = max(beyond, key=lambda name: beyond[name])
    return side if beyond[side] > CUT_OFF_SHARE * face.size_px else None


def _lighting(seen: Measurements, limits: PhotoLimits) -> list[Reason]:
    brightness = round(seen.brightness, 2)
    if seen.brightness < limits.min_brightness:
        return [
            _reason(
                ReasonCode.TOO_DARK, brightness=brightness, min_brightness=limits.min_brightness
            )
        ]
    if seen.brightness > limits.max_brightness:
        return [
            _reason(
                ReasonCode.TOO_BRIGHT, brightness=brightness, max_brightness=limits.max_brightness
            )
        ]
    return []


def _reason(code: ReasonCode, **facts: Any) -> Reason:
    return Reason.model_validate({"code": code, **facts})
