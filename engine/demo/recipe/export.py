"""Folders on disk: the model as FluxPipeline reads it, and checkpoints of an unfinished run.

Everything is safetensors and JSON, written beside its place and then moved there.
"""

import json
import os
import shutil
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel, T5Tokenizer

from engine.demo.recipe.architecture import Painter, build_scheduler

LARGEST_FILE = "14MB"


def frozen_copy(painter: Painter, values: dict[str, Tensor]) -> Painter:
    """A bf16 copy on the CPU with `values` (named as `Painter.named_parameters`) as weights."""
    transformer = FluxTransformer2DModel.from_config(painter.transformer.config)
    copy = Painter(
        transformer,  # pyright: ignore
        CLIPTextModel(painter.clip.config),
        T5EncoderModel(painter.t5.config),
    )
    with torch.no_grad():
        for name, parameter in copy.named_parameters().items():
            parameter.copy_(values[name])
    for part in copy.parts().values():
        nn.Module.to(part, torch.bfloat16).eval()
    return copy


def write_model(
    folder: Path,
    painter: Painter,
    vae: AutoencoderKL,
    tokenizers: tuple[CLIPTokenizer, T5Tokenizer],
) -> dict[str, int]:
    """Write the pipeline's folder in bf16; returns bytes by file."""
    vae_copy: AutoencoderKL = AutoencoderKL.from_config(vae.config)  # pyright: ignore
    vae_copy.load_state_dict(vae.state_dict())
    pipeline = FluxPipeline(
        scheduler=build_scheduler(),
        vae=nn.Module.to(vae_copy, torch.bfloat16),  # pyright: ignore
        text_encoder=painter.clip,
        tokenizer=tokenizers[0],
        text_encoder_2=painter.t5,
        tokenizer_2=tokenizers[1],  # pyright: ignore
        transformer=painter.transformer,
    )
    beside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    pipeline.save_pretrained(beside, safe_serialization=True, max_shard_size=LARGEST_FILE)
    for place in beside.glob("*/config.json"):
        _tidy(place)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return {
        str(f.relative_to(folder)): f.stat().st_size
        for f in sorted(folder.rglob("*"))
        if f.is_file()
    }


def _tidy(place: Path) -> None:
    """Without the folder that a network was read from. transformers loads encoders in the config's
    dtype, diffusers in fp32: without the last they differ.
    """
    config = json.loads(place.read_text())
    config.pop("_name_or_path", None)
    if place.parent.name.startswith("text_encoder"):
        config["dtype"] = "float32"
    place.write_text(json.dumps(config, indent=2) + "\n")


def read_model(folder: Path) -> tuple[Painter, AutoencoderKL, CLIPTokenizer, T5Tokenizer]:
    """The parts of a model folder, in fp32, to train on."""
    pipeline = FluxPipeline.from_pretrained(folder, dtype=torch.float32)
    painter = Painter(pipeline.transformer, pipeline.text_encoder, pipeline.text_encoder_2)
    return painter, pipeline.vae, pipeline.tokenizer, pipeline.tokenizer_2


class Workshop:
    """The folder of an unfinished run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, name: str) -> bool:
        return (self.folder / f"{name}.safetensors").exists()

    def save(self, name: str, tensors: dict[str, Tensor]) -> None:
        place = self.folder / f"{name}.safetensors"
        beside = place.with_suffix(".new")
        save_file({k: v.detach().contiguous().cpu() for k, v in tensors.items()}, beside)
        os.replace(beside, place)

    def load(self, name: str, device: torch.device) -> dict[str, Tensor]:
        return load_file(self.folder / f"{name}.safetensors", device=str(device))

    def note(self, **values: object) -> None:
        """Keep small facts: how far the run is, shift and scale, names."""
        beside = self.folder / "state.new"
        beside.write_text(json.dumps({**self.notes(), **values}))
        os.replace(beside, self.folder / "state.json")

    def notes(self) -> dict:
        place = self.folder / "state.json"
        return json.loads(place.read_text()) if place.exists() else {}
