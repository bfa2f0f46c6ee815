"""Bases by name: what is known of them, and what is said when one is missing or damaged."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from engine.contract.failures import EngineError, FailureCode
from engine.contract.settings import MemoryTier
from engine.models import catalogue, memory
from engine.models.memory import MemoryPlan

FLUX = memory.Needs(transformer=22_840, vae=160, encoders=9_500)

PARTS = (
    "transformer",
    "vae",
    "text_encoder",
    "text_encoder_2",
    "tokenizer",
    "tokenizer_2",
    "scheduler",
)


@pytest.fixture
def copy(tiny_base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_base, tmp_path / "copy"))


def failure(base: Path | str) -> tuple[FailureCode, dict[str, object]]:
    with pytest.raises(EngineError) as error:
        catalogue.load(str(base), "cpu")
    return error.value.failure.code, error.value.failure.facts


def test_a_folder_says_what_it_is(tiny_base: Path) -> None:
    model = catalogue.load(str(tiny_base), "cpu")

    assert model.facts.name == "tiny"  # a path may hold its owner's name
    assert model.facts.family == "flux1"
    assert model.facts.sizes == {"square": (64, 64), "portrait": (64, 64)}
    assert model.facts.square_only
    assert (model.device, model.dtype) == (torch.device("cpu"), torch.float32)


def test_a_base_of_full_size_draws_portraits(copy: Path) -> None:
    (copy / "headshot.json").unlink()
    config = json.loads((copy / "vae" / "config.json").read_text())
    (copy / "vae" / "config.json").write_text(json.dumps(config | {"sample_size": 1024}))

    facts = catalogue.facts("black-forest-labs/FLUX.1-dev", copy)

    assert facts.sizes == {"square": (1024, 1024), "portrait": (896, 1152)}
    assert facts.max_text_tokens == 32  # of this copy's tokenizer; FLUX.1-dev's says 512
    assert "Non-Commercial" in facts.license
    assert not facts.square_only


@pytest.mark.parametrize("base", ["no-such-base", "/no/such/folder", "./no/such"])
def test_a_base_that_is_not_there_is_named(base: str) -> None:
    assert failure(base) == (FailureCode.BASE_MISSING, {"base": base})


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_named(copy: Path, part: str) -> None:
    shutil.rmtree(copy / part)

    assert failure(copy) == (FailureCode.BASE_INCOMPLETE, {"base": str(copy), "part": part})


def test_an_empty_folder_is_no_base(tmp_path: Path) -> None:
    assert failure(tmp_path)[1]["part"] == "model_index.json"


@pytest.mark.parametrize("part", PARTS[:4])
def test_cut_off_weights_are_named(copy: Path, part: str) -> None:
    weights = next((copy / part).glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:200])

    model_or_error = failure_of_use(copy)

    assert model_or_error == (FailureCode.BASE_INCOMPLETE, part)


def failure_of_use(base: Path) -> tuple[FailureCode, object]:
    """Encoders are only loaded when they are needed."""
    with pytest.raises(EngineError) as error:
        catalogue.load(str(base), "cpu").encode_text(["a"])
    return error.value.failure.code, error.value.failure.facts["part"]


def test_a_missing_shard_is_named(copy: Path) -> None:
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (copy / "transformer" / "x.safetensors.index.json").write_text(json.dumps(index))

    assert failure(copy)[1]["part"] == "transformer"


@pytest.mark.parametrize(
    ("file", "content", "part"),
    [
        ("model_index.json", '{"_class_name": "StableDiffusionPipeline"}', "model_index.json"),
        ("model_index.json", "{", "model_index.json"),
        ("headshot.json", '{"native_px": "large"}', "headshot.json"),
        ("headshot.json", "[]", "headshot.json"),
        ("vae/config.json", "{", "vae"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(
    copy: Path, file: str, content: str, part: str
) -> None:
    (copy / file).write_text(content)

    assert failure(copy)[0] is FailureCode.BASE_INCOMPLETE
    assert failure(copy)[1]["part"] == part


@pytest.mark.parametrize(
    ("free_mib", "expected"),
    [
        (None, MemoryPlan(keep_encoders=True, checkpoint_gradients=False)),
        (79_000, MemoryPlan(keep_encoders=True, checkpoint_gradients=False)),
        (60_000, MemoryPlan(keep_encoders=False, checkpoint_gradients=False)),
        (40_000, MemoryPlan(keep_encoders=False, checkpoint_gradients=True)),
    ],
)
def test_the_hosts_memory_decides_what_stays(free_mib: int | None, expected: MemoryPlan) -> None:
    assert memory.choose_on_host(FLUX, free_mib) == expected


def gpu_plan(tier: MemoryTier, native_fp8: bool = True) -> MemoryPlan:
    return memory.choose(FLUX, int(memory.LIMITS_GIB[tier] * 1024), native_fp8)


def test_a_roomy_card_keeps_everything_and_rounds_to_fp8_where_it_can() -> None:
    assert gpu_plan("80") == MemoryPlan("whole", "80", "fp8", turned=True)
    assert gpu_plan("80", native_fp8=False) == MemoryPlan("whole", "80", "plain")


def test_the_roomiest_keeps_whole_weights_to_fold_people_into() -> None:
    assert memory.choose(FLUX, 135 * 1024, True).folds
    assert not memory.choose(FLUX, 135 * 1024, False).folds
    assert not gpu_plan("80").folds


@pytest.mark.parametrize(("native", "precision"), [(True, "fp8"), (False, "fp8_stored")])
def test_a_small_card_keeps_fp8_and_computes_blocks_again(native: bool, precision: str) -> None:
    plan = gpu_plan("24", native)
    assert (plan.kind, plan.precision, plan.keep_encoders) == ("frugal", precision, False)
    assert plan.checkpoint_gradients
    assert not plan.streamed_share


def test_the_smaller_the_card_the_more_blocks_wait_outside() -> None:
    of_16, of_12 = gpu_plan("16"), gpu_plan("12")
    assert of_16.kind == of_12.kind == "streamed"
    assert 0 < of_16.streamed_share < of_12.streamed_share < 1
    assert (of_16.tier, of_12.tier) == ("16", "12")


@pytest.mark.parametrize("free_mib", range(9_000, 20_000, 500))
def test_what_stays_leaves_room_for_a_step_and_two_lanes(free_mib: int) -> None:
    plan = memory.choose(FLUX, free_mib, native_fp8=True)

    stored = FLUX.transformer / 2
    modulations = 0.27 * stored
    blocks = stored - modulations
    lanes = 0.06 * blocks if plan.streamed_share else 0
    step_and_adapter = (0.18 if plan.streamed_share else 0.23) * FLUX.transformer
    used = modulations + blocks * (1 - plan.streamed_share) + lanes + step_and_adapter + FLUX.vae
    assert used + 700 <= free_mib


def test_below_each_tier_is_the_next_smaller_card() -> None:
    assert [memory.tier_below(tier) for tier in ("80", "24", "16", "12", "auto")] == [
        "24",
        "16",
        "12",
        None,
        None,
    ]


def test_a_card_without_room_for_one_block_is_told() -> None:
    with pytest.raises(EngineError) as caught:
        memory.choose(FLUX, 4000, native_fp8=True)
    assert caught.value.failure.code is FailureCode.GPU_OUT_OF_MEMORY
    assert caught.value.failure.facts["free_mib"] == 4000


def test_a_small_base_is_never_rounded() -> None:
    assert memory.choose(memory.Needs(60, 8, 7), 6000, True) == MemoryPlan("whole", "80", "plain")


def test_only_large_products_are_rounded_on_a_processor() -> None:
    known = torch.cpu.get_capabilities()
    multiplies = bool(known.get("amx_bf16", False) or known.get("avx512_bf16", False))
    large = torch.bfloat16 if multiplies else torch.float32

    assert catalogue.choose_dtype(torch.device("cuda"), 0) == torch.bfloat16
    assert catalogue.choose_dtype(torch.device("cpu"), 1 << 20) == torch.float32
    assert catalogue.choose_dtype(torch.device("cpu"), 40 << 20) == large
    assert catalogue.choose_dtype(torch.device("mps"), 40 << 20) == torch.float32
