"""The FLUX.1 family: CLIP and T5 read, a transformer of double and single blocks draws.

Follows FluxPipeline and FlowMatchEulerDiscreteScheduler of diffusers number by number, so that a
LoRA made here gives the same picture there. Knows one loaded base; knows no person.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from itertools import chain
from typing import Any

import numpy as np
import structlog
import torch
from accelerate import cpu_offload
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from einops import rearrange
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import CLIPTextModel, T5EncoderModel

from engine.models import acceleration, attention, heads, norms
from engine.models.acceleration import Recorder
from engine.models.base import ImageModel, ModelFacts, Size, TextEmbeddings
from engine.models.emphasis import weighted_mse
from engine.models.flux1_network import FluxNetwork, lora_groups, modulation_groups
from engine.models.heads import Rotation
from engine.models.linears import Storage
from engine.models.lora import DEFAULT_RANK, LoraSlots
from engine.models.memory import MemoryPlan
from engine.models.parts import Parts

LATENT_CHANNELS = 16
LONGEST_TEXT = 512
"""Tokens of T5; FLUX.1-dev was trained with as many."""
log = structlog.get_logger()
_NO_CUDNN = (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)


class Flux1(ImageModel):
    """A base of the FLUX.1 family."""

    name = "flux1"

    def __init__(
        self,
        parts: Parts,
        facts: ModelFacts,
        device: torch.device,
        dtype: torch.dtype,
        rank: int = DEFAULT_RANK,
        plan: MemoryPlan | None = None,
    ) -> None:
        """Raises EngineError: BASE_INCOMPLETE."""
        self.facts = facts
        self.device = device
        self.dtype = dtype
        self.plan = plan or MemoryPlan()
        self.tier = self.plan.tier
        self._parts = parts
        self._scheduler = parts.scheduler()
        self._tokenizers = parts.tokenizers()
        self._vae: Any = _frozen(parts.autoencoder(dtype), device)
        if self.plan.kind == "streamed":
            self.megapixels_at_once = 1.0
        if self.plan.kind != "whole":
            self._vae.enable_slicing()
            self._vae.enable_tiling()
        self._vae_factor = 2 ** (len(self._vae.config["block_out_channels"]) - 1)
        self._encoders: tuple[CLIPTextModel, T5EncoderModel] | None = None
        self._rotations: dict[tuple[int, int, int], Rotation] = {}
        self._recorder: Recorder | None = None
        self._folded: tuple[Tensor, float] | None = None
        self._build_network(rank)

    def _build_network(self, rank: int) -> None:
        plan, device, dtype = self.plan, self.device, self.dtype
        transformer = self._parts.transformer(dtype)
        self.lora = LoraSlots(transformer, lora_groups(transformer), rank, device, dtype)
        self.modulations = frozenset(chain.from_iterable(modulation_groups(transformer)))
        head_size = int(transformer.config["attention_head_dim"])
        kernels, attend = attention.choose(device, dtype, head_size)
        storage = Storage(device, dtype, plan.precision, plan.turned, plan.folds)
        self.network = FluxNetwork(
            transformer, self.lora, storage, attend, plan.checkpoint_gradients,
            plan.streamed_share, self._parts.wake,
        )  # fmt: skip
        self.network.use_own_kernels(
            heads.own_kernels_work(device, head_size), norms.own_kernels_work(device)
        )
        if device.type == "cuda":
            acceleration.compile_blocks(self.network.compilable())
            self._recorder = None if plan.streamed_share else Recorder()
            log.info("base_laid_out", attention=kernels, **asdict(plan))

    @torch.no_grad()
    def encode_text(self, prompts: Sequence[str]) -> TextEmbeddings:
        clip, t5 = self._text_encoders()
        clip_ids = self._token_ids(0, prompts, self._tokenizers[0].model_max_length)
        t5_ids = self._token_ids(1, prompts, self.facts.max_text_tokens)
        return TextEmbeddings(
            tokens=t5(t5_ids, output_hidden_states=False)[0].to(self.dtype),
            pooled=clip(clip_ids, output_hidden_states=False).pooler_output.to(self.dtype),
        )

    @torch.no_grad()
    def encode_image(self, pixels: Tensor) -> Tensor:
        posterior = self._vae.encode(pixels.to(self.device, self.dtype)).latent_dist
        shift, scale = self._normalisation()
        return (posterior.mode() - shift) * scale

    def seat(self, weights: Tensor, strength: float = 1.0) -> None:
        """Where there is room, folds them into the matrices once, and not again after others."""
        super().seat(weights, strength)
        folded = self._folded
        if not self.plan.folds or (folded and folded[0] is weights and folded[1] == strength):
            return
        self.network.fold()
        self._folded = (weights, strength)

    def predict(
        self, latents: Tensor, sigma: Tensor, text: TextEmbeddings, guidance: float
    ) -> Tensor:
        inputs = self._inputs(latents, sigma, text, guidance)
        if torch.is_grad_enabled():
            return self._predict(*inputs)
        if self._folded is None:
            return self._fast("predict", self._predict, inputs)
        is_folded = self.lora.holds(*self._folded)
        self.network.draw_folded(is_folded)
        name = "predict folded" if is_folded else "predict"
        return self._fast(name, self._predict, inputs)

    def learn(
        self,
        latents: Tensor,
        sigma: Tensor,
        text: TextEmbeddings,
        guidance: float,
        target: Tensor,
        emphasis: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        gradient = self.lora.gradient()
        if emphasis is None:
            emphasis = torch.ones_like(target[:, :1])
        inputs = (
            *self._inputs(latents, sigma, text, guidance), target.float(), emphasis.float()
        )  # fmt: skip
        return self._fast("learn", self._learn, inputs), gradient

    def _fast(self, name: str, step: acceleration.Step, inputs: Sequence[Tensor]) -> Tensor:
        """Recorded where that is possible, and without compiled blocks where compiling fails."""
        try:
            if self._recorder is not None:
                return self._recorder.run(name, step, inputs)
            with acceleration.compiling():
                return step(*inputs)
        except acceleration.NotCompiledError:
            acceleration.uncompile_blocks(self.network.compilable())
            return step(*inputs)

    def _learn(self, *inputs: Tensor) -> Tensor:
        with torch.enable_grad():
            loss = weighted_mse(self._predict(*inputs[:-2]), *inputs[-2:])
            self.lora.gather(loss)
        return loss.detach()

    def _inputs(
        self, latents: Tensor, sigma: Tensor, text: TextEmbeddings, guidance: float
    ) -> tuple[Tensor, ...]:
        """Times and guidance as the transformer takes them, rounded where diffusers rounds."""
        times = (sigma * 1000).to(self.device, self.dtype) / 1000 * 1000
        scale = torch.full((len(latents),), guidance, device=self.device).to(self.dtype) * 1000
        return latents.to(self.dtype), times, scale, text.pooled, text.tokens

    def _predict(
        self, latents: Tensor, times: Tensor, scale: Tensor, pooled: Tensor, tokens: Tensor
    ) -> Tensor:
        rows, columns = latents.shape[2] // 2, latents.shape[3] // 2
        rotation = self._rotation(tokens.shape[1], rows, columns)
        with self._attention():
            packed = self.network(pack(latents), times, scale, pooled, tokens, rotation)
        return unpack(packed, rows)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        shift, scale = self._normalisation()
        pixels = self._vae.decode(latents.to(self.dtype) / scale + shift, return_dict=False)[0]
        return pixels.float().clamp(-1, 1)

    def latent_shape(self, size: Size) -> tuple[int, int, int]:
        width_px, height_px = size
        side = 2 * self._vae_factor
        if width_px % side or height_px % side:
            raise ValueError(f"picture is {width_px}x{height_px} px; sides must divide by {side}")
        channels = int(self._vae.config["latent_channels"])
        return channels, height_px // self._vae_factor, width_px // self._vae_factor

    def sigmas(self, num_steps: int, size: Size) -> list[float]:
        scheduler: Any = FlowMatchEulerDiscreteScheduler.from_config(self._scheduler.config)
        dynamic = scheduler.config["use_dynamic_shifting"]
        levels = np.linspace(1.0, 1 / num_steps, num_steps).tolist()
        scheduler.set_timesteps(sigmas=levels, mu=self._mu(size) if dynamic else None)
        return scheduler.sigmas.tolist()

    def shift(self, size: Size) -> float:
        if self._scheduler.config["use_dynamic_shifting"]:
            return math.exp(self._mu(size))
        return float(self._scheduler.config["shift"])

    def drop_encoders(self) -> None:
        if not self.plan.keep_encoders and self._encoders is not None:
            self._encoders = None
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _text_encoders(self) -> tuple[CLIPTextModel, T5EncoderModel]:
        """Where they do not fit beside the transformer, their layers visit the device in turn."""
        if self._encoders is None:
            clip, t5 = self._parts.encoders(self.dtype)
            t5 = t5.eval().requires_grad_(False)
            if self.plan.keep_encoders or self.plan.kind == "whole":
                t5 = _frozen(t5, self.device)
            else:
                cpu_offload(t5, self.device)
            self._encoders = (_frozen(clip, self.device), t5)
        return self._encoders

    def _token_ids(self, which: int, prompts: Sequence[str], length: int) -> Tensor:
        inputs: Any = self._tokenizers[which](
            list(prompts),
            padding="max_length",
            max_length=length,
            truncation=True,
            return_tensors="pt",
        )
        return inputs.input_ids.to(self.device)

    def _normalisation(self) -> tuple[float, float]:
        return float(self._vae.config["shift_factor"]), float(self._vae.config["scaling_factor"])

    def _mu(self, size: Size) -> float:
        """FluxPipeline's calculate_shift: a line through (256, 0.5) and (4096, 1.15) tokens."""
        _, height, width = self.latent_shape(size)
        config = self._scheduler.config
        low, high = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
        at_low, at_high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
        slope = (at_high - at_low) / (high - low)
        return (height // 2) * (width // 2) * slope + at_low - slope * low

    def _rotation(self, num_text: int, rows: int, columns: int) -> Rotation:
        key = (num_text, rows, columns)
        if key not in self._rotations:
            self._rotations[key] = self.network.rotation(*key, self.device)
        return self._rotations[key]

    def _attention(self) -> AbstractContextManager[object]:
        """cuDNN's where no gradients flow, as it is fastest; its backward fails on some drivers."""
        if self.device.type != "cuda":
            return nullcontext()
        if torch.is_grad_enabled():
            return sdpa_kernel(list(_NO_CUDNN))
        return sdpa_kernel([SDPBackend.CUDNN_ATTENTION, *_NO_CUDNN], set_priority=True)


def _frozen(network: Any, device: torch.device) -> Any:
    return network.to(device).eval().requires_grad_(False)


def pack(latents: Tensor) -> Tensor:
    """(batch, channels, height, width) to tokens of 2x2: (batch, tokens, 4 * channels)."""
    return rearrange(latents, "b c (h p) (w q) -> b (h w) (c p q)", p=2, q=2)


def unpack(packed: Tensor, rows: int) -> Tensor:
    """Tokens in `rows` rows back to latents."""
    return rearrange(packed, "b (h w) (c p q) -> b c (h p) (w q)", h=rows, p=2, q=2)
