"""LoRA files: the safetensors that diffusers itself writes, and what other trainers write alike.

`FluxPipeline.load_lora_weights` reads what `write` makes. Alpha equals rank; it is written down all
the same, for loaders that look. Knows the format; what the tensors mean is `lora`'s.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from engine.contract.failures import EngineError, FailureCode
from engine.models.lora import LoraSlots

Pairs = dict[str, tuple[Tensor, Tensor]]
"""A (rank, inputs) and B (outputs, rank) by the name of the module in the transformer."""

_PREFIXES = ("base_model.model.transformer.", "base_model.model.", "transformer.")
_ADAPTER = "lora_adapter_metadata"
_BASE = "base_model"
_UNKNOWN = "unknown"


def write(slots: LoraSlots, weights: Tensor, base: str) -> bytes:
    """Flat weights as a file, in the dtype the base computes in: what was tried is what is kept."""
    pairs = slots.unpack(weights)
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
    """A file as flat weights for these slots.

    Raises:
        EngineError: LORA_INCOMPATIBLE, for files that are damaged or made for another base.
    """
    lora_base = _UNKNOWN
    try:
        metadata = _metadata(data)
        lora_base = metadata.get(_BASE, _UNKNOWN)
        pairs = _pairs(safetensors.torch.load(data), _adapter(metadata))
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


def _pairs(tensors: Mapping[str, Tensor], adapter: Mapping[str, Any]) -> Pairs:
    """A and B by module, each file's own scale multiplied into B."""
    named = {_strip(key): tensor.float() for key, tensor in tensors.items()}
    pairs: Pairs = {}
    for key, a in named.items():
        module, found, _ = key.partition(".lora_A.")
        if not found:
            continue
        b = named.get(key.replace(".lora_A.", ".lora_B."))
        if b is None:
            raise ValueError(f"adapter of {module} has A and no B")
        pairs[module] = (a, b * _scale(module, a.shape[0], named.get(f"{module}.alpha"), adapter))
    strays = [k for k in named if ".lora_" not in k and not k.endswith(".alpha")]
    if strays or not pairs:
        raise ValueError(f"not a LoRA in peft's format: {len(pairs)} layers, {len(strays)} others")
    return pairs


def _strip(key: str) -> str:
    for prefix in _PREFIXES:
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    raise ValueError(f"tensor {key!r} belongs to no transformer")


def _scale(module: str, rank: int, own: Tensor | None, adapter: Mapping[str, Any]) -> float:
    """alpha / rank, or alpha / sqrt(rank) for rank-stabilised files; 1 where nothing is said."""
    pattern = adapter.get("alpha_pattern") or {}
    alpha = (
        float(own)
        if own is not None
        else float(pattern.get(module, adapter.get("lora_alpha", rank)))
    )
    divisor = math.sqrt(rank) if adapter.get("use_rslora") else rank
    return alpha / divisor
