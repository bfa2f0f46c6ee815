"""The FLUX.1 family, compared with diffusers' own pipeline on the same tiny weights."""

from pathlib import Path

import pytest
import torch
from diffusers.models.transformers.transformer_flux import (
    FluxSingleTransformerBlock,
    FluxTransformerBlock,
)
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline, calculate_shift
from torch import nn

from engine.models import catalogue
from engine.models.flux1 import Flux1, pack, unpack
from engine.models.flux1_network import lora_groups
from engine.models.memory import MemoryPlan
from engine.models.parts import FolderParts
from engine.models.streaming import Streamer

PROMPTS = ["headshot of TOK person, grey studio background", ""]
SIZE = (64, 48)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> Flux1:
    loaded = catalogue.load(str(tiny_base), "cpu")
    assert isinstance(loaded, Flux1)
    return loaded


@pytest.fixture(scope="module")
def pipeline(tiny_base: Path) -> FluxPipeline:
    pipeline = FluxPipeline.from_pretrained(tiny_base)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


def test_packing_is_the_pipelines() -> None:
    latents = random(2, 16, 6, 8)

    packed = pack(latents)

    assert torch.equal(packed, FluxPipeline._pack_latents(latents, 2, 16, 6, 8))
    assert torch.equal(unpack(packed, 3), latents)


def test_texts_are_read_as_the_pipeline_reads_them(model: Flux1, pipeline: FluxPipeline) -> None:
    tokens, pooled, _ = pipeline.encode_prompt(
        PROMPTS, max_sequence_length=model.facts.max_text_tokens
    )

    text = model.encode_text(PROMPTS)

    torch.testing.assert_close(text.tokens, tokens)
    torch.testing.assert_close(text.pooled, pooled)
    assert not torch.allclose(text.tokens[0], text.tokens[1])


def test_velocities_are_the_transformers(model: Flux1, pipeline: FluxPipeline) -> None:
    text = model.encode_text(PROMPTS)
    latents, sigma = random(2, 16, 6, 8), torch.tensor([0.25, 0.9])
    model.lora.seat(model.lora.zeros())

    velocity = model.predict(latents, sigma, text, guidance=2.5)

    expected = pipeline.transformer(
        hidden_states=FluxPipeline._pack_latents(latents, 2, 16, 6, 8),
        timestep=sigma,
        guidance=torch.full((2,), 2.5),
        pooled_projections=text.pooled,
        encoder_hidden_states=text.tokens,
        txt_ids=torch.zeros(text.tokens.shape[1], 3),
        img_ids=FluxPipeline._prepare_latent_image_ids(2, 3, 4, "cpu", torch.float32),
        return_dict=False,
    )[0]
    torch.testing.assert_close(velocity, FluxPipeline._unpack_latents(expected, 48, 64, 8))


def test_guidance_and_text_are_heeded(model: Flux1) -> None:
    latents, sigma = random(1, 16, 4, 4), torch.tensor([0.5])
    text = model.encode_text(PROMPTS)
    first = model.predict(latents, sigma, text[0:1], guidance=1.0)

    assert not torch.allclose(first, model.predict(latents, sigma, text[0:1], guidance=4.0))
    assert not torch.allclose(first, model.predict(latents, sigma, text[1:2], guidance=1.0))


def test_latents_are_normalised_and_decoded_back(model: Flux1, pipeline: FluxPipeline) -> None:
    pixels = random(1, 3, 48, 64).clamp(-1, 1)
    config = pipeline.vae.config

    latents = model.encode_image(pixels)

    raw = pipeline.vae.encode(pixels).latent_dist.mode()
    torch.testing.assert_close(latents, (raw - config.shift_factor) * config.scaling_factor)
    assert latents.shape[1:] == model.latent_shape(SIZE)
    decoded = pipeline.vae.decode(raw).sample.clamp(-1, 1)
    torch.testing.assert_close(model.decode(latents), decoded, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("side_px", "shift"), [(512, 1.88), (768, 2.33), (1024, 3.16)])
