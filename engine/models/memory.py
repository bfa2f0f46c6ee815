"""How much memory a device has, and what a base of some size may keep there.

Knows bytes. Plans for less memory than a base needs whole belong here too.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from engine.contract.failures import EngineError, FailureCode
from engine.models import folder as layout

MIB = 2**20
_MEMINFO = Path("/proc/meminfo")
_HEADROOM_MIB = 1024
_ACTIVATIONS = 1.3
"""A LoRA step without checkpointed gradients holds about as much again as the transformer
weighs at 1024 px (22 GiB of weights, 50 GiB at the peak), and a little."""


@dataclass(frozen=True)
class MemoryPlan:
    """What is done to fit."""

    keep_encoders: bool
    checkpoint_gradients: bool


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


def plan(folder: Path, device: torch.device, dtype: torch.dtype) -> MemoryPlan:
    """Chooses for this base from what is free now.

    Raises:
        EngineError: GPU_OUT_OF_MEMORY, where a GPU has not room for the transformer alone.
    """
    widening = dtype.itemsize / torch.bfloat16.itemsize / MIB
    encoders = sum(layout.size_bytes(folder, f"text_encoder{n}") for n in ("", "_2"))
    transformer = layout.size_bytes(folder, "transformer") * widening
    vae = layout.size_bytes(folder, "vae") * widening
    free = free_mib(device)
    if device.type == "cuda" and free is not None:
        needed = int(transformer + vae + _HEADROOM_MIB)
        if needed > free:
            raise EngineError(FailureCode.GPU_OUT_OF_MEMORY, needed_mib=needed, free_mib=free)
    return choose(transformer + vae, encoders * widening, free)


def choose(drawing_mib: float, encoders_mib: float, free: int | None) -> MemoryPlan:
    """From the weights that draw, those that read, and what is free; all where nobody can tell."""
    training = drawing_mib * (1 + _ACTIVATIONS) + _HEADROOM_MIB
    return MemoryPlan(
        keep_encoders=free is None or training + encoders_mib <= free,
        checkpoint_gradients=free is not None and training > free,
    )
