"""Where to cut a picture so that the head stays whole: for profiles, squares, portraits.

Pure geometry on sizes and boxes, in pixels; no pixel is looked at. A face is a box from brows to
chin as the detector gives it; without one the middle is kept.
"""

from dataclasses import dataclass
from math import hypot
from typing import Literal

Size = tuple[int, int]
Face = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Window = tuple[int, int, int, int]
"""Left, top, right, bottom, within the picture."""
Shape = Literal["profile", "square", "portrait"]

PORTRAIT = 4 / 5
"""Width to height of a portrait cut: what CVs and most sites take."""
HAIR = 0.55
"""Of the face's height, above the brows; with hair that stands up."""
CHIN = 0.10
"""Below the box."""
HEAD_RADIUS = 0.90
"""Of a circle around the whole head, in heights of the face."""
PROFILE_SIDE = 2.7
"""Side of a profile picture where there is room: the head fills about two thirds of it."""
LOOKS_FROM = 0.42
"""Height at which a head stands well in a cut, from its top."""
STEP = 0.04


@dataclass(frozen=True)
class Head:
    """A circle that holds it."""

    x: float
    y: float
    radius: float

    def room_in(self, window: Window) -> float:
        """Between the head and the edge of the circle in a square; below 0 some is cut off."""
        left, top, right, bottom = window
        away = hypot(self.x - (left + right) / 2, self.y - (top + bottom) / 2)
        return (right - left) / 2 - away - self.radius


def shapes_of(size: Size) -> tuple[Shape, ...]:
    """What a picture of this size can be cut to, besides what it is."""
    width, height = size
    return ("profile", "portrait" if width >= height else "square")


def window(shape: Shape, size: Size, face: Face | None) -> Window:
    """What to keep of a picture for a shape."""
    if shape == "profile":
        return profile(size, face)
    return _largest(size, 1.0 if shape == "square" else PORTRAIT, face)


def profile(size: Size, face: Face | None) -> Window:
    """The square in whose circle the whole head is, with the head as large as looks well.

    Where the head stands too near an edge for that, the square that cuts off least.
    """
    if face is None:
        return _largest(size, 1.0, None)
    head = _head(face)
    most = min(size)
    side = min(float(most), PROFILE_SIDE * (face[3] - face[1]))
    best = _square(size, head, side)
    while head.room_in(best) < 0 and side < most:
        side = min(float(most), side * (1 + STEP))
        best = max(best, _square(size, head, side), key=head.room_in)
    return best


def _head(face: Face) -> Head:
    left, top, right, bottom = face
    height = bottom - top
    crown, chin = top - HAIR * height, bottom + CHIN * height
    return Head((left + right) / 2, (crown + chin) / 2, HEAD_RADIUS * height)


def _square(size: Size, head: Head, side: float) -> Window:
    return _placed(size, (round(side), round(side)), head.x - side / 2, head.y - side / 2)


def _largest(size: Size, ratio: float, face: Face | None) -> Window:
    """Of this ratio of width to height, with the face where a head stands well."""
    width, height = size
    kept = min(width, round(height * ratio)), min(height, round(width / ratio))
    if face is None:
        return _placed(size, kept, (width - kept[0]) / 2, (height - kept[1]) * LOOKS_FROM)
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    return _placed(size, kept, x - kept[0] / 2, y - kept[1] * LOOKS_FROM)


def _placed(size: Size, kept: Size, left: float, top: float) -> Window:
    """As near to that corner as stays within the picture."""
    x = round(min(max(left, 0.0), size[0] - kept[0]))
    y = round(min(max(top, 0.0), size[1] - kept[1]))
    return x, y, x + kept[0], y + kept[1]
