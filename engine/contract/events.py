"""What the engine tells the bot. Outcomes come back only this way.

An event is known by (job id, attempt, sequence): told twice, it counts once.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from engine.contract.base import Frozen
from engine.contract.failures import Failure
from engine.contract.photos import PhotoReport

Phase = Literal[
    "preparing", "loading", "encoding", "training", "previewing", "saving", "generating"
]


class EventBase(Frozen):
    job_id: str
    attempt: int
    sequence: int = Field(ge=0, description="grows within (job, attempt), across engines too")
    owner: str
    at: AwareDatetime


class Queued(EventBase):
    """The engine put the job (back) into line, for example behind another training."""

    kind: Literal["queued"] = "queued"


class Started(EventBase):
    kind: Literal["started"] = "started"
    resumed_from_step: int = 0


class Progress(EventBase):
    kind: Literal["progress"] = "progress"
    phase: Phase
    step: int = 0
    total: int = 0
    eta_s: float | None = Field(default=None, ge=0)
    loss: float | None = None
    likeness: float | None = Field(default=None, ge=0, le=1)


class Preview(EventBase):
    kind: Literal["preview"] = "preview"
    key: str = Field(description="of a JPEG in the blob store")
    step: int


class PhotoChecked(Frozen):
    outcome: Literal["photo_checked"] = "photo_checked"
    report: PhotoReport


class LoraTrained(Frozen):
    outcome: Literal["lora_trained"] = "lora_trained"
    lora_prefix: str
    base: str
    num_steps: int
    seconds: float
    likeness: float | None = None


class Flaw(StrEnum):
    """Why a headshot is none to be proud of."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    CUT_OFF = "cut_off"
    UNLIKE = "unlike"
    BLURRY = "blurry"
    EYES_CLOSED = "eyes_closed"


class Headshot(Frozen):
    key: str
    seed: int
    width_px: int
    height_px: int
    likeness: float | None = Field(default=None, ge=0, le=1)
    flaws: tuple[Flaw, ...] = Field(default=(), description="the gravest first")


class HeadshotsMade(Frozen):
    outcome: Literal["headshots_made"] = "headshots_made"
    headshots: tuple[Headshot, ...] = Field(description="the best first")
    seconds: float
    num_drawn: int = Field(default=0, description="of which these are the best")
    shortcoming: Flaw | None = Field(
        default=None, description="what is wrong with them if none is good"
    )


class Erased(Frozen):
    outcome: Literal["erased"] = "erased"
    num_blobs: int


Outcome = Annotated[
    PhotoChecked | LoraTrained | HeadshotsMade | Erased, Field(discriminator="outcome")
]


class Finished(EventBase):
    kind: Literal["finished"] = "finished"
    result: Outcome


class Failed(EventBase):
    kind: Literal["failed"] = "failed"
    failure: Failure


class Cancelled(EventBase):
    kind: Literal["cancelled"] = "cancelled"


Event = Annotated[
    Queued | Started | Progress | Preview | Finished | Failed | Cancelled,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event back: `EVENT.validate_json(data)`."""

FINAL = ("finished", "failed", "cancelled")
"""Kinds after which nothing more comes for an attempt."""
