"""What the layers of a FLUX.1 LoRA are called: by diffusers, by Black Forest Labs, by trainers.

Diffusers keeps query, key and value apart; the original code, and with it ComfyUI and kohya's
scripts, has them in one layer, one after the other. Knows names only, no tensors. Sources: the
modules of black-forest-labs/flux (`DoubleStreamBlock`, `SingleStreamBlock`) and of diffusers'
FluxTransformer2DModel; the order of rows is that of diffusers' own converters.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_DOUBLE = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "img_attn.proj": ("attn.to_out.0",),
    "img_mlp.0": ("ff.net.0.proj",),
    "img_mlp.2": ("ff.net.2",),
    "img_mod.lin": ("norm1.linear",),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "txt_attn.proj": ("attn.to_add_out",),
    "txt_mlp.0": ("ff_context.net.0.proj",),
    "txt_mlp.2": ("ff_context.net.2",),
    "txt_mod.lin": ("norm1_context.linear",),
}
_SINGLE = {
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
    "linear2": ("proj_out",),
    "modulation.lin": ("norm.linear",),
}
_BLOCK = re.compile(r"(single_)?transformer_blocks\.(\d+)\.")
_FLUX1 = re.compile(r"(double|single|transformer|single_transformer)_blocks[._]\d")
_PREFIXES = (
    "base_model.model.transformer.",
    "base_model.model.",
    "diffusion_model.",
    "transformer.",
    "lora_transformer_",
    "lora_unet_",
)
_TEXT_PREFIXES = ("text_encoder", "lora_te", "clip_l.", "t5xxl.")
_SUFFIXES: dict[str, "Role"] = {
    ".lora_A.weight": "a",
    ".lora_A.default.weight": "a",
    ".lora_down.weight": "a",
    ".lora.down.weight": "a",
    ".lora_B.weight": "b",
    ".lora_B.default.weight": "b",
    ".lora_up.weight": "b",
    ".lora.up.weight": "b",
    ".alpha": "alpha",
}
Role = Literal["a", "b", "alpha"]


@dataclass(frozen=True)
class TensorName:
    """One tensor of a LoRA file."""

    module: str
    """Without the trainer's prefix; dots may have become underscores."""
    role: Role
    of_text_encoder: bool = False


def parse(key: str) -> TensorName | None:
    """What a tensor is; None for what is no part of a plain LoRA (LoHa, LoKr, DoRA, a model)."""
    suffix = next((suffix for suffix in _SUFFIXES if key.endswith(suffix)), None)
    if suffix is None:
        return None
    module = key.removesuffix(suffix)
    if module.startswith(_TEXT_PREFIXES):
        return TensorName(module, _SUFFIXES[suffix], of_text_encoder=True)
    prefix = next((prefix for prefix in _PREFIXES if module.startswith(prefix)), "")
    return TensorName(module.removeprefix(prefix), _SUFFIXES[suffix])


def originals(modules: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By original name, the modules of diffusers that it holds, in the order of its rows.

    Args:
        modules: linears of the blocks, as diffusers names them; whole blocks.
    """
    blocks = dict.fromkeys(found.group() for name in modules if (found := _BLOCK.match(name)))
    names: dict[str, tuple[str, ...]] = {}
    for block in blocks:
        is_single = block.startswith("single_")
        original = block.replace("single_transformer", "single").replace("transformer", "double")
        for name, parts in (_SINGLE if is_single else _DOUBLE).items():
            names[original + name] = tuple(block + part for part in parts)
    return names


def spellings(modules: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By each name that a trainer may give a layer (see `parse`), the modules it stands for."""
    known = list(modules)
    table = {module: (module,) for module in known} | originals(known)
    return table | {name.replace(".", "_"): parts for name, parts in table.items()}


def is_flux1(module: str) -> bool:
    """Whether a module's name, as `parse` gives it, is one of FLUX.1's blocks."""
    return _FLUX1.match(module) is not None
