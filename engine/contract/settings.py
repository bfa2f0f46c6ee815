"""What an engine must be told. Built by the command line, handed to the engine as JSON."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from engine.contract.base import Frozen

MemoryTier = Literal["auto", "80", "24", "16", "12"]


class EngineSettings(Frozen):
    redis_url: str = Field(description="redis://, rediss:// or unix:///path/to/socket")
    blobs_url: str = Field(description="file:///folder, s3://bucket/prefix")
    work_dir: Path = Field(description="scratch of this machine: caches, locks")
    base: str = Field(
        default="demo",
        description="'demo', a repository such as black-forest-labs/FLUX.1-dev, or a folder",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    memory: MemoryTier = Field(
        default="auto", description="GiB of a card to lay the base out for; auto: what is free"
    )
    roles: tuple[Literal["photos", "training", "generation"], ...] = (
        "photos",
        "training",
        "generation",
    )
    photo_processes: int = Field(default=2, ge=1, le=64)
    lease_s: float = Field(default=8.0, gt=1, description="a job of a dead engine is free after it")
    checkpoint_every_s: float = Field(default=10.0, gt=0)
    max_crashes: int = Field(default=4, ge=1, description="of one attempt, before it fails")
    training_share: float = Field(
        default=0.3,
        ge=0,
        le=0.9,
        description="of the GPU's time that a training keeps while many ask for headshots",
    )
    choice: float = Field(
        default=2.0,
        ge=1,
        le=4,
        description=(
            "pictures drawn for each one shown, half as many again if too few are good; "
            "a slow machine draws fewer"
        ),
    )
    steps: int | None = Field(default=None, ge=1, description="overrides the recipe's steps")
    patience: int | None = Field(
        default=None,
        ge=0,
        description="looks that may bring nothing before a training ends; 0: it never does",
    )
    captioner: str = Field(
        default="auto",
        description=(
            "what looks at photos to caption them: a repository or folder of Florence-2, 'auto' "
            "(the base's own, or one that is downloaded for large bases), or 'off'"
        ),
    )
