"""A LoRA trained here, opened in a bare diffusers script: the same file, the same picture."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline
from peft import LoraConfig
from PIL import Image
from torch import Tensor

from engine.contract.manifests import DatasetManifest, Example
from engine.generation.sampling import Sampler, Shot
from engine.models import catalogue, lora_file
from engine.models.base import ImageModel
from engine.training.loop import Trainer
from engine.training.recipe import choose

PROMPT = "headshot of TOK person wearing a suit, grey studio background"
SIZE, SEED, STEPS, GUIDANCE = (64, 64), 11, 6, 2.5


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> ImageModel:
    return catalogue.load(str(tiny_base), "cpu")


@pytest.fixture(scope="module")
def lora(model: ImageModel) -> bytes:
    """Really trained, on two pictures."""
    examples, pictures = [], {}
    for number, colour in enumerate([(220, 60, 40), (200, 80, 30)]):
        file = BytesIO()
        Image.new("RGB", SIZE, colour).save(file, "PNG")
        pictures[f"{number}"] = file.getvalue()
        examples.append(
            Example(
                key=f"{number}",
                photo_sha256=f"{number}",
                view="face",
                width_px=64,
                height_px=64,
                caption="photo of TOK person",
                plain_caption="photo of a person",
            )
        )
    dataset = DatasetManifest(trigger="TOK", class_word="person", examples=tuple(examples))
    trainer = Trainer(model, dataset, pictures, choose("standard", 2, 64, steps=60), seed=1)
    list(trainer.steps())
    return trainer.lora()


@pytest.fixture
def pipeline(tiny_base: Path) -> FluxPipeline:
    pipeline = FluxPipeline.from_pretrained(tiny_base)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def ours(model: ImageModel, weights: Tensor) -> Tensor:
    """Latents after the last step; the sampler itself gives pictures of 8 bits."""
    sampler = Sampler(model, weights, [Shot(PROMPT, SEED)], SIZE, GUIDANCE, STEPS)
    images = [drawn.image for step in sampler.steps() for drawn in step.drawn]
    return to_tensor(images[0])


def theirs(pipeline: FluxPipeline, model: ImageModel) -> Tensor:
    result = pipeline(
        prompt=PROMPT,
        width=SIZE[0],
        height=SIZE[1],
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        max_sequence_length=model.facts.max_text_tokens,
        generator=torch.Generator().manual_seed(SEED),
    )
    return to_tensor(result.images[0])  # pyright: ignore[reportAttributeAccessIssue]


def to_tensor(image: Image.Image) -> Tensor:
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).float()


def test_a_bare_pipeline_draws_the_same_picture(
    model: ImageModel, lora: bytes, pipeline: FluxPipeline, tmp_path: Path
) -> None:
    nobody = theirs(pipeline, model)
    (tmp_path / "lora.safetensors").write_bytes(lora)
    weights = lora_file.read(lora, model.lora, model.facts.name)

    pipeline.load_lora_weights(str(tmp_path / "lora.safetensors"))

    torch.testing.assert_close(ours(model, model.lora.zeros()), nobody, atol=1.0, rtol=0)
    picture = theirs(pipeline, model)
    torch.testing.assert_close(ours(model, weights), picture, atol=1.0, rtol=0)
    assert (picture - nobody).abs().mean() > 8, "the LoRA changes nothing"


def test_the_file_is_what_diffusers_itself_would_save(
    model: ImageModel, lora: bytes, tmp_path: Path
) -> None:
    tensors = safetensors.torch.load(lora)
    modules = sorted({key.split(".lora_")[0].removeprefix("transformer.") for key in tensors})
    config = LoraConfig(r=16, lora_alpha=16, target_modules=modules)
    FluxPipeline.save_lora_weights(
        tmp_path,
        transformer_lora_layers={k.removeprefix("transformer."): t for k, t in tensors.items()},
        transformer_lora_adapter_metadata=config.to_dict(),
    )
    saved = (tmp_path / "pytorch_lora_weights.safetensors").read_bytes()

    reference = safetensors.torch.load(saved)
    assert tensors.keys() == reference.keys()
    assert all(torch.equal(tensors[key], reference[key]) for key in tensors)
    mine, full = adapter_metadata(lora), adapter_metadata(saved)
    assert {key: full[key] for key in mine} == mine | {
        "transformer.target_modules": full["transformer.target_modules"]
    }
    assert sorted(full["transformer.target_modules"]) == mine["transformer.target_modules"]
    weights = lora_file.read(saved, model.lora, model.facts.name)
    assert torch.equal(weights, lora_file.read(lora, model.lora, model.facts.name))


def adapter_metadata(data: bytes) -> dict[str, Any]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["lora_adapter_metadata"])


def test_a_lora_of_peft_draws_the_same_picture_here(
    model: ImageModel, pipeline: FluxPipeline, tmp_path: Path
) -> None:
    """Another rank, an alpha of its own, and some of the layers only."""
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["to_q", "to_v", "proj_mlp"])
    with torch.random.fork_rng():
        torch.manual_seed(2)
        pipeline.transformer.add_adapter(config)
        for name, parameter in pipeline.transformer.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.2)
    picture = theirs(pipeline, model)
    pipeline.transformer.save_lora_adapter(tmp_path, adapter_name="default")
    data = next(tmp_path.glob("*.safetensors")).read_bytes()
    data = with_prefix(data)

    weights = lora_file.read(data, model.lora, model.facts.name)

    torch.testing.assert_close(ours(model, weights), picture, atol=1.0, rtol=0)
    assert (picture - ours(model, model.lora.zeros())).abs().mean() > 2


def with_prefix(data: bytes) -> bytes:
    """As `save_lora_weights` names the keys."""
    tensors = {f"transformer.{key}": t for key, t in safetensors.torch.load(data).items()}
    metadata = {"lora_adapter_metadata": json.dumps({"transformer.lora_alpha": 8})}
    return safetensors.torch.save(tensors, metadata)
