"""What is said of a training picture: how it was taken, never who is in it.

What stays the same in all photos is left to the trigger word; only what varies is said, so it can
be asked for otherwise later. Light and nods are therefore told against the person's other photos:
dim is what is dim for them, whatever their skin, and a short nose is no raised chin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from engine.contract.manifests import DatasetManifest, Example
from engine.contract.photos import Face, Light, PhotoReport
from engine.photos import descriptions
from engine.photos.descriptions import Seen

FRAMINGS = ((0.43, "close-up"), (0.3, "head and shoulders"), (0.16, "upper body"))
"""Least share of the picture's height that the face's box takes, and its name."""
WIDE = "wide shot"
SLIGHT_TURN_DEG = 15.0
TURN_DEG = 33.0
TILT_DEG = 14.0
NOD_DEG = 10.0
SIDE_LIGHT = 0.3
STEP = 0.1
HARDNESS_STEP = 0.04


@dataclass(frozen=True)
class Usual:
    """What a person's photos have in the middle."""

    brightness: float = 0.5
    contrast: float = 0.12
    warmth: float = 0.0
    pitch_deg: float = 0.0

    @classmethod
    def of(cls, reports: Sequence[PhotoReport]) -> "Usual":
        lights = [report.light for report in reports if report.light is not None]
        faces = [report.face for report in reports if report.face is not None]
        if not lights or not faces:
            return cls()
        return cls(
            median(light.brightness for light in lights),
            median(light.contrast for light in lights),
            median(light.warmth for light in lights),
            median(face.pitch_deg for face in faces),
        )


def caption(subject: str, face: Face, light: Light | None, usual: Usual, share: float) -> str:
    """Such as "photo of TOK person, close-up, facing the camera, soft bright light".

    Args:
        subject: trigger and class word, or the class word with an article.
        share: of the picture's height that the face's box takes.
    """
    parts = [f"photo of {subject}", _framing(share), *_direction(face, usual)]
    parts += [] if light is None else _light(light, usual)
    return ", ".join(parts)


def _framing(share: float) -> str:
    return next((name for least, name in FRAMINGS if share >= least), WIDE)


def _direction(face: Face, usual: Usual) -> list[str]:
    turn = abs(face.yaw_deg)
    side = "right" if face.yaw_deg > 0 else "left"
    parts = ["facing the camera"]
    if turn > TURN_DEG:
        parts = [f"head turned to the {side}"]
    elif turn > SLIGHT_TURN_DEG:
        parts = [f"head turned slightly to the {side}"]
    nod = face.pitch_deg - usual.pitch_deg
    if abs(nod) > NOD_DEG:
        parts.append("chin raised" if nod > 0 else "chin lowered")
    if abs(face.roll_deg) > TILT_DEG:
        parts.append("head tilted")
    return parts


def _light(light: Light, usual: Usual) -> list[str]:
    words = [
        _step(light.contrast - usual.contrast, HARDNESS_STEP, "hard", "soft"),
        _step(light.brightness - usual.brightness, STEP, "bright", "dim"),
        _step(light.warmth - usual.warmth, STEP, "warm", "cool"),
    ]
    said = " ".join(word for word in words if word)
    if abs(light.side) >= SIDE_LIGHT:
        side = "right" if light.side > 0 else "left"
        return [f"{said} light from the {side}".strip()]
    return [f"{said} light"] if said else []


def _step(difference: float, step: float, above: str, below: str) -> str:
    if difference >= step:
        return above
    return below if difference <= -step else ""


def retell(dataset: DatasetManifest, described: Mapping[str, str], by: str) -> DatasetManifest:
    """The dataset with captions that also say what a model saw, as far as it varies.

    Args:
        described: what it saw, by the keys of the examples.
        by: name of the model.
    """
    photo_of = {example.key: example.photo_sha256 for example in dataset.examples}
    seen = {key: descriptions.see(text) for key, text in described.items()}
    dropped = descriptions.staying(descriptions.by_photo(seen, photo_of))
    examples = [
        _retold(example, seen.get(example.key, Seen()).without(dropped))
        for example in dataset.examples
    ]
    return dataset.model_copy(update={"examples": tuple(examples), "captioned_by": by})


def _retold(example: Example, seen: Seen) -> Example:
    """Light that was measured is not guessed at again."""
    if " light" in example.caption:
        seen = seen.without({("light", word) for word in seen.light})
    said = descriptions.phrases(seen)
    return example.model_copy(
        update={
            "caption": ", ".join([example.caption, *said]),
            "plain_caption": ", ".join([example.plain_caption, *said]),
        }
    )
