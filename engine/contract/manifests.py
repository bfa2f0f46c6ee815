"""JSON that lies beside artifacts: how a dataset, a LoRA or a set of headshots was made."""

from typing import Any, Literal

from pydantic import Field

from engine.contract.base import Frozen
from engine.contract.events import Flaw, Headshot, HeadshotsMade


class Example(Frozen):
    """One picture to learn from."""

    key: str = Field(description="of a PNG in the blob store, RGB, metadata dropped")
    photo_sha256: str
    view: Literal["face", "frame"]
    width_px: int
    height_px: int
    caption: str = Field(description="holds the trigger and the class word")
    plain_caption: str = Field(description="the same without the trigger")
    weight: float = Field(default=1.0, gt=0, description="share relative to the others")
    face: tuple[float, float, float, float] | None = Field(
        default=None, description="left, top, right, bottom as shares of the picture's sides"
    )


class DatasetManifest(Frozen):
    trigger: str
    class_word: str
    examples: tuple[Example, ...]
    held_out_sha256: tuple[str, ...] = Field(
        default=(), description="photos that are never trained on, to judge the training by"
    )
    captioned_by: str = Field(default="", description="model that looked; none: the photo checks")


class LoraManifest(Frozen):
    """Beside `lora.safetensors`. Read by generation, by the bot and by whoever exports it.

    A LoRA that was trained elsewhere has no history here: of it there are base, words and rank.
    """

    job_id: str
    base: str = Field(description="repository or folder name of the base model")
    family: str = Field(description="such as flux1")
    trigger: str
    class_word: str
    rank: int
    made_by: str = Field(default="headshot-bot", description="the trainer")
    went_on_from: str | None = Field(
        default=None, description="job id of an earlier LoRA of theirs"
    )
    recipe: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0
    photos_sha256: tuple[str, ...] = Field(default=(), description="of those trained on")
    held_out_sha256: tuple[str, ...] = Field(default=(), description="of those it was judged by")
    captioned_by: str = Field(default="", description="model that looked; none: the photo checks")
    num_steps: int = 0
    best_step: int | None = Field(default=None, description="whose weights are kept")
    stopped_early: bool = Field(default=False, description="because likeness grew no more")
    seconds: float = 0.0
    device: str = ""
    losses: tuple[tuple[int, float], ...] = Field(default=(), description="(step, smoothed loss)")
    scores: tuple[dict[str, float], ...] = Field(
        default=(), description="likeness, bleed, variety and their sum, by step"
    )
    reference_embeddings: tuple[tuple[float, ...], ...] = Field(
        default=(), description="faces of the person's own photos"
    )
    own_distances: tuple[float, float, float] | None = Field(
        default=None, description="of the photos to one another: 5th, 50th and 95th percentile"
    )
    typical_distance: float | None = Field(
        default=None, description="what likeness is read against: the 95th, within limits"
    )
    likeness: float | None = None


class PassedOver(Frozen):
    """A picture that was drawn and not shown."""

    seed: int
    likeness: float | None = None
    flaws: tuple[Flaw, ...] = ()


class HeadshotsManifest(Frozen):
    job_id: str
    lora_job_id: str
    base: str
    style: str
    prompt: str
    guidance: float
    num_inference_steps: int
    strength: float
    headshots: tuple[Headshot, ...] = Field(description="those shown, the best first")
    passed_over: tuple[PassedOver, ...] = Field(
        default=(), description="drawn as well, and not kept; each can be drawn again by its seed"
    )
    shortcoming: Flaw | None = Field(
        default=None, description="what is wrong with those shown if none is good"
    )
    seconds: float

    @property
    def num_drawn(self) -> int:
        return len(self.headshots) + len(self.passed_over)

    def outcome(self) -> HeadshotsMade:
        return HeadshotsMade(
            headshots=self.headshots,
            seconds=self.seconds,
            num_drawn=self.num_drawn,
            shortcoming=self.shortcoming,
        )
