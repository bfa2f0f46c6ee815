"""Why a job failed: codes with facts, never prose. The bot has one sentence for each code.

Failure
├── the photos      too_few_photos, photo_missing
├── the LoRA        lora_missing, lora_incompatible
├── the model       base_missing, base_incomplete
├── the machine     gpu_out_of_memory, gpu_failed, disk_full, storage_unreachable
└── the job         engine_crashed, version_not_supported, job_invalid, internal
"""

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator


class FailureCode(StrEnum):
    TOO_FEW_PHOTOS = "too_few_photos"
    PHOTO_MISSING = "photo_missing"
    LORA_MISSING = "lora_missing"
    LORA_INCOMPATIBLE = "lora_incompatible"
    BASE_MISSING = "base_missing"
    BASE_INCOMPLETE = "base_incomplete"
    GPU_OUT_OF_MEMORY = "gpu_out_of_memory"
    GPU_FAILED = "gpu_failed"
    DISK_FULL = "disk_full"
    STORAGE_UNREACHABLE = "storage_unreachable"
    ENGINE_CRASHED = "engine_crashed"
    VERSION_NOT_SUPPORTED = "version_not_supported"
    JOB_INVALID = "job_invalid"
    INTERNAL = "internal"


FAILURE_FACTS: dict[FailureCode, frozenset[str]] = {
    FailureCode.TOO_FEW_PHOTOS: frozenset({"num_photos", "min_photos"}),
    FailureCode.PHOTO_MISSING: frozenset({"number"}),
    FailureCode.LORA_MISSING: frozenset(),
    FailureCode.LORA_INCOMPATIBLE: frozenset({"lora_base", "base"}),
    FailureCode.BASE_MISSING: frozenset({"base"}),
    FailureCode.BASE_INCOMPLETE: frozenset({"base", "part"}),
    FailureCode.GPU_OUT_OF_MEMORY: frozenset({"needed_mib", "free_mib"}),
    FailureCode.GPU_FAILED: frozenset({"error"}),
    FailureCode.DISK_FULL: frozenset({"free_mib"}),
    FailureCode.STORAGE_UNREACHABLE: frozenset(),
    FailureCode.ENGINE_CRASHED: frozenset({"num_crashes"}),
    FailureCode.VERSION_NOT_SUPPORTED: frozenset({"version", "supported"}),
    FailureCode.JOB_INVALID: frozenset({"error"}),
    FailureCode.INTERNAL: frozenset({"error"}),
}
"""The facts that each failure carries. `error` is a type name, never a message with user data."""


class Failure(BaseModel):
    """A code with its facts, flat in JSON."""

    model_config = ConfigDict(frozen=True, extra="allow")

    code: FailureCode

    @property
    def facts(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _has_its_facts(self) -> Self:
        if self.facts.keys() != FAILURE_FACTS[self.code]:
            wanted = ", ".join(sorted(FAILURE_FACTS[self.code])) or "none"
            raise ValueError(f"{self.code} carries {sorted(self.facts)}; it needs {wanted}")
        return self


class EngineError(Exception):
    """A fault the user or the admin is told of by code. Root of the engine's own errors."""

    def __init__(self, code: FailureCode, **facts: Any) -> None:
        self.failure = Failure.model_validate({"code": code, **facts})
        super().__init__(f"{code} {facts}" if facts else str(code))
