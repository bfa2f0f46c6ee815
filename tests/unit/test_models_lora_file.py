"""LoRA files: ours come back as they were, other trainers' with their own scale, and no others."""

import json

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from engine.contract.failures import EngineError, FailureCode
from engine.models import lora_file
from engine.models.lora import LoraSlots


def make_slots(rank: int = 4) -> LoraSlots:
    return LoraSlots(nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 3)), ["0", "1"], rank)


def noise(slots: LoraSlots) -> Tensor:
    weights = torch.randn(slots.num_weights, generator=torch.Generator().manual_seed(1))
    return slots.pack(slots.unpack(weights))


def test_what_is_written_is_read() -> None:
    slots = make_slots()
    weights = noise(slots)

    data = lora_file.write(slots, weights, "some-base")

    assert torch.equal(lora_file.read(data, slots, "some-base"), weights)
    assert data == lora_file.write(slots, weights, "some-base")


def test_layers_that_change_nothing_are_left_out_unless_none_does() -> None:
    slots = make_slots()
    weights = noise(slots)
    slots.slots[0].b(weights).zero_()

    data = lora_file.write(slots, weights, "b")

    keys = {f"transformer.1.lora_{letter}.weight" for letter in "AB"}
    assert safetensors.torch.load(data).keys() == keys
    found = slots.unpack(lora_file.read(data, slots, "b"))
    assert not any(matrix.any() for matrix in found["0"])
    assert torch.equal(found["1"][1], slots.unpack(weights)["1"][1])
    nobody = lora_file.write(slots, slots.zeros(), "b")
    assert not lora_file.read(nobody, slots, "b").any()


def test_a_file_of_a_lower_rank_is_read() -> None:
    small, large = make_slots(2), make_slots(4)
    weights = noise(small)

    found = large.unpack(lora_file.read(lora_file.write(small, weights, "b"), large, "b"))

    for module, (a, b) in small.unpack(weights).items():
        torch.testing.assert_close(found[module][1] @ found[module][0], b @ a)


def test_a_higher_rank_is_reduced_to_the_nearest() -> None:
    large = LoraSlots(nn.Sequential(nn.Linear(40, 30)), ["0"], 8)
    small = LoraSlots(nn.Sequential(nn.Linear(40, 30)), ["0"], 3)
    weights = noise(large)
    a, b = large.unpack(weights)["0"]

    found = small.unpack(lora_file.read(lora_file.write(large, weights, "b"), small, "b"))["0"]

    u, s, v = torch.linalg.svd(b @ a)
    torch.testing.assert_close(found[1] @ found[0], u[:, :3] * s[:3] @ v[:3], atol=1e-4, rtol=0)


def test_a_rank_that_is_only_written_high_loses_nothing() -> None:
    large = LoraSlots(nn.Sequential(nn.Linear(40, 30)), ["0"], 8)
    small = LoraSlots(nn.Sequential(nn.Linear(40, 30)), ["0"], 3)
    a, b = torch.randn(2, 40).repeat(4, 1), torch.randn(30, 8)
    file = lora_file.write(large, large.pack({"0": (a, b)}), "b")

    found = small.unpack(lora_file.read(file, small, "b"))["0"]

    torch.testing.assert_close(found[1] @ found[0], b @ a, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("adapter", "alpha", "scale"),
    [
        ({}, None, 1.0),
        ({"transformer.lora_alpha": 8}, None, 2.0),
        ({"transformer.lora_alpha": 8, "transformer.use_rslora": True}, None, 4.0),
        ({"transformer.lora_alpha": 8, "transformer.alpha_pattern": {"0": 2}}, None, 0.5),
        ({}, 1.0, 0.25),
    ],
)
@pytest.mark.parametrize("prefix", ["transformer.", "base_model.model."])
def test_each_files_own_scale_is_kept(
    adapter: dict[str, object], alpha: float | None, scale: float, prefix: str
) -> None:
    slots = make_slots(4)
    a, b = torch.randn(4, 5), torch.randn(7, 4)
    tensors = {f"{prefix}0.lora_A.weight": a, f"{prefix}0.lora_B.weight": b}
    if alpha is not None:
        tensors[f"{prefix}0.alpha"] = torch.tensor(alpha)
    data = safetensors.torch.save(tensors, {"lora_adapter_metadata": json.dumps(adapter)})

    found_a, found_b = slots.unpack(lora_file.read(data, slots, "base"))["0"]

    torch.testing.assert_close(found_b @ found_a, scale * b @ a)


def other_shapes() -> tuple[LoraSlots, Tensor]:
    slots = LoraSlots(nn.Sequential(nn.Linear(5, 8)), ["0"], 4)
    return slots, noise(slots)


def incompatible() -> dict[str, bytes]:
    whole = lora_file.write(make_slots(), noise(make_slots()), "other-base")
    weight = torch.zeros(4, 5)
    return {
        "nothing": b"",
        "cut off": whole[: len(whole) // 2],
        "no safetensors": b"PK\x03\x04" * 100,
        "a list for a header": (2).to_bytes(8, "little") + b"[]",
        "no layers": safetensors.torch.save({"transformer.0.weight": weight}),
        "of a text encoder": safetensors.torch.save({"text_encoder.0.lora_A.weight": weight}),
        "half a layer": safetensors.torch.save({"transformer.0.lora_A.weight": weight}),
        "A alone": safetensors.torch.save({"lora_unet_0.lora_down.weight": weight}),
        "LoHa": safetensors.torch.save({"lora_unet_0.hada_w1_a": weight}),
        "other shapes": lora_file.write(*other_shapes(), "other-base"),
        "another block": safetensors.torch.save(
            {f"transformer_blocks.7.ff.net.2.lora_{x}.weight": torch.ones(2, 2) for x in "AB"}
        ),
        "convolutions": safetensors.torch.save(
            {f"0.lora_{x}.weight": torch.ones(2, 2, 1, 1) for x in "AB"}
        ),
        "many alphas": safetensors.torch.save(
            {
                "0.lora_A.weight": weight,
                "0.lora_B.weight": torch.ones(7, 4),
                "0.alpha": torch.ones(3),
            }
        ),
    }


@pytest.mark.parametrize("kind", incompatible())
def test_what_is_no_lora_for_this_base_is_refused(kind: str) -> None:
    with pytest.raises(EngineError) as error:
        lora_file.read(incompatible()[kind], make_slots(), "this-base")

    assert error.value.failure.code is FailureCode.LORA_INCOMPATIBLE
    assert error.value.failure.facts["base"] == "this-base"


def test_the_base_it_was_made_for_is_named() -> None:
    data = incompatible()["other shapes"]

    with pytest.raises(EngineError) as error:
        lora_file.read(data, make_slots(), "this-base")

    assert error.value.failure.facts["lora_base"] == "other-base"
