"""LoRA files without torch: what a header tells, and the same matrices under ComfyUI's names.

Knows bytes, names and shapes; computes nothing. A fused layer's A holds its parts' rows one after
the other, its B their columns side by side with zeros elsewhere: exactly the same product, and the
form that kohya's scripts and diffusers recognise as one that can be taken apart again.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bot.commands.faults import CommandError
from engine.contract import lora_names

MAX_HEADER_BYTES = 100 * 1024 * 1024
KOHYA = {"ss_network_module": "networks.lora_flux", "ss_base_model_version": "flux1"}
"""What readers of kohya's files look for."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of a file, as it lies there."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


@dataclass(frozen=True)
class Header:
    metadata: dict[str, str]
    tensors: dict[str, Any]
    """By name: dtype, shape, data_offsets."""
    num_bytes: int


def read_header(data: bytes, name: str) -> Header:
    """The beginning of a safetensors file: eight bytes of length, then JSON.

    Raises:
        CommandError: for any other file.
    """
    problem = CommandError(f"{name} is not a safetensors file")
    if len(data) < 8:
        raise problem
    (length,) = struct.unpack("<Q", data[:8])
    if not 2 <= length <= min(MAX_HEADER_BYTES, len(data) - 8):
        raise problem
    try:
        tensors = json.loads(data[8 : 8 + length])
    except ValueError:
        raise problem from None
    if not isinstance(tensors, dict):
        raise problem
    tensors = cast("dict[str, Any]", tensors)
    metadata: dict[str, str] = tensors.pop("__metadata__", None) or {}
    return Header(metadata, tensors, 8 + length)


def to_comfyui(data: bytes, facts: Mapping[str, str]) -> bytes:
    """Our file with the names of kohya's scripts, which ComfyUI, Forge and diffusers read.

    Layers of which nothing was learned are in neither.

    Raises:
        CommandError: where a fused layer's parts are not all there.
    """
    tensors = _tensors(data)
    modules = list(dict.fromkeys(name.partition(".lora_")[0] for name in tensors))
    bare = {module.removeprefix("transformer."): module for module in modules}
    fused: dict[str, Tensor] = {}
    for original, parts in lora_names.originals(bare).items():
        if not any(part in bare for part in parts):
            continue
        if not all(part in bare for part in parts):
            raise CommandError(f"the LoRA lacks a part of {original}; it cannot be exported so")
        key = "lora_unet_" + original.replace(".", "_")
        all_a = [tensors[f"{bare[part]}.lora_A.weight"] for part in parts]
        all_b = [tensors[f"{bare[part]}.lora_B.weight"] for part in parts]
        rank = sum(a.shape[0] for a in all_a)
        fused[f"{key}.lora_down.weight"] = _stacked(all_a)
        fused[f"{key}.lora_up.weight"] = _beside(all_b, rank)
        fused[f"{key}.alpha"] = Tensor("F32", (), struct.pack("<f", rank))
    return _file(fused, {"format": "pt", **KOHYA, **facts})


def _tensors(data: bytes) -> dict[str, Tensor]:
    header = read_header(data, "the LoRA")
    found: dict[str, Tensor] = {}
    for name, entry in header.tensors.items():
        start, end = (header.num_bytes + offset for offset in entry["data_offsets"])
        found[name] = Tensor(entry["dtype"], tuple(entry["shape"]), data[start:end])
    return found


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    """Rows below rows."""
    rows = sum(part.shape[0] for part in parts)
    return Tensor(parts[0].dtype, (rows, parts[0].shape[1]), b"".join(part.data for part in parts))


def _beside(parts: Sequence[Tensor], rank: int) -> Tensor:
    """Block-diagonal: zeros are zero bytes in every floating-point format."""
    size = len(parts[0].data) // (parts[0].shape[0] * parts[0].shape[1])
    lines: list[bytes] = []
    before = 0
    for part in parts:
        width = part.shape[1]
        left, right = bytes(size * before), bytes(size * (rank - before - width))
        step = size * width
        for start in range(0, len(part.data), step):
            lines += (left, part.data[start : start + step], right)
        before += width
    return Tensor(parts[0].dtype, (sum(part.shape[0] for part in parts), rank), b"".join(lines))


def _file(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The widest types first, as the library does, so that each tensor lies aligned."""
    names = sorted(tensors, key=lambda name: (tensors[name].dtype != "F32", name))
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    offset = 0
    for name in names:
        tensor = tensors[name]
        end = offset + len(tensor.data)
        header[name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *(tensors[name].data for name in names)])
