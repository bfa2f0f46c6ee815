"""LoRAs that travel: out to ComfyUI's names, in from other trainers, with the same picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from diffusers.loaders.lora_conversion_utils import _convert_kohya_flux_lora_to_diffusers
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline
from PIL import Image
from torch import Tensor

from bot.commands import lora_formats
from engine.contract import lora_names
from engine.contract.failures import EngineError
from engine.generation.sampling import Sampler, Shot
from engine.models import catalogue, lora_file
from engine.models.base import ImageModel

PROMPT, SIZE, SEED, STEPS = "headshot of TOK person", (64, 64), 5, 4
FACTS = {"base_model": "tiny", "trigger": "TOK", "class_word": "person"}
RANK = 16


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> ImageModel:
    return catalogue.load(str(tiny_base), "cpu")


@pytest.fixture(scope="module")
def weights(model: ImageModel) -> Tensor:
    """Of a LoRA that changes the picture: every slot filled, the gaps between them zero."""
    generator = torch.Generator().manual_seed(8)
    flat = torch.randn(model.lora.num_weights, generator=generator) * 0.2
    return model.lora.pack(model.lora.unpack(flat))


def picture(model: ImageModel, weights: Tensor) -> Tensor:
    steps = Sampler(model, weights, [Shot(PROMPT, SEED)], SIZE, 2.5, STEPS).steps()
    (image,) = [drawn.image for step in steps for drawn in step.drawn]
    return pixels(image)


def pixels(image: Image.Image) -> Tensor:
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).float()


def products(model: ImageModel, weights: Tensor) -> dict[str, Tensor]:
    return {module: b @ a for module, (a, b) in model.lora.unpack(weights).items()}


def assert_same_products(model: ImageModel, found: Tensor, expected: Tensor) -> None:
    for module, product in products(model, expected).items():
        torch.testing.assert_close(
            products(model, found)[module], product, atol=2e-4, rtol=1e-3, msg=module
        )


def test_what_goes_out_to_comfyui_comes_back_to_the_bit(model: ImageModel, weights: Tensor) -> None:
    ours = lora_file.write(model.lora, weights, "tiny")

    exported = lora_formats.to_comfyui(ours, FACTS)

    assert torch.equal(lora_file.read(exported, model.lora, "tiny"), weights)
    assert lora_formats.read_header(exported, "it").metadata["trigger"] == "TOK"


def test_comfyui_patches_its_fused_layers_with_it(model: ImageModel, weights: Tensor) -> None:
    """Its loader finds `lora_unet_` and the layer's name with underscores for any network, and
    adds up @ down * alpha / rank to the weight.
    """
    file = lora_formats.to_comfyui(lora_file.write(model.lora, weights, "tiny"), FACTS)
    tensors = safetensors.torch.load(file)
    expected = products(model, weights)
    layers = lora_names.originals(slot.module for slot in model.lora.slots)

    for name, parts in layers.items():
        key = "lora_unet_" + name.replace(".", "_")
        down, up = tensors.pop(f"{key}.lora_down.weight"), tensors.pop(f"{key}.lora_up.weight")
        scale = tensors.pop(f"{key}.alpha") / down.shape[0]
        patch = torch.cat([expected[part] for part in parts])
        torch.testing.assert_close(scale * up @ down, patch, atol=1e-5, rtol=1e-4)
    assert tensors == {}


def test_what_was_not_learned_goes_out_as_nothing(model: ImageModel, weights: Tensor) -> None:
    """Groups that change nothing are not in the file; a layer among others is."""
    weights = weights.clone()
    silent = {slot.module for slot in model.lora.slots if "to_k" in slot.module}
    for slot in model.lora.slots:
        if slot.module in silent | model.modulations:
            slot.a(weights).zero_()
            slot.b(weights).zero_()

    file = lora_formats.to_comfyui(lora_file.write(model.lora, weights, "tiny"), FACTS)

    assert_same_products(model, lora_file.read(file, model.lora, "tiny"), weights)
    assert not [key for key in safetensors.torch.load(file) if "modulation" in key]


def full_size(rank: int, modules: Mapping[str, tuple[int, int]]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    tensors: dict[str, Tensor] = {}
    for module, (inputs, outputs) in modules.items():
        key = f"transformer.{module}"
        tensors[f"{key}.lora_A.weight"] = torch.randn(rank, inputs, generator=generator)
        tensors[f"{key}.lora_B.weight"] = torch.randn(outputs, rank, generator=generator)
    return tensors


def test_diffusers_takes_the_export_apart_again() -> None:
    """At FLUX.1's own width, which its converter knows by heart."""
    block = "single_transformer_blocks.3."
    widths = {"attn.to_q": 3072, "attn.to_k": 3072, "attn.to_v": 3072, "proj_mlp": 12288}
    modules = {block + part: (3072, width) for part, width in widths.items()}
    modules |= {block + "proj_out": (15360, 3072), block + "norm.linear": (3072, 9216)}
    tensors = {key: t.bfloat16() for key, t in full_size(2, modules).items()}

    exported = lora_formats.to_comfyui(safetensors.torch.save(tensors), FACTS)
    found = _convert_kohya_flux_lora_to_diffusers(safetensors.torch.load(exported))

    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[key], tensor) for key, tensor in tensors.items())


