"""What the bot asks of the engine. A payload holds all that is needed: keys and parameters.

Ids derive from inputs (`derive_id`), so asking for the same thing twice makes it once.
"""

from hashlib import blake2b
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from engine.contract.base import Frozen
from engine.contract.photos import PhotoLimits
from engine.contract.styles import Style

VERSION = 1
"""Raised when a payload changes its meaning; an engine refuses versions it does not know."""

Quality = Literal["fast", "standard", "best", "origin"]
"""How much a training may cost. `origin` is the fixed recipe this project started from."""


class JobBase(Frozen):
    version: int = VERSION
    job_id: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    attempt: int = Field(default=1, ge=1)
    owner: str = Field(pattern=r"^[a-z0-9]{1,64}$", description="opaque id of the person")

    @property
    def queue_id(self) -> str:
        """Id for the queue: one for each attempt, so that nothing stale meets a later one."""
        return f"{self.job_id}:{self.attempt}"


class CheckPhoto(JobBase):
    kind: Literal["check_photo"] = "check_photo"
    photo_key: str
    report_key: str
    limits: PhotoLimits = PhotoLimits()


class PhotoRef(Frozen):
    photo_key: str
    report_key: str


class TrainLora(JobBase):
    kind: Literal["train_lora"] = "train_lora"
    photos: tuple[PhotoRef, ...]
    limits: PhotoLimits = PhotoLimits()
    trigger: str = Field(default="TOK", pattern=r"^\S{1,32}$")
    class_word: str = Field(default="person", pattern=r"^[a-z ]{1,24}$")
    quality: Quality = "standard"
    seed: int = Field(default=0, ge=0, lt=2**63)
    refresh_from: str | None = Field(default=None, description="prefix of the LoRA to go on from")


class GenerateHeadshots(JobBase):
    kind: Literal["generate_headshots"] = "generate_headshots"
    lora_prefix: str = Field(
        default="",
        description="where lora.safetensors and manifest.json lie; empty: the base draws anybody",
    )
    style: Style
    prompt: str | None = Field(default=None, max_length=600, description="instead of the style's")
    count: int = Field(default=4, ge=1, le=16)
    seed: int = Field(default=0, ge=0, lt=2**63)
    strength: float = Field(default=1.0, ge=0.0, le=2.0, description="of the LoRA")
    exact: bool = Field(
        default=False, description="these very seeds, not the best of some that begin with them"
    )


class Erase(JobBase):
    kind: Literal["erase"] = "erase"
    prefixes: tuple[str, ...] = Field(description="all under the owner's own prefix")


Job = Annotated[CheckPhoto | TrainLora | GenerateHeadshots | Erase, Field(discriminator="kind")]
JOB: TypeAdapter[Job] = TypeAdapter(Job)
"""Reads a job back: `JOB.validate_json(data)`."""


def derive_id(kind: str, *inputs: Any) -> str:
    """A stable id of 32 hex digits from what goes into a job; floats and ints by their repr."""
    digest = blake2b(digest_size=16, person=kind.encode()[:16])
    for value in inputs:
        digest.update(repr(value).encode() + b"\0")
    return digest.hexdigest()
