"""What all models of the contract share. Knows pydantic and nothing of photos, jobs or queues."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value that refuses unknown fields and travels as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")
