"""Where the networks of a FLUX.1 base come from: a folder in the diffusers layout.

Knows diffusers' and transformers' loaders and what a broken folder means; knows no device.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import safetensors
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel, T5Tokenizer
from transformers.utils.logging import disable_progress_bar

from engine.contract.failures import EngineError, FailureCode
from engine.models import folder as layout

Wake = Callable[[nn.Module], nn.Module]
"""Brings the weights of a module into being, if they are not there yet."""


class Parts(Protocol):
    """The parts of a base, in the dtype asked for, in the machine's memory or on a device."""

    def scheduler(self) -> FlowMatchEulerDiscreteScheduler: ...

    def tokenizers(self) -> tuple[CLIPTokenizer, T5Tokenizer]: ...

    def autoencoder(self, dtype: torch.dtype) -> AutoencoderKL: ...

    def encoders(self, dtype: torch.dtype) -> tuple[CLIPTextModel, T5EncoderModel]: ...

    def transformer(self, dtype: torch.dtype) -> FluxTransformer2DModel: ...

    def wake(self, module: nn.Module) -> nn.Module: ...


class FolderParts:
    """The parts that lie in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises EngineError: BASE_INCOMPLETE."""
        layout.check(folder, name)
        disable_progress_bar()
        self._folder = folder
        self._name = name

    def scheduler(self) -> FlowMatchEulerDiscreteScheduler:
        return self._load(FlowMatchEulerDiscreteScheduler, "scheduler")

    def tokenizers(self) -> tuple[CLIPTokenizer, T5Tokenizer]:
        clip = self._load(CLIPTokenizer, "tokenizer")
        return clip, self._load(T5Tokenizer, "tokenizer_2")

    def autoencoder(self, dtype: torch.dtype) -> AutoencoderKL:
        return self._load(AutoencoderKL, "vae", torch_dtype=dtype)

    def encoders(self, dtype: torch.dtype) -> tuple[CLIPTextModel, T5EncoderModel]:
        clip = self._load(CLIPTextModel, "text_encoder", dtype=dtype)
        return clip, self._load(T5EncoderModel, "text_encoder_2", dtype=dtype)

    def transformer(self, dtype: torch.dtype) -> FluxTransformer2DModel:
        return self._load(FluxTransformer2DModel, "transformer", torch_dtype=dtype)

    def wake(self, module: nn.Module) -> nn.Module:
        return module

    def _load(self, cls: Any, part: str, **options: Any) -> Any:
        try:
            return cls.from_pretrained(
                self._folder, subfolder=part, local_files_only=True, **options
            )
        except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise EngineError(FailureCode.BASE_INCOMPLETE, base=self._name, part=part) from error
