"""JSON that lies beside artifacts: how a dataset, a LoRA or a set of headshots was made."""

from typing import Any, Literal

from pydantic import Field

from engine.contract.base import Frozen
from engine.contract.events import Headshot


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


class DatasetManifest(Frozen):
    trigger: str
    class_word: str
    examples: tuple[Example, ...]


class LoraManifest(Frozen):
    """Beside `lora.safetensors`. Read by generation, by the bot and by whoever exports it."""

    job_id: str
    base: str = Field(description="repository or folder name of the base model")
    family: str = Field(description="such as flux1")
    trigger: str
    class_word: str
    rank: int
    recipe: dict[str, Any]
    seed: int
    photos_sha256: tuple[str, ...]
    num_steps: int
    seconds: float
    device: str
    losses: tuple[tuple[int, float], ...] = Field(description="(step, smoothed loss)")
    scores: tuple[dict[str, float], ...] = Field(
        default=(), description="likeness and what else was measured, by step"
    )
    reference_embeddings: tuple[tuple[float, ...], ...] = Field(
        default=(), description="faces of the person's own photos"
    )
    typical_distance: float | None = Field(
        default=None, description="95th percentile of the photos' distances to one another"
    )
    likeness: float | None = None


class HeadshotsManifest(Frozen):
    job_id: str
    lora_job_id: str
    base: str
    style: str
    prompt: str
    guidance: float
    num_inference_steps: int
    strength: float
    headshots: tuple[Headshot, ...]
    seconds: float
