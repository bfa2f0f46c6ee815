"""The base models by name: family, repository, licence, memory, sizes.

`load` is the one door through which the engine gets a model.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from engine.contract.failures import EngineError, FailureCode
from engine.contract.settings import MemoryTier
from engine.models import folder as layout
from engine.models import memory
from engine.models.base import ImageModel, ModelFacts
from engine.models.flux1 import LONGEST_TEXT, Flux1
from engine.models.lora import DEFAULT_RANK
from engine.models.parts import FolderParts

DEMO = "demo"
_SMALLEST_PORTRAIT_PX = 512
"""Bases of fewer pixels than this were trained on squares only."""

_SMALLEST_ROUNDED_BYTES = 16 << 20
"""Of a transformer: below it, a processor loses more by rounding than it gains by speed."""

_FAMILIES: dict[str, type[Flux1]] = {"FluxPipeline": Flux1}
"""By the class that a folder's `model_index.json` names."""

_FLUX1_DEV: dict[str, Any] = {
    "license": "FLUX.1 [dev] Non-Commercial License",
    "license_note": (
        "Non-commercial use only; asks for filters on what is generated. Read it before you offer "
        "pictures to others: https://huggingface.co/black-forest-labs/FLUX.1-dev"
    ),
    "memory_mib": 34_000,
}
_KNOWN: dict[str, dict[str, Any]] = {
    "black-forest-labs/FLUX.1-dev": _FLUX1_DEV,
    "black-forest-labs/FLUX.1-Krea-dev": _FLUX1_DEV,
    DEMO: {
        "license": "MIT",
        "license_note": "Made by this project from drawn people; knows no real face.",
        "max_text_tokens": 64,
        # Of what it was taught, 1 to 4: at 4 people are likest (docs/log.md).
        "guidance_factor": 1.6,
    },
}


def demo_folder() -> Path:
    """Where the packaged demo model lies, once it is there."""
    return Path(str(files("engine.demo"))) / "model"


def find(name: str) -> Path:
    """The folder of a base, downloaded if it must be.

    Raises:
        EngineError: BASE_MISSING, BASE_INCOMPLETE.
    """
    folder = demo_folder() if name == DEMO else layout.find(name)
    layout.check(folder, name)
    return folder


def facts(name: str, folder: Path) -> ModelFacts:
    """What is known of a base: its own `headshot.json` over the catalogue over its configs.

    Raises:
        EngineError: BASE_INCOMPLETE.
    """
    vae = layout.config(folder, "vae", name)
    tokenizer = layout.config(folder, "tokenizer_2", name)
    derived: dict[str, Any] = {
        "name": folder.name if Path(name).expanduser().is_dir() else name,
        "family": _family(folder, name).name,
        "license": "unknown; see the folder it came from",
        "native_px": vae.get("sample_size", 1024),
        "max_text_tokens": min(int(tokenizer.get("model_max_length", LONGEST_TEXT)), LONGEST_TEXT),
        "num_inference_steps": 28,
    }
    merged = derived | _KNOWN.get(name, {}) | layout.facts(folder, name)
    if isinstance(merged["native_px"], int):
        merged.setdefault("sizes", _sizes(merged["native_px"]))
    try:
        return ModelFacts.model_validate(merged)
    except ValidationError as error:
        raise EngineError(FailureCode.BASE_INCOMPLETE, base=name, part=layout.FACTS) from error


def _family(folder: Path, name: str) -> type[Flux1]:
    family = _FAMILIES.get(layout.pipeline_class(folder, name))
    if family is None:
        raise EngineError(FailureCode.BASE_INCOMPLETE, base=name, part=layout.INDEX)
    return family


def _sizes(native_px: int) -> dict[str, tuple[int, int]]:
    square = (native_px, native_px)
    if native_px < _SMALLEST_PORTRAIT_PX:
        return {"square": square, "portrait": square}
    width, height = native_px * 7 // 8, native_px * 9 // 8
    return {"square": square, "portrait": (width // 16 * 16, height // 16 * 16)}


def choose_device(wish: str = "auto") -> torch.device:
    """The device to compute on: what is asked for, else the best there is."""
    if wish != "auto":
        return torch.device(wish)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


_BF16_PRODUCTS = ("amx_bf16", "avx512_bf16")
"""Features of a processor, as PyTorch names them."""


def choose_dtype(device: torch.device, transformer_bytes: int) -> torch.dtype:
    """bf16 on CUDA, and where products are large on a processor that multiplies it: by matrix units
    (AMX) or by vectors (AVX-512).

    The demo model learns 1.7 times and draws 1.6 (vectors) to 2.2 times (units) as fast with them.
    """
    if device.type == "cuda":
        return torch.bfloat16
    is_large = transformer_bytes > _SMALLEST_ROUNDED_BYTES
    if device.type == "cpu" and is_large and _multiplies_bf16():
        return torch.bfloat16
    return torch.float32


def _multiplies_bf16() -> bool:
    known = torch.cpu.get_capabilities()
    return any(bool(known.get(name, False)) for name in _BF16_PRODUCTS)


def load(
    name: str,
    device: str | torch.device = "auto",
    rank: int = DEFAULT_RANK,
    tier: MemoryTier = "auto",
) -> ImageModel:
    """A base by name: 'demo', a repository, or a folder in the diffusers layout.

    Takes seconds for the demo model, up to minutes for a full one; a repository that is not on
    this machine yet is downloaded first.

    Raises:
        EngineError: BASE_MISSING, BASE_INCOMPLETE, GPU_OUT_OF_MEMORY.
    """
    folder = find(name)
    device = choose_device(device) if isinstance(device, str) else device
    dtype = choose_dtype(device, layout.size_bytes(folder, "transformer"))
    fits = memory.plan(folder, device, dtype, tier)
    known = facts(name, folder)
    parts = FolderParts(folder, known.name)
    return _family(folder, name)(parts, known, device, dtype, rank, fits)
