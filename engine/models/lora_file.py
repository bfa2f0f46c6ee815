"""LoRA files: written as diffusers itself writes them, read as any usual trainer does.

`FluxPipeline.load_lora_weights` reads what `write` makes. Alpha equals rank; it is written down all
the same, for loaders that look. Knows files and their metadata; which layer is which is
`lora_reading`'s.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from engine.contract import lora_names
from engine.contract.failures import EngineError, FailureCode
from engine.models import lora_reading
from engine.models.lora import LoraSlots

_ADAPTER = "lora_adapter_metadata"
_BASE = "base_model"
_UNKNOWN = "unknown"


def write(slots: LoraSlots, weights: Tensor, base: str) -> bytes:
    """Flat weights as a file, in the dtype the base computes in: what was tried is what is kept.

    Groups of layers that change nothing are left out, unless none changes anything.
    """
    pairs, silent = slots.unpack(weights), slots.silent(weights)
    pairs = {module: pair for module, pair in pairs.items() if module not in silent} or pairs
    tensors = {
        f"transformer.{module}.lora_{letter}.weight": matrix.cpu().contiguous()
        for module, pair in pairs.items()
        for letter, matrix in zip("AB", pair, strict=True)
    }
    config = {
        "r": slots.rank,
        "lora_alpha": slots.rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "use_rslora": False,
        "target_modules": sorted(pairs),
    }
    adapter = {f"transformer.{key}": value for key, value in config.items()}
    metadata = {
        "format": "pt",
        _ADAPTER: json.dumps(adapter, indent=2, sort_keys=True),
        _BASE: base,
    }
    return _in_order(safetensors.torch.save(tensors, metadata=metadata))


def _in_order(data: bytes) -> bytes:
    """The same file with its header sorted: the library writes metadata in random order."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[end:]


def read(data: bytes, slots: LoraSlots, base: str) -> Tensor:
    """A file as flat weights for these slots: ours, peft's, ai-toolkit's, kohya's.

    Layers of text encoders are left out: the encoders here are as they were.

    Raises:
        EngineError: LORA_INCOMPATIBLE, for files that are damaged or made for another base.
    """
    lora_base = _UNKNOWN
    try:
        metadata = _metadata(data)
        lora_base = metadata.get(_BASE, _UNKNOWN)
        layers = _layers(safetensors.torch.load(data), _adapter(metadata))
        pairs = lora_reading.fit(layers, slots)
        if not pairs:
            raise ValueError(f"none of {len(layers)} layers is one of the base's")
        return slots.pack(pairs)
    except (ValueError, safetensors.SafetensorError) as error:
        raise EngineError(FailureCode.LORA_INCOMPATIBLE, lora_base=lora_base, base=base) from error


def _metadata(data: bytes) -> dict[str, str]:
    """The header's text fields: 8 bytes of length, little endian, then JSON."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise ValueError(f"file of {len(data)} bytes is no safetensors file")
    header = json.loads(data[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("header of the file is no JSON object")
    return dict(header.get("__metadata__", {}))


def _adapter(metadata: Mapping[str, str]) -> dict[str, Any]:
    adapter = json.loads(metadata.get(_ADAPTER, "{}"))
    return {key.removeprefix("transformer."): value for key, value in adapter.items()}


def _layers(
    tensors: Mapping[str, Tensor], adapter: Mapping[str, Any]
) -> dict[str, tuple[Tensor, Tensor]]:
    """A and B by the file's own name of the layer, the file's own scale multiplied into B."""
    layers: dict[str, dict[lora_names.Role, Tensor]] = {}
    strays: list[str] = []
    for key, tensor in tensors.items():
        name = lora_names.parse(key)
        if name is None:
            strays.append(key)
        elif not name.of_text_encoder:
            layers.setdefault(name.module, {})[name.role] = tensor.float()
    if strays or not layers:
        raise ValueError(f"not a plain LoRA: {len(layers)} layers, {len(strays)} other tensors")
    pairs: dict[str, tuple[Tensor, Tensor]] = {}
    for module, found in layers.items():
        if "a" not in found or "b" not in found:
            raise ValueError(f"adapter of {module} lacks a matrix; it has {', '.join(found)}")
        a, b = found["a"], found["b"]
        if a.ndim != 2 or b.ndim != 2:
            raise ValueError(f"adapter of {module} has {a.ndim} and {b.ndim} dimensions; needs 2")
        pairs[module] = (a, b * _scale(module, a.shape[0], found.get("alpha"), adapter))
    return pairs


def _scale(module: str, rank: int, own: Tensor | None, adapter: Mapping[str, Any]) -> float:
    """alpha / rank, or alpha / sqrt(rank) for rank-stabilised files; 1 where nothing is said."""
    pattern = adapter.get("alpha_pattern") or {}
    if own is not None and own.numel() != 1:
        raise ValueError(f"alpha of {module} has {own.numel()} values; it needs 1")
    alpha = (
        own.item()
        if own is not None
        else float(pattern.get(module, adapter.get("lora_alpha", rank)))
    )
    divisor = math.sqrt(rank) if adapter.get("use_rslora") else rank
    return alpha / divisor
