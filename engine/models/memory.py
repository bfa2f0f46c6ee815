"""How much memory a device has, and how a base is laid out to fit into it.

Knows bytes and sizes, and the tiers that follow from them; knows no network.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from engine.contract.failures import EngineError, FailureCode
from engine.contract.settings import MemoryTier
from engine.models import folder as layout
from engine.models.linears import Precision, fp8_works

MIB = 2**20
GIB = 1024
"""MiB in one."""
_MEMINFO = Path("/proc/meminfo")
_FP8_CAPABILITY = (8, 9)

_STEP_WHOLE = 1.3
"""A step that keeps all it computed holds this much of the transformer's weight in bf16 beside it,
at 1024 px."""
_STEP_AGAIN = 0.08
"""The same where every block is computed again for its gradients; drawing a picture takes less."""
_DRAWS_FOUR = 0.13
"""The same for drawing four pictures at once, as all cards do that stream nothing."""
_ADAPTER = 0.1
"""The adapter in training: fp32 weights, their average, two moments, gradients, the best so far."""
_HEADROOM_MIB = 800
_SMALLEST_ROUNDED_MIB = 4000
"""Smaller transformers gain nothing from fp8."""

LIMITS_GIB: dict[MemoryTier, float] = {"80": 76.0, "24": 21.5, "16": 14.6, "12": 10.7}
"""What each tier may use at most: the card's memory, less what systems keep for themselves."""
Kind = Literal["whole", "frugal", "streamed"]


@dataclass(frozen=True)
class MemoryPlan:
    """What is done to fit."""

    kind: Kind = "whole"
    tier: MemoryTier = "auto"
    """The smallest card that would have been laid out alike; "auto" where there is no card."""
    precision: Precision = "plain"
    turned: bool = False
    folds: bool = False
    """Whether whole weights stay too, from which those of whoever is drawn are made."""
    keep_encoders: bool = True
    checkpoint_gradients: bool = False
    streamed_share: float = 0.0
    """Of the blocks' weights, 0 to 1, that wait in the machine's memory."""


@dataclass(frozen=True)
class Needs:
    """MiB of the parts in bf16, or in the dtype of the computation without a GPU."""

    transformer: float
    vae: float
    encoders: float


def tier_below(tier: MemoryTier) -> MemoryTier | None:
    """Where to go on when memory ran out after all."""
    names = list(LIMITS_GIB)
    if tier not in names or tier == names[-1]:
        return None
    return names[names.index(tier) + 1]


def free_mib(device: torch.device) -> int | None:
    """What is free on the device, or in the machine where the device has no memory of its own.

    None where the system does not tell.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // MIB
    if not _MEMINFO.is_file():
        return None
    lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    available = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return None if available is None else int(available.split()[1]) * 1024 // MIB


def plan(
    folder: Path, device: torch.device, dtype: torch.dtype, wish: MemoryTier = "auto"
) -> MemoryPlan:
    """Chooses for this base from what is free now, or from the tier that is wished for.

    Raises:
        EngineError: GPU_OUT_OF_MEMORY, where a GPU has not room for the smallest plan.
    """
    needs = needs_of(folder, dtype)
    free = free_mib(device)
    if device.type != "cuda" or free is None:
        return choose_on_host(needs, free)
    if wish != "auto":
        free = min(free, int(LIMITS_GIB[wish] * GIB))
    native = torch.cuda.get_device_capability(device) >= _FP8_CAPABILITY and fp8_works(device)
    return choose(needs, free, native)


def needs_of(folder: Path, dtype: torch.dtype) -> Needs:
    widening = dtype.itemsize / torch.bfloat16.itemsize / MIB
    return Needs(
        layout.size_bytes(folder, "transformer") * widening,
        layout.size_bytes(folder, "vae") * widening,
        sum(layout.size_bytes(folder, f"text_encoder{n}") for n in ("", "_2")) * widening,
    )


def choose_on_host(needs: Needs, free: int | None) -> MemoryPlan:
    """Without a GPU: as loaded; all of it where nobody can tell what is free."""
    step = needs.transformer * (1 + _STEP_WHOLE) + needs.vae + _HEADROOM_MIB
    return MemoryPlan(
        keep_encoders=free is None or step + needs.encoders <= free,
        checkpoint_gradients=free is not None and step > free,
    )


def choose(needs: Needs, free: int, native_fp8: bool) -> MemoryPlan:
    """The fastest plan that fits into `free` MiB of a GPU.

    Raises:
        EngineError: GPU_OUT_OF_MEMORY.
    """
    whole, half = needs.transformer, needs.transformer / 2
    beside = needs.vae + whole * _ADAPTER + _HEADROOM_MIB
    # Twice in fp8, or once in bf16: the same bytes.
    roomy = whole * (1 + _STEP_WHOLE) + beside
    large = whole > _SMALLEST_ROUNDED_MIB
    precision: Precision = "fp8" if native_fp8 and large else "plain"
    if roomy <= free:
        keep, turned = roomy + needs.encoders <= free, precision == "fp8"
        folds = turned and roomy + needs.encoders + whole + half <= free
        return MemoryPlan("whole", "80", precision, turned, folds, keep)
    frugal = half + whole * _DRAWS_FOUR + beside
    precision = "fp8" if native_fp8 else "fp8_stored"
    if frugal <= free:
        keep = frugal + needs.encoders <= free
        return MemoryPlan("frugal", "24", precision, keep_encoders=keep, checkpoint_gradients=True)
    one_by_one = half + whole * _STEP_AGAIN + beside
    blocks = half * (1 - _MODULATIONS_SHARE)
    share = max(0.0, one_by_one - free) / blocks + _LANES_SHARE
    if share > 1:
        needed = int(one_by_one - blocks * (1 - _LANES_SHARE))
        raise EngineError(FailureCode.GPU_OUT_OF_MEMORY, needed_mib=needed, free_mib=free)
    tier: MemoryTier = "16" if free >= int(LIMITS_GIB["16"] * GIB) else "12"
    return MemoryPlan(
        "streamed", tier, precision, keep_encoders=False, checkpoint_gradients=True,
        streamed_share=share,
    )  # fmt: skip


_MODULATIONS_SHARE = 0.27
"""Of FLUX.1-dev's weights, those of its modulations, which no block can take along."""
_LANES_SHARE = 0.07
"""Of the blocks' weights, the two lanes through which the streamed ones come."""
