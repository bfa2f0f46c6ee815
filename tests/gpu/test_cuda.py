"""What only a CUDA device can show: every fast way gives the numbers of the plain one.

Skipped elsewhere. `python -m pytest tests/gpu` on a machine with a GPU.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks import full_size
from benchmarks.train import learning_inputs
from engine.generation.sampling import Sampler, Shot, pictures_at_once
from engine.gpu import rehearsal
from engine.models import attention, heads, linears, norms, rounding, spreading
from engine.models.flux1 import Flux1
from engine.models.memory import MemoryPlan

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

SHAPES = {"num_layers": 2, "num_single_layers": 4, "num_attention_heads": 4}
CUDA = torch.device("cuda")
PLANS = {
    "fp8": MemoryPlan("whole", precision="fp8", turned=True),
    "folded": MemoryPlan("whole", precision="fp8", turned=True, folds=True),
    "fp8, turned when needed": MemoryPlan("whole", precision="fp8"),
    "fp8, computed again": MemoryPlan("frugal", precision="fp8", checkpoint_gradients=True),
    "stored": MemoryPlan("frugal", precision="fp8_stored", checkpoint_gradients=True),
    "streamed": MemoryPlan(
        "streamed", precision="fp8", checkpoint_gradients=True, streamed_share=0.67
    ),
}


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    torch.backends.cuda.enable_cudnn_sdp(False)
    yield
    full_size.free_all(CUDA)


def build(plan: MemoryPlan) -> tuple[Flux1, Tensor]:
    model = full_size.build(CUDA, plan, SHAPES)
    random = torch.Generator().manual_seed(0)
    weights = model.lora.fresh(random)
    return model, weights + (torch.randn(weights.shape, generator=random) * 0.02).to(CUDA)


def learned(model: Flux1, weights: Tensor, size: int = 256) -> tuple[Tensor, Tensor]:
    model.lora.seat(weights)
    random = torch.Generator().manual_seed(size)
    loss, gradient = model.learn(*learning_inputs(model, size, random))
    return loss.clone(), gradient.clone()


def plain(model: Flux1, weights: Tensor, size: int = 256) -> tuple[Tensor, Tensor]:
    """The same step, neither compiled nor recorded, and without kernels of our own for heads."""
    from engine.models import acceleration

    acceleration.uncompile_blocks(model.network.compilable())
    recorder, model._recorder = model._recorder, None
    model.network.use_own_kernels(False, False)
    try:
        return learned(model, weights, size)
    finally:
        model._recorder = recorder


def agreement(found: Tensor, expected: Tensor) -> float:
    return F.cosine_similarity(found.flatten().float(), expected.flatten().float(), dim=0).item()


def test_a_recorded_step_is_the_step_for_everybody_and_every_size() -> None:
    model, anna = build(MemoryPlan())
    ben = anna.flip(0)
    fast = [learned(model, who, size) for who in (anna, ben) for size in (256, 128)]
    again = [learned(model, who, size) for who in (anna, ben) for size in (256, 128)]
    slow = [plain(model, who, size) for who in (anna, ben) for size in (256, 128)]

    for (loss, gradient), (same_loss, same), (expected_loss, expected) in zip(
        fast, again, slow, strict=True
    ):
        torch.testing.assert_close(loss, same_loss, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(loss, expected_loss, rtol=1e-2, atol=1e-2)
        assert agreement(gradient, same) > 0.999
        assert agreement(gradient, expected) > 0.995
    assert agreement(fast[0][1], fast[2][1]) < 0.99


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_learns_as_plain_bf16_does(name: str) -> None:
    model, weights = build(MemoryPlan())
    expected = {k: [x.clone() for x in v] for k, v in
                model.lora.unpack(plain(model, weights)[1]).items()}  # fmt: skip
    del model
    model, weights = build(PLANS[name])

    for _ in range(2):
        found = model.lora.unpack(learned(model, weights)[1])
        worst = min(
            agreement(mine, theirs)
            for module in expected
            for mine, theirs in zip(found[module], expected[module], strict=True)
        )
        assert worst > 0.97


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_predicts_as_plain_bf16_does(name: str) -> None:
    found: list[Tensor] = []
    for plan in (MemoryPlan(), PLANS[name]):
        model, weights = build(plan)
        model.seat(weights)
        latents, sigma, text, guidance, _ = learning_inputs(
            model, 256, torch.Generator().manual_seed(1)
        )
        with torch.no_grad():
            found.append(model.predict(latents, sigma, text, guidance).clone())
            again = model.predict(latents, sigma, text, guidance)
        assert agreement(found[-1], again) > 0.9999
        del model
    assert agreement(*found) > 0.998


def test_fp8_products_are_what_they_claim() -> None:
    is_native = torch.cuda.get_device_capability() >= (8, 9)
    assert all(linears.fp8_works(CUDA) == is_native for _ in range(20))


@pytest.mark.parametrize("columns", [48, 3072, 21504])
def test_our_rounding_is_the_plain_one(columns: int) -> None:
    wide = torch.randn(300, columns + 64, device=CUDA).bfloat16()
    factors = torch.rand(columns, device=CUDA) + 0.1

    assert rounding._works("round_rows", CUDA)
    for rows in (wide[:, :columns], wide[:, :columns].contiguous()):
        found, scale = rounding.rounded(rows, factors)
        expected, expected_scale = rounding.to_fp8(rows, factors)
        torch.testing.assert_close(scale, expected_scale)
        assert (found.float() == expected.float()).float().mean() > 0.999


def test_every_kernel_of_rounding_is_used() -> None:
    assert all(rounding._works(kernel, CUDA) for kernel in rounding._trials(CUDA, 3072))


@pytest.mark.parametrize(("columns", "first"), [(12288, 3072), (12288, 0), (100, 16)])
def test_what_is_rounded_on_the_way_is_what_it_would_be_after_it(columns: int, first: int) -> None:
    made = torch.randn(2, 33, columns + 64, device=CUDA).bfloat16()
    hidden, before = made[..., 64:], torch.randn(2, 33, first or 1, device=CUDA).bfloat16()
    found = rounding.rounded_gelu(hidden, before if first else None)
    active = rounding.gelu(hidden.float())
    expected = torch.cat((before.float(), active), -1) if first else active
    restored = (found[0].float() * found[1]).view(expected.shape)
    assert agreement(restored, expected) > 0.999

    shift, scale = torch.randn(2, 2, 3, columns, device=CUDA).bfloat16()[:, :, 1:2]
    normed = rounding.rounded_norm(hidden, shift, scale)
    expected = rounding.normed(hidden.float(), shift.float(), scale.float())
    assert agreement((normed[0].float() * normed[1]).view(expected.shape), expected) > 0.999


@pytest.mark.parametrize("size", [16, 64, 128])
def test_heads_by_our_kernels_are_the_plain_ones(size: int) -> None:
    assert heads.own_kernels_work(CUDA, size)
    assert not heads.own_kernels_work(CUDA, 96)


def test_norms_by_our_kernels_are_the_plain_ones() -> None:
    assert norms.own_kernels_work(CUDA)


def test_branches_are_spread_by_our_kernel_as_they_would_be_one_by_one() -> None:
    assert spreading._works(CUDA)
    parts, others = (spreading._trial(CUDA) for _ in range(2))
    others = [
        replace(mine, room=theirs.room, share=theirs.share)
        for mine, theirs in zip(parts, others, strict=True)
    ]
    spreading.Spreader(parts).spread()
    for mine, theirs in zip(parts, others, strict=True):
        spreading._write(theirs)
        torch.testing.assert_close(mine.share, theirs.share)
        assert (mine.room.float() == theirs.room.float()).float().mean() > 0.99


def test_the_chosen_attention_is_attention() -> None:
    name, attend = attention.choose(CUDA, torch.bfloat16, 128)
    print("attention:", name)
    assert attention._error(attend, CUDA, 128) < 0.02


def test_after_a_rehearsal_first_tasks_compile_and_record_nothing() -> None:
    model, weights = build(PLANS["folded"])
    for _ in rehearsal.pieces(model):
        pass
    assert model._recorder is not None
    recordings = set(model._recorder._recordings)
    torch._dynamo.config.error_on_recompile = True
    try:
        learned(model, weights, size=512)
        for size in set(model.facts.sizes.values()):
            shots = [Shot("TOK person", seed) for seed in range(pictures_at_once(model, size))]
            for _ in Sampler(model, weights, shots, size, 2.5, 1).steps():
                pass
    finally:
        torch._dynamo.config.error_on_recompile = False
    assert set(model._recorder._recordings) == recordings