def kohya(model: ImageModel, rank: int) -> dict[str, Tensor]:
    """As kohya's scripts save it: A shared by the parts of a fused layer, alpha half the rank."""
    generator = torch.Generator().manual_seed(4)
    slots = {slot.module: slot for slot in model.lora.slots}
    tensors: dict[str, Tensor] = {}
    for name, parts in lora_names.originals(slots).items():
        key = "lora_unet_" + name.replace(".", "_")
        outputs = sum(slots[part].out_features for part in parts)
        inputs = slots[parts[0]].in_features
        tensors[f"{key}.lora_down.weight"] = torch.randn(rank, inputs, generator=generator) * 0.2
        tensors[f"{key}.lora_up.weight"] = torch.randn(outputs, rank, generator=generator) * 0.2
        tensors[f"{key}.alpha"] = torch.tensor(rank / 2)
    return tensors


def as_peft(model: ImageModel, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same, taken apart by hand: rows of B, and A for each."""
    slots = {slot.module: slot for slot in model.lora.slots}
    apart: dict[str, Tensor] = {}
    for name, parts in lora_names.originals(slots).items():
        key = "lora_unet_" + name.replace(".", "_")
        rows = (tensors[f"{key}.lora_up.weight"] / 2).split([slots[p].out_features for p in parts])
        for part, b in zip(parts, rows, strict=True):
            apart[f"transformer.{part}.lora_A.weight"] = tensors[f"{key}.lora_down.weight"]
            apart[f"transformer.{part}.lora_B.weight"] = b.contiguous()
    return apart


def test_a_lora_of_kohyas_scripts_draws_what_diffusers_draws(
    model: ImageModel, tiny_base: Path, tmp_path: Path
) -> None:
    tensors = kohya(model, rank=4)
    text = {
        "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": torch.ones(2, 3),
        "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": torch.ones(3, 2),
        "lora_unet_final_layer_linear.lora_down.weight": torch.ones(2, 3),
        "lora_unet_final_layer_linear.lora_up.weight": torch.ones(3, 2),
    }
    apart = {key: tensor.clone() for key, tensor in as_peft(model, tensors).items()}
    safetensors.torch.save_file(apart, tmp_path / "apart.safetensors")
    pipeline: Any = FluxPipeline.from_pretrained(tiny_base)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.load_lora_weights(str(tmp_path / "apart.safetensors"))
    theirs = pipeline(
        prompt=PROMPT,
        width=SIZE[0],
        height=SIZE[1],
        num_inference_steps=STEPS,
        guidance_scale=2.5,
        max_sequence_length=model.facts.max_text_tokens,
        generator=torch.Generator().manual_seed(SEED),
    ).images[0]

    file = safetensors.torch.save(tensors | text)
    found = lora_file.read(file, model.lora, "tiny")

    torch.testing.assert_close(picture(model, found), pixels(theirs), atol=1.0, rtol=0)
    nobody = picture(model, model.lora.zeros())
    assert (picture(model, found) - nobody).abs().mean() > 2


@pytest.mark.parametrize("prefix", ["transformer.", "diffusion_model.", "base_model.model.", ""])
def test_a_lora_of_ai_toolkit_is_read_under_any_prefix(
    model: ImageModel, weights: Tensor, prefix: str
) -> None:
    ours = safetensors.torch.load(lora_file.write(model.lora, weights, "tiny"))
    renamed = {key.replace("transformer.", prefix, 1): tensor for key, tensor in ours.items()}

    found = lora_file.read(safetensors.torch.save(renamed), model.lora, "tiny")

    assert torch.equal(found, weights)


def test_fused_layers_with_dots_are_read_too(model: ImageModel, weights: Tensor) -> None:
    """ai-toolkit and others name them so for ComfyUI."""
    exported = lora_formats.to_comfyui(lora_file.write(model.lora, weights, "tiny"), FACTS)
    tensors = safetensors.torch.load(exported)
    dotted: dict[str, Tensor] = {}
    for name in lora_names.originals(slot.module for slot in model.lora.slots):
        key = "lora_unet_" + name.replace(".", "_")
        dotted[f"diffusion_model.{name}.lora_A.weight"] = tensors[f"{key}.lora_down.weight"]
        dotted[f"diffusion_model.{name}.lora_B.weight"] = tensors[f"{key}.lora_up.weight"]

    found = lora_file.read(safetensors.torch.save(dotted), model.lora, "tiny")

    assert torch.equal(found, weights)


def test_a_rank_above_ours_is_brought_down(model: ImageModel) -> None:
    """Kept exactly where the directions above our rank are empty."""
    narrow = kohya(model, rank=RANK)
    wide = {
        key: torch.nn.functional.pad(tensor, (0, 0, 0, 8) if "down" in key else (0, 8))
        if tensor.ndim == 2
        else tensor * (RANK + 8) / RANK
        for key, tensor in narrow.items()
    }
    generator = torch.Generator().manual_seed(5)
    wide = {
        key: torch.cat([tensor[:RANK], torch.randn(8, tensor.shape[1], generator=generator)])
        if "down" in key
        else tensor
        for key, tensor in wide.items()
    }

    found = lora_file.read(safetensors.torch.save(wide), model.lora, "tiny")

    expected = lora_file.read(safetensors.torch.save(narrow), model.lora, "tiny")
    assert_same_products(model, found, expected)


def test_a_fused_layer_of_another_width_is_refused(model: ImageModel) -> None:
    tensors = kohya(model, rank=2)
    key = "lora_unet_single_blocks_0_linear1.lora_up.weight"
    tensors[key] = torch.cat([tensors[key], tensors[key]])

    with pytest.raises(EngineError, match="lora_incompatible"):
        lora_file.read(safetensors.torch.save(tensors), model.lora, "tiny")
