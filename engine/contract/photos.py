"""What is known of a photo: limits, reasons to refuse it, measurements, coverage of a set.

Knows no pixels: measurements are made in `engine.photos`, judged here and shown by the bot.
"""

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.contract.base import Frozen


class ReasonCode(StrEnum):
    """Why a photo is refused."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    LOW_RESOLUTION = "low_resolution"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_TOO_SMALL = "face_too_small"
    FACE_CUT_OFF = "face_cut_off"
    BLURRY = "blurry"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    NOT_THE_SAME_PERSON = "not_the_same_person"


REASON_FACTS: dict[ReasonCode, frozenset[str]] = {
    # problem: empty_file | not_an_image | truncated | unsupported | damaged | no_access
    ReasonCode.UNREADABLE: frozenset({"problem"}),
    # unit: bytes | pixels
    ReasonCode.TOO_LARGE: frozenset({"value", "limit", "unit"}),
    ReasonCode.LOW_RESOLUTION: frozenset({"width_px", "height_px", "min_side_px"}),
    ReasonCode.NO_FACE: frozenset(),
    ReasonCode.SEVERAL_FACES: frozenset({"num_faces"}),
    ReasonCode.FACE_TOO_SMALL: frozenset({"face_px", "min_face_px"}),
    # side: left | right | top | bottom
    ReasonCode.FACE_CUT_OFF: frozenset({"side"}),
    ReasonCode.BLURRY: frozenset({"sharpness", "min_sharpness"}),
    ReasonCode.TOO_DARK: frozenset({"brightness", "min_brightness"}),
    ReasonCode.TOO_BRIGHT: frozenset({"brightness", "max_brightness"}),
    # of: number (from 1) of the photo that it repeats
    ReasonCode.DUPLICATE: frozenset({"of"}),
    ReasonCode.NEAR_DUPLICATE: frozenset({"of"}),
    ReasonCode.NOT_THE_SAME_PERSON: frozenset({"distance", "max_distance"}),
}
"""The facts that each reason carries; the bot has one sentence for each code built on them."""


class Reason(BaseModel):
    """A code with its facts, flat in JSON: `{"code": "duplicate", "of": 3}`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    code: ReasonCode

    @property
    def facts(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _has_its_facts(self) -> Self:
        if self.facts.keys() != REASON_FACTS[self.code]:
            wanted = ", ".join(sorted(REASON_FACTS[self.code])) or "none"
            raise ValueError(f"{self.code} carries {sorted(self.facts)}; it needs {wanted}")
        return self


class PhotoLimits(Frozen):
    """What a photo and a set of photos must keep to."""

    max_bytes: int = Field(default=30 * 1024 * 1024, gt=0)
    max_pixels: int = Field(default=100_000_000, gt=0)
    min_side_px: int = Field(default=512, gt=0)
    min_face_px: int = Field(default=100, gt=0, description="shorter side of the face box")
    min_sharpness: float = Field(default=0.24, ge=0, description="0 blurred .. 1 crisp")
    min_brightness: float = Field(
        default=0.19, ge=0, le=1, description="mean luma of the lighter half of the face"
    )
    max_brightness: float = Field(default=0.94, ge=0, le=1)
    max_distance: float = Field(default=0.60, gt=0, description="between faces of one person")
    min_photos: int = Field(default=6, ge=1)
    max_photos: int = Field(default=30, ge=1)
    recommended_photos: tuple[int, int] = (10, 20)

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.min_photos > self.max_photos:
            raise ValueError(
                f"min_photos is {self.min_photos}; it must not exceed max_photos {self.max_photos}"
            )
        return self


class Face(Frozen):
    """The one face of a good photo, in pixels of the upright photo."""

    box: tuple[int, int, int, int] = Field(description="left, top, right, bottom, px")
    score: float = Field(description="of the detector; above 0 is a face")
    landmarks: tuple[tuple[float, float], ...] = Field(description="x, y, px")
    embedding: tuple[float, ...] = Field(description="128 numbers; distance is Euclidean")
    yaw_deg: float = Field(description="above 0: the person's face points to the right edge")
    pitch_deg: float = Field(description="above 0: looks up")
    roll_deg: float = Field(description="above 0: leans clockwise in the picture")

    @property
    def size_px(self) -> int:
        left, top, right, bottom = self.box
        return min(right - left, bottom - top)


class Light(Frozen):
    """How the face is lit."""

    brightness: float = Field(description="mean luma of its lighter half, 0 .. 1")
    contrast: float = Field(description="standard deviation of its luma, 0 .. 0.5")
    side: float = Field(description="-1 lit from the picture's left .. 1 from its right")
    warmth: float = Field(description="-1 cool .. 1 warm")


class PhotoReport(Frozen):
    """All that one look at a photo found, independent of the other photos of the set."""

    sha256: str
    width_px: int = 0
    height_px: int = 0
    format: str = ""
    fingerprint: str = Field(default="", description="perceptual hash, 16 hex digits")
    sharpness: float = 0.0
    face: Face | None = None
    light: Light | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def accepted(self) -> bool:
        return not self.reasons


class Missing(StrEnum):
    """What a set of photos still lacks. `MORE_PHOTOS` is required, the others are advice."""

    MORE_PHOTOS = "more_photos"
    FRONTAL = "frontal"
    THREE_QUARTER_LEFT = "three_quarter_left"
    THREE_QUARTER_RIGHT = "three_quarter_right"
    OTHER_LIGHT = "other_light"
    CLOSE_UP = "close_up"
    FARTHER_AWAY = "farther_away"


class Coverage(Frozen):
    """How many accepted photos show which side, light and distance."""

    num_accepted: int = 0
    frontal: int = 0
    three_quarter_left: int = 0
    three_quarter_right: int = 0
    num_lights: int = Field(default=0, description="clearly different lights")
    close_up: int = 0
    farther_away: int = 0


class SetVerdict(Frozen):
    """The judgement of a whole set: reasons photo by photo, in the order given."""

    reasons: tuple[tuple[Reason, ...], ...] = ()
    coverage: Coverage = Coverage()
    missing: tuple[Missing, ...] = ()
    ready: bool = Field(default=False, description="enough accepted photos to train")
