"""`export` and `import`: what they take, what they refuse, and what they say."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import safetensors.torch
import torch

from bot.commands.cupboard import open_cupboard, owner_of
from bot.commands.export import export
from bot.commands.faults import CommandError
from bot.commands.import_lora import import_lora, look
from bot.database import models, people
from bot.service import taking_in
from bot.settings import Settings
from engine.contract import keys
from engine.contract.manifests import LoraManifest

Pair = Callable[[str, int], dict[str, torch.Tensor]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def kohya(layer: str = "double_blocks_0_img_mlp_0", rank: int = 32) -> dict[str, torch.Tensor]:
    return {
        f"lora_unet_{layer}.lora_down.weight": torch.ones(rank, 3),
        f"lora_unet_{layer}.lora_up.weight": torch.ones(5, rank),
        f"lora_unet_{layer}.alpha": torch.tensor(1.0),
    }


def written(path: Path, tensors: dict[str, torch.Tensor], **metadata: str) -> Path:
    path.write_bytes(safetensors.torch.save(tensors, metadata or None))
    return path


async def trained(settings: Settings, name: str, lora: bytes) -> None:
    """A model of our own."""
    manifest = LoraManifest(
        job_id="", base="tiny", family="flux1", trigger="TOK", class_word="person", rank=2
    )
    async with open_cupboard(settings) as cupboard, cupboard.database.transaction() as tx:
        owner = await owner_of(tx, None)
        model_id = await taking_in.store(cupboard.blobs, owner, lora, manifest)
        now = datetime.now(UTC)
        await taking_in.enter(tx, owner, model_id, name, manifest, now)


def ours() -> bytes:
    tensors: dict[str, torch.Tensor] = {}
    for part in ("to_q", "to_k", "to_v"):
        key = f"transformer.transformer_blocks.0.attn.{part}"
        tensors[f"{key}.lora_A.weight"] = torch.ones(2, 3)
        tensors[f"{key}.lora_B.weight"] = torch.ones(3, 2)
    for part, (inputs, outputs) in {
        "attn.to_out.0": (3, 3),
        "attn.add_q_proj": (3, 3),
        "attn.add_k_proj": (3, 3),
        "attn.add_v_proj": (3, 3),
        "attn.to_add_out": (3, 3),
        "ff.net.0.proj": (3, 12),
        "ff.net.2": (12, 3),
        "ff_context.net.0.proj": (3, 12),
        "ff_context.net.2": (12, 3),
        "norm1.linear": (3, 18),
        "norm1_context.linear": (3, 18),
    }.items():
        key = f"transformer.transformer_blocks.0.{part}"
        tensors[f"{key}.lora_A.weight"] = torch.ones(2, inputs)
        tensors[f"{key}.lora_B.weight"] = torch.ones(outputs, 2)
    return safetensors.torch.save(tensors)


async def test_a_model_goes_out_and_comes_back(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await trained(settings, "Ann", ours())
    out = tmp_path / "out" / "ann.safetensors"

    assert await export(settings, "ann", "diffusers", out, None, False) == 0
    assert out.read_bytes() == ours()
    assert "TOK person" in capsys.readouterr().out

    assert await export(settings, "ann", "comfyui", out, None, True) == 0
    assert json.loads(capsys.readouterr().out)["trigger"] == "TOK"
    names = safetensors.torch.load(out.read_bytes())
    assert names["lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight"].shape == (9, 6)

    assert await import_lora(settings, out, "Ann again", None, None, None, False) == 0
    said = capsys.readouterr().out
    assert "10 layers of rank" in said
    assert "headshot-bot generate --lora 'Ann again'" in said


async def test_a_folder_gets_a_file_named_for_the_model(settings: Settings, tmp_path: Path) -> None:
    await trained(settings, "Ann/2", ours())

    await export(settings, "Ann/2", "diffusers", tmp_path, None, True)

    assert (tmp_path / "Ann-2.safetensors").read_bytes() == ours()


async def test_an_imported_lora_is_a_model_with_its_own_words(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = kohya() | kohya("final_layer_linear") | kohya("img_in")
    file = written(tmp_path / "bob.safetensors", tensors)

    assert await import_lora(settings, file, "Bob", "ohwx", "man", None, False) == 0

    said = " ".join(capsys.readouterr().out.split())
    assert "1 layers of rank 32, made by kohya's sd-scripts" in said
    assert "“ohwx man”" in said
    assert "16 strongest directions" in said
    assert "2 layers outside" in said
    async with open_cupboard(settings) as cupboard:
        async with cupboard.database.reading() as tx:
            owner = await owner_of(tx, None)
            (model,) = await models.of_person(tx, owner)
        manifest = await cupboard.blobs.get(model.lora_prefix + keys.MANIFEST)
        assert await cupboard.blobs.get(model.lora_prefix + keys.LORA) == file.read_bytes()
    told = LoraManifest.model_validate_json(manifest)
    assert (model.name, model.status, model.base) == ("Bob", "ready", "demo")
    assert (told.job_id, told.trigger, told.class_word) == (model.id, "ohwx", "man")

    with pytest.raises(CommandError, match="that file is your model 'Bob' already"):
        await import_lora(settings, file, "Bobby", "ohwx", None, None, False)
    with pytest.raises(CommandError, match="a model named 'bob' already"):
        await import_lora(settings, file, "bob", "ohwx", None, None, False)


async def test_what_was_imported_is_handed_out_as_it_came(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "bob.safetensors", kohya())
    await import_lora(settings, file, "Bob", "ohwx", None, None, True)
    out = tmp_path / "again.safetensors"

    await export(settings, "Bob", "comfyui", out, None, False)

    assert out.read_bytes() == file.read_bytes()
    assert "as kohya's sd-scripts wrote it" in " ".join(capsys.readouterr().out.split())


async def test_for_another_person_who_is_known(settings: Settings, tmp_path: Path) -> None:
    file = written(tmp_path / "bob.safetensors", kohya())
    with pytest.raises(CommandError, match="nobody is known as 'discord:1'"):
        await import_lora(settings, file, "Bob", "ohwx", None, "discord:1", True)
    async with open_cupboard(settings) as cupboard, cupboard.database.transaction() as tx:
        bob, _ = await people.welcome(tx, "discord", "1", {}, "en", datetime.now(UTC))

    await import_lora(settings, file, "Bob", "ohwx", None, "discord:1", True)

    async with open_cupboard(settings) as cupboard, cupboard.database.reading() as tx:
        assert [model.name for model in await models.of_person(tx, bob.id)] == ["Bob"]


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"lora_unet_double_blocks_0_img_mlp_0.hada_w1_a": torch.ones(1)}, "but a LoHa"),
        ({"x.lokr_w1": torch.ones(1)}, "but a LoKr"),
        (kohya() | {"lora_unet_double_blocks_0_img_mlp_0.dora_scale": torch.ones(1)}, "a DoRA"),
        ({"model.weight": torch.ones(1)}, "is no plain LoRA; plain ones"),
        (kohya("down_blocks_1_attentions_0_proj_in"), "was not made for FLUX.1"),
        ({}, "is no plain LoRA"),
    ],
)
def test_other_files_are_refused_with_what_they_are(
    tensors: dict[str, torch.Tensor], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        look(safetensors.torch.save(tensors), "it.safetensors")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" * 9, b"\x02" + bytes(7) + b"[]", bytes(99)])
def test_what_is_no_safetensors_file_is_told(data: bytes) -> None:
    with pytest.raises(CommandError, match="it is not a safetensors file"):
        look(data, "it")


async def test_the_word_that_means_the_person_must_be_known(
    settings: Settings, tmp_path: Path
) -> None:
    file = written(tmp_path / "bob.safetensors", kohya())
    with pytest.raises(CommandError, match="--trigger WORD"):
        await import_lora(settings, file, "Bob", None, None, None, True)
    with pytest.raises(CommandError, match="one word"):
        await import_lora(settings, file, "Bob", "two words", None, None, True)
    file = written(tmp_path / "told.safetensors", kohya(), trigger="TOK", class_word="woman")
    assert await import_lora(settings, file, "Bob", None, None, None, True) == 0


async def test_what_cannot_be_exported_is_told(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    with pytest.raises(CommandError, match="train one: headshot-bot train"):
        await export(settings, "Ann", "diffusers", out, None, True)
    await trained(settings, "Ann", ours())
    with pytest.raises(CommandError, match="no model 'Bob'; the models are: Ann"):
        await export(settings, "Bob", "diffusers", out, None, True)
    with pytest.raises(CommandError, match="no format 'gguf'; it is one of diffusers, comfyui"):
        await export(settings, "Ann", "gguf", out, None, True)
