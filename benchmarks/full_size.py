"""FLUX.1-dev's exact shapes with random weights, for measuring speed and memory without its files.

Weights are drawn on the device, block by block, the same for the same module whatever is drawn
before it, so that two layouts of the same network can be compared. Norms start at one and biases at
zero; matrices are scaled by their inputs, so that numbers stay the size of real ones. Or, if
`initial`, linears are as PyTorch makes them: three fifths of the size come through, with biases.
"""

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar
from zlib import crc32

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel
from transformers import T5Tokenizer as Tokenizer

from engine.models import memory
from engine.models.base import ModelFacts
from engine.models.flux1 import Flux1
from engine.models.memory import MemoryPlan, Needs
from engine.models.tiny import clip_tokenizer, t5_tokenizer

TRANSFORMER_MIB, VAE_MIB, ENCODERS_MIB = 22_700.0, 160.0, 9_300.0
NEEDS = Needs(TRANSFORMER_MIB, VAE_MIB, ENCODERS_MIB)
FACTS = ModelFacts(
    name="full-size",
    family="flux1",
    license="none: random weights",
    sizes={"square": (1024, 1024), "portrait": (896, 1152)},
    native_px=1024,
    max_text_tokens=512,
    num_inference_steps=28,
)
_EMBEDDING_DEVIATION = 0.02
_MOST_DRAWN = 2**20


ModuleT = TypeVar("ModuleT", bound=nn.Module)


class RandomParts:
    """The parts of FLUX.1-dev as nobody trained them."""

    def __init__(
        self, device: torch.device, shapes: dict[str, Any] | None = None,
        keep_encoders: bool = True, initial: bool = False,
    ) -> None:  # fmt: skip
        """`shapes` replaces some of the transformer's, for a try on small machines.

        `keep_encoders` are drawn on the device, others where files would be read to.
        """
        self._initial = initial
        self._device = device
        self._encoders_device = device if keep_encoders else torch.device("cpu")
        self._shapes = shapes or {}
        self._t5_layers = 1 if shapes else 24
        self._autoencoder_channels = (32,) * 4 if shapes else (128, 256, 512, 512)

    def scheduler(self) -> FlowMatchEulerDiscreteScheduler:
        return FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)

    def tokenizers(self) -> tuple[CLIPTokenizer, Tokenizer]:
        t5 = t5_tokenizer()
        t5.model_max_length = FACTS.max_text_tokens
        return clip_tokenizer(), t5

    def autoencoder(self, dtype: torch.dtype) -> AutoencoderKL:
        with torch.device("meta"):
            vae = AutoencoderKL(
                block_out_channels=self._autoencoder_channels,  # pyright: ignore
                down_block_types=("DownEncoderBlock2D",) * 4,  # pyright: ignore
                up_block_types=("UpDecoderBlock2D",) * 4,  # pyright: ignore
                layers_per_block=2,
                latent_channels=16,
                use_quant_conv=False,
                use_post_quant_conv=False,
                scaling_factor=0.3611,
                shift_factor=0.1159,
            )
        return self._filled(vae, dtype)

    def encoders(self, dtype: torch.dtype) -> tuple[CLIPTextModel, T5EncoderModel]:
        with torch.device("meta"):
            t5 = T5EncoderModel(
                T5Config(
                    vocab_size=32128, d_model=4096, d_kv=64, d_ff=10240,
                    num_layers=self._t5_layers, num_heads=64, feed_forward_proj="gated-gelu",
                )
            )  # fmt: skip
        # CLIP keeps the numbers of its positions in a buffer that nobody can draw.
        clip = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=49408, hidden_size=768, intermediate_size=3072, projection_dim=768,
                num_hidden_layers=12, num_attention_heads=12, bos_token_id=0, eos_token_id=1,
            )
        ).to(self._encoders_device, dtype)  # fmt: skip  # pyright: ignore
        return clip, self._filled(t5, dtype, self._encoders_device)

    def transformer(self, dtype: torch.dtype) -> FluxTransformer2DModel:
        """Without weights yet."""
        with torch.device("meta"):
            network = FluxTransformer2DModel(guidance_embeds=True, **self._shapes)
        for name, module in network.named_modules():
            module.drawn_as = name  # pyright: ignore
        return nn.Module.to(network, dtype)  # pyright: ignore

    def wake(self, module: nn.Module) -> nn.Module:
        return self._filled(module, next(module.parameters()).dtype)

    def _filled(
        self, module: ModuleT, dtype: torch.dtype, device: torch.device | None = None
    ) -> ModuleT:
        own_name = getattr(module, "drawn_as", type(module).__name__)
        for name, child in module.named_modules():
            bound = None
            if self._initial and isinstance(child, nn.Linear):
                bound = 1 / math.sqrt(child.in_features)
            for key, value in child.named_parameters(recurse=False):
                if value.is_meta:
                    drawn = _draw(
                        f"{own_name}.{name}.{key}", value.shape, device or self._device, dtype,
                        bound,
                    )  # fmt: skip
                    setattr(child, key, nn.Parameter(drawn, requires_grad=False))
        return module


