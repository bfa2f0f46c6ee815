"""A critic's own process: looks at one drawn picture after the other, and says what it sees.

`engine.gpu.critics` is at the other end. Composes faces, sharpness and likeness into what the
ranking asks for; needs no torch. Requests: `{"rgb", "width", "height", "person"}`.
"""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

from engine.child import Message, Parent
from engine.generation.ranking import Look
from engine.photos import checks, faces, likeness
from engine.photos.decoding import RGB
from engine.photos.faces import Detection
from engine.photos.report import face_crop
from engine.photos.sharpness import sharpness

MIN_FACE_PX = 96
"""The sharpness of smaller faces says how small they are."""
SMALL_SIDE_PX = 8
"""Of the copies by which pictures are compared with one another."""


@dataclass(frozen=True)
class Person:
    """Whom the pictures are to show."""

    references: Sequence[Sequence[float]]
    """Embeddings of their own photos; without any, likeness is not judged."""
    typical: float


def look(rgb: RGB, person: Person) -> Look:
    """All that the ranking wants to know of one picture."""
    found = faces.find_drawn(rgb)
    small = _small(rgb)
    if not found:
        return Look(0, likeness=0.0 if person.references else None, small=small)
    face = found[0]
    height, width = rgb.shape[:2]
    like: float | None = None
    if person.references:
        embedding = [float(number) for number in faces.describe(rgb, face).embedding]
        like = round(likeness.likeness(embedding, person.references, person.typical), 4)
    return Look(
        num_faces=len(checks.companions(found)),
        face=(face.left, face.top, face.right, face.bottom),
        is_whole=checks.cut_side(face, width, height) is None,
        sharpness=_sharpness(rgb, face),
        likeness=like,
        small=small,
    )


def _sharpness(rgb: RGB, face: Detection) -> float | None:
    if face.size_px < MIN_FACE_PX:
        return None
    return round(sharpness(face_crop(rgb, face)), 4)


def _small(rgb: RGB) -> tuple[float, ...]:
    side = (SMALL_SIDE_PX, SMALL_SIDE_PX)
    copy = Image.fromarray(rgb).resize(side, Image.Resampling.BOX)
    return tuple((np.asarray(copy, dtype=np.float64).ravel() / 255).round(4).tolist())


def answer(request: Message) -> Message:
    shape = request["height"], request["width"], 3
    rgb = np.frombuffer(b64decode(request["rgb"]), dtype=np.uint8).reshape(shape)
    return asdict(look(rgb, Person(**request["person"])))


def main() -> None:
    parent = Parent()
    for request in parent.messages():
        try:
            parent.send({"look": answer(request)})
        except Exception as error:  # one picture that cannot be judged is not the end
            parent.send({"error": type(error).__name__})


if __name__ == "__main__":
    main()
