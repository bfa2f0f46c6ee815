"""The FLUX.1 family: CLIP and T5 read, a transformer of double and single blocks draws.

Follows FluxPipeline and FlowMatchEulerDiscreteScheduler of diffusers number by number, so that a
LoRA made here gives the same picture there. Knows one loaded base; knows no person.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from einops import rearrange
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel, T5Tokenizer
from transformers.utils.logging import disable_progress_bar

from engine.contract.failures import EngineError, FailureCode
from engine.models import folder as layout
from engine.models.base import ImageModel, ModelFacts, Size, TextEmbeddings
from engine.models.lora import DEFAULT_RANK, LoraSlots

LATENT_CHANNELS = 16
LONGEST_TEXT = 512
"""Tokens of T5; FLUX.1-dev was trained with as many."""
_BLOCKS = ("transformer_blocks.", "single_transformer_blocks.")
_NO_CUDNN = (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)


class Flux1(ImageModel):
    """A base of the FLUX.1 family from a folder in the diffusers layout."""

    name = "flux1"

    def __init__(
        self,
        folder: Path,
        facts: ModelFacts,
        device: torch.device,
        dtype: torch.dtype,
        rank: int = DEFAULT_RANK,
        keep_encoders: bool = True,
        checkpoint_gradients: bool = False,
    ) -> None:
        layout.check(folder, facts.name)
        disable_progress_bar()
        self.facts = facts
        self.device = device
        self.dtype = dtype
        self._folder = folder
        self._keep_encoders = keep_encoders
        self._scheduler = self._load(FlowMatchEulerDiscreteScheduler, "scheduler")
        self._tokenizers = (
            self._load(CLIPTokenizer, "tokenizer"),
            self._load(T5Tokenizer, "tokenizer_2"),
        )
        self._vae: Any = self._load_network(AutoencoderKL, "vae")
        self._encoders: tuple[CLIPTextModel, T5EncoderModel] | None = None
        self._transformer: FluxTransformer2DModel = self._load_network(
            FluxTransformer2DModel, "transformer"
        )
        if checkpoint_gradients:
            self._transformer.enable_gradient_checkpointing()
        self._has_guidance = bool(self._transformer.config["guidance_embeds"])
        self._vae_factor = 2 ** (len(self._vae.config["block_out_channels"]) - 1)
        self._ids: dict[tuple[int, int], Tensor] = {}
        self.lora = LoraSlots(self._transformer, lora_modules(self._transformer), rank)

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

    def predict(
        self, latents: Tensor, sigma: Tensor, text: TextEmbeddings, guidance: float
    ) -> Tensor:
        batch, _, height, width = latents.shape
        rows, columns = height // 2, width // 2
        timestep = (sigma * 1000).to(self.device, self.dtype) / 1000
        scale = torch.full((batch,), guidance, device=self.device, dtype=torch.float32)
        with self._attention():
            packed = self._transformer(
                hidden_states=pack(latents.to(self.dtype)),
                timestep=timestep,
                guidance=scale if self._has_guidance else None,
                pooled_projections=text.pooled,
                encoder_hidden_states=text.tokens,
                txt_ids=torch.zeros(text.tokens.shape[1], 3, device=self.device, dtype=self.dtype),
                img_ids=self._position_ids(rows, columns),
                return_dict=False,
            )[0]
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
        if not self._keep_encoders and self._encoders is not None:
            self._encoders = None
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _text_encoders(self) -> tuple[CLIPTextModel, T5EncoderModel]:
        if self._encoders is None:
            self._encoders = (
                self._load_network(CLIPTextModel, "text_encoder"),
                self._load_network(T5EncoderModel, "text_encoder_2"),
            )
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

    def _position_ids(self, rows: int, columns: int) -> Tensor:
        if (rows, columns) not in self._ids:
            ids = torch.zeros(rows, columns, 3)
            ids[..., 1] = torch.arange(rows)[:, None]
            ids[..., 2] = torch.arange(columns)[None]
            flat = ids.view(rows * columns, 3)
            self._ids[rows, columns] = flat.to(self.device, self.dtype)
        return self._ids[rows, columns]

    def _attention(self) -> AbstractContextManager[object]:
        """Without cuDNN where gradients flow: its backward fails on current drivers."""
        if self.device.type == "cuda" and torch.is_grad_enabled():
            return sdpa_kernel(list(_NO_CUDNN))
        return nullcontext()

    def _load_network(self, cls: Any, part: str) -> Any:
        network: nn.Module = self._load(cls, part, dtype=self.dtype)
        return network.to(self.device).eval().requires_grad_(False)

    def _load(self, cls: Any, part: str, **options: Any) -> Any:
        if "dtype" in options and cls in (AutoencoderKL, FluxTransformer2DModel):
            options["torch_dtype"] = options.pop("dtype")
        try:
            return cls.from_pretrained(
                self._folder, subfolder=part, local_files_only=True, **options
            )
        except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise EngineError(
                FailureCode.BASE_INCOMPLETE, base=self.facts.name, part=part
            ) from error


def lora_modules(transformer: nn.Module) -> list[str]:
    """Every linear of every block, those that modulate included, as ostris' trainer does."""
    return [
        name
        for name, module in transformer.named_modules()
        if isinstance(module, nn.Linear) and name.startswith(_BLOCKS)
    ]


def pack(latents: Tensor) -> Tensor:
    """(batch, channels, height, width) to tokens of 2x2: (batch, tokens, 4 * channels)."""
    return rearrange(latents, "b c (h p) (w q) -> b (h w) (c p q)", p=2, q=2)


def unpack(packed: Tensor, rows: int) -> Tensor:
    """Tokens in `rows` rows back to latents."""
    return rearrange(packed, "b (h w) (c p q) -> b c (h p) (w q)", h=rows, p=2, q=2)
