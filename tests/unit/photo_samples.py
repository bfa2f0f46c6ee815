"""Faces for the tests of the photos room: synthetic people, and what may befall their photos."""

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from engine.contract.photos import Face, Light, PhotoReport

FACES = Path(__file__).parent / "faces"
ANN = ("ann-front", "ann-left", "ann-right")


def face(name: str = "ann-front") -> Image.Image:
    """640x640 px, head and shoulders."""
    with Image.open(FACES / f"{name}.jpg") as image:
        return image.convert("RGB")


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    if kind == "HEIF":
        import pillow_heif  # not where only the bot's side is installed

        pillow_heif.register_heif_opener()
    file = BytesIO()
    image.save(file, kind, **({"quality": 92} | options))
    return file.getvalue()


def codes(report: PhotoReport) -> list[str]:
    return [reason.code.value for reason in report.reasons]


def made_up_report(
    number: int,
    person: float = 0.0,
    *,
    turn_deg: float = 0.0,
    brightness: float = 0.5,
    size_px: int = 300,
    fingerprint: int | None = None,
) -> PhotoReport:
    """A good photo by its numbers alone; each `number` is another moment.

    Photos of one person lie 0.4 apart, those of persons 0 and 1 about 0.9.
    """
    hash_of_its_own = number * 0x9E3779B97F4A7C15 % 2**64
    embedding = [0.0] * 128
    embedding[number % 100] = 0.28
    embedding[127] = person * 0.8
    return PhotoReport(
        sha256=f"{number:064x}",
        width_px=1000,
        height_px=1000,
        format="jpeg",
        fingerprint=f"{hash_of_its_own if fingerprint is None else fingerprint:016x}",
        sharpness=0.8,
        face=Face(
            box=(300, 300, 300 + size_px, 300 + size_px),
            score=1.5,
            landmarks=((0.0, 0.0),) * 5,
            embedding=tuple(embedding),
            yaw_deg=turn_deg,
            pitch_deg=0.0,
            roll_deg=0.0,
        ),
        light=Light(brightness=brightness, contrast=0.12, side=0.0, warmth=0.1),
    )