def test_noise_leans_to_one_with_the_resolution(model: Flux1, side_px: int, shift: float) -> None:
    assert model.shift((side_px, side_px)) == pytest.approx(shift, abs=0.005)


def test_noise_levels_are_the_schedulers(model: Flux1, pipeline: FluxPipeline) -> None:
    tokens = (1024 // 16) * (768 // 16)
    levels = [1 - step / 8 for step in range(8)]
    pipeline.scheduler.set_timesteps(sigmas=levels, mu=calculate_shift(tokens))

    found = model.sigmas(8, (768, 1024))

    assert found == pytest.approx(pipeline.scheduler.sigmas.tolist())
    assert (found[0], found[-1]) == (1.0, 0.0)


def test_sides_that_cannot_be_packed_are_refused(model: Flux1) -> None:
    with pytest.raises(ValueError, match="72x64 px; sides must divide by 16"):
        model.latent_shape((72, 64))


def test_every_linear_of_every_block_has_a_slot(model: Flux1, pipeline: FluxPipeline) -> None:
    linears = {
        name
        for blocks in ("transformer_blocks", "single_transformer_blocks")
        for name, module in pipeline.transformer.named_modules()
        if name.startswith(f"{blocks}.") and isinstance(module, nn.Linear)
    }

    groups = lora_groups(pipeline.transformer)
    assert {module for group in groups for module in group} == linears
    assert {slot.module for slot in model.lora.slots} == linears
    assert len(linears) == 2 * 14 + 2 * 6


def test_only_the_slots_learn(model: Flux1) -> None:
    text = model.encode_text(PROMPTS)
    model.lora.seat(model.lora.fresh(torch.Generator().manual_seed(0)))
    gradient = model.lora.gradient()

    model.predict(random(2, 16, 4, 4), torch.tensor([0.2, 0.4]), text, 1.0).sum().backward()

    learned = [n for n, p in model.network.named_parameters() if p.grad is not None]
    assert learned
    assert all(".branch." in name for name in learned)
    assert all(slot.b(gradient).any() for slot in model.lora.slots)
    model.lora.release()


def test_dropped_encoders_come_back(tiny_base: Path) -> None:
    facts = catalogue.facts("tiny", tiny_base)
    plan = MemoryPlan(keep_encoders=False)
    frugal = Flux1(FolderParts(tiny_base, "tiny"), facts, CPU, torch.float32, plan=plan)
    first = frugal.encode_text(PROMPTS)

    frugal.drop_encoders()

    assert frugal._encoders is None
    assert torch.equal(frugal.encode_text(PROMPTS).tokens, first.tokens)


@pytest.mark.parametrize(
    "plan",
    [
        MemoryPlan(checkpoint_gradients=True),
        MemoryPlan(checkpoint_gradients=True, streamed_share=1.0),
        MemoryPlan(checkpoint_gradients=True, streamed_share=0.67),
        MemoryPlan(kind="frugal", keep_encoders=False),
    ],
)
def test_less_memory_gives_the_same_gradients(
    tiny_base: Path, model: Flux1, plan: MemoryPlan
) -> None:
    facts = catalogue.facts("tiny", tiny_base)
    frugal = Flux1(FolderParts(tiny_base, "tiny"), facts, CPU, torch.float32, plan=plan)
    text, latents, sigma = model.encode_text(PROMPTS), random(2, 16, 4, 4), torch.tensor([0.2, 0.4])
    weights = model.lora.fresh(torch.Generator().manual_seed(0))
    gradients = []
    for each in (model, frugal):
        each.lora.seat(weights)
        gradients.append(each.lora.gradient())
        each.predict(latents, sigma, text, 1.0).square().sum().backward()
        each.lora.release()

    torch.testing.assert_close(*gradients)


def test_our_kernels_ways_give_the_same_gradients(tiny_base: Path, model: Flux1) -> None:
    """As kernels of our own compute them; here by what stands in for those."""
    other = Flux1(FolderParts(tiny_base, "tiny"), model.facts, CPU, torch.float32)
    other.network.use_own_kernels(True, True)
    text, latents, sigma = model.encode_text(PROMPTS), random(2, 16, 4, 4), torch.tensor([0.2, 0.4])
    fresh = model.lora.fresh(torch.Generator().manual_seed(0))
    weights = fresh + 0.1 * random(*fresh.shape)
    found = []
    for each in (model, other):
        each.lora.seat(weights)
        gradient = each.lora.gradient()
        velocity = each.predict(latents, sigma, text, 1.0)
        velocity.square().sum().backward()
        found.append((velocity.detach(), gradient))
        each.lora.release()

    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_a_block_that_is_streamed_leaves_the_device_before_the_next_one_comes(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    class Watched(FolderParts):
        def wake(self, module: nn.Module) -> nn.Module:
            if isinstance(module, FluxTransformerBlock | FluxSingleTransformerBlock):
                events.append("comes")
            return module

    unload = Streamer.unload

    def watched(self: Streamer, number: int, block: nn.Module) -> None:
        events.append("leaves")
        unload(self, number, block)

    monkeypatch.setattr(Streamer, "unload", watched)
    plan = MemoryPlan("streamed", checkpoint_gradients=True, streamed_share=1.0)

    streamed = Flux1(
        Watched(tiny_base, "tiny"),
        catalogue.facts("tiny", tiny_base),
        CPU,
        torch.float32,
        plan=plan,
    )

    assert streamed.megapixels_at_once == 1.0
    assert len(events) > 2
    assert events == ["comes", "leaves"] * (len(events) // 2)


def test_an_error_counts_as_much_as_is_said(model: Flux1) -> None:
    text, latents, sigma = model.encode_text(PROMPTS[:1]), random(1, 16, 4, 4), torch.tensor([0.4])
    model.lora.seat(model.lora.fresh(torch.Generator().manual_seed(0)))
    target = torch.zeros_like(latents)
    squares = model.predict(latents, sigma, text, 1.0).square()
    left = torch.tensor([2.0, 2.0, 0.0, 0.0]).expand(1, 1, 4, 4)

    found = [model.learn(latents, sigma, text, 1.0, target, each)[0] for each in (None, left)]

    model.lora.release()
    torch.testing.assert_close(found[0], squares.mean())
    torch.testing.assert_close(found[1], squares[..., :2].mean())


@torch.no_grad()
def test_who_is_folded_into_the_weights_is_who_is_drawn(tiny_base: Path, model: Flux1) -> None:
    facts = catalogue.facts("tiny", tiny_base)
    plan = MemoryPlan("whole", precision="fp8", turned=True, folds=True)
    folding = Flux1(FolderParts(tiny_base, "tiny"), facts, CPU, torch.float32, plan=plan)
    text, latents, sigma = model.encode_text(PROMPTS[:1]), random(1, 16, 4, 4), torch.tensor([0.4])
    anna = 0.2 * random(model.lora.num_weights)
    ben = anna.flip(0)
    drawn: list[torch.Tensor] = []
    for who, strength in ((anna, 1.0), (ben, 1.0), (anna, 0.5), (anna, 1.0)):
        velocities = []
        for each in (model, folding):
            each.seat(who, strength)
            velocities.append(each.predict(latents, sigma, text, 2.5))
        assert cosine(*velocities) > 0.998
        drawn.append(velocities[1])
    assert torch.equal(drawn[0], drawn[3])
    assert cosine(drawn[0], drawn[1]) < 0.99 > cosine(drawn[0], drawn[2])

    folding.lora.seat(ben)  # somebody learns in between
    beside = folding.predict(latents, sigma, text, 2.5)
    with folding.lora.off():
        base = folding.predict(latents, sigma, text, 2.5)
    model.lora.seat(model.lora.zeros())

    assert cosine(beside, drawn[1]) > 0.996  # a branch as large as its matrix is rounded as well
    assert cosine(base, model.predict(latents, sigma, text, 2.5)) > 0.998
    folding.seat(anna)
    assert torch.equal(folding.predict(latents, sigma, text, 2.5), drawn[0])


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return torch.cosine_similarity(a.flatten(), b.flatten(), dim=0).item()