def _draw(
    name: str, shape: torch.Size, device: torch.device, dtype: torch.dtype, bound: float | None
) -> Tensor:
    """Evenly within the bound, where there is one.

    A processor draws a million numbers at most, over and over: gigabytes would take minutes.
    """
    if len(shape) < 2 and bound is None:
        fill = 0.0 if name.endswith("bias") else 1.0
        return torch.full(shape, fill, device=device, dtype=dtype)
    generator = torch.Generator(device).manual_seed(crc32(name.encode()))
    deviation = _EMBEDDING_DEVIATION
    if "embed" not in name and bound is None:
        deviation = 1 / math.sqrt(math.prod(shape[1:]))
    count = shape.numel() if device.type == "cuda" else min(shape.numel(), _MOST_DRAWN)
    drawn = torch.empty(count, device=device, dtype=dtype)
    if bound is None:
        drawn.normal_(std=deviation, generator=generator)
    else:
        drawn.uniform_(-bound, bound, generator=generator)
    if count < shape.numel():
        drawn = drawn.repeat(-(-shape.numel() // count))[: shape.numel()]
    return drawn.view(shape)


def build(
    device: torch.device, plan: MemoryPlan, shapes: dict[str, Any] | None = None,
    initial: bool = False,
) -> Flux1:  # fmt: skip
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    parts = RandomParts(device, shapes, plan.keep_encoders or plan.kind == "whole", initial)
    return Flux1(parts, FACTS, device, dtype, plan=plan)  # pyright: ignore


def plan_for(tier: memory.MemoryTier, device: torch.device) -> MemoryPlan:
    if device.type != "cuda":
        return MemoryPlan()
    native = torch.cuda.get_device_capability(device) >= (8, 9)
    free = memory.free_mib(device) or 0
    if tier != "auto":
        free = min(free, int(memory.LIMITS_GIB[tier] * memory.GIB))
    return memory.choose(NEEDS, free, native)


def reference(device: torch.device, shapes: dict[str, Any] | None = None) -> FluxTransformer2DModel:
    """diffusers' own transformer with the same weights, eager."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    parts = RandomParts(device, shapes)
    network = parts.transformer(dtype)
    for module in network.children():
        for block in module if isinstance(module, nn.ModuleList) else [module]:
            parts.wake(block) if any(True for _ in block.parameters()) else None
    return network.eval().requires_grad_(False)


def seconds_of(
    work: Callable[[], object], device: torch.device, times: int, warm: int = 2
) -> float:
    """The median."""
    taken: list[float] = []
    for number in range(warm + times):
        synchronise(device)
        began = time.perf_counter()
        work()
        synchronise(device)
        if number >= warm:
            taken.append(time.perf_counter() - began)
    return sorted(taken)[len(taken) // 2]


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_gib(device: torch.device) -> float:
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0.0


def free_all(device: torch.device) -> None:
    import gc

    gc.collect()
    torch._dynamo.reset()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
