"""Guidance distillation: one forward learns to answer as two did, as in FLUX.1-dev.

The teacher is the trained transformer, frozen: its conditional and its empty-caption velocities are
combined at a random guidance, which the student reads through its guidance embedding. Guidance 1
stays the plain conditional model, which is what training a LoRA uses.
"""

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import Tensor, nn

from engine.demo.recipe.architecture import Painter
from engine.demo.recipe.clock import Stage, facts
from engine.demo.recipe.flow import add_noise, draw_sigmas, guided, velocity_loss
from engine.demo.recipe.optimizer import Average, Optimizer
from engine.demo.recipe.plan import Flow
from engine.demo.recipe.training import Examples, autocast, compile_blocks, warm_cosine

_PLAIN_SHARE = 0.2


def draw_guidance(batch: int, flow: Flow, device: torch.device, rng: torch.Generator) -> Tensor:
    """Uniform in the plan's range; a fifth of the batch is exactly 1."""
    low, high = flow.guidance_range
    guidance = low + (high - low) * torch.rand(batch, device=device, generator=rng)
    is_plain = torch.rand(batch, device=device, generator=rng) < _PLAIN_SHARE
    return torch.where(is_plain, torch.ones_like(guidance), guidance)


def distillation_loss(
    student: Painter, teacher: Painter, examples: Examples, batch: int, length: int, flow: Flow,
    rng: torch.Generator,
) -> Tensor:  # fmt: skip
    """Mean squared distance between the student's and the teacher's guided velocity."""
    latents, rows = examples.pick(batch, rng)
    device = latents.device
    noise = torch.randn(latents.shape, device=device, generator=rng)
    sigma = draw_sigmas(batch, device, rng)
    noisy = add_noise(latents, noise, sigma)
    guidance = draw_guidance(batch, flow, device, rng)
    plain = torch.ones_like(guidance)
    with autocast(device):
        with torch.no_grad():
            words, pooled = teacher.read(*examples.words(rows, rng, length))
            empty_rows = torch.full_like(rows, examples.empty)
            no_words, no_pooled = teacher.read(*examples.words(empty_rows, rng, length))
            conditional = teacher.velocity(noisy, sigma, words, pooled, plain)
            unconditional = teacher.velocity(noisy, sigma, no_words, no_pooled, plain)
            target = guided(conditional, unconditional, guidance)
        predicted = student.velocity(noisy, sigma, words, pooled, guidance)
    return velocity_loss(predicted, target)


def distill(
    painter: Painter, examples: Examples, flow: Flow, batch: int, stage: Stage, seed: int
) -> dict[str, float]:
    """Train the painter's transformer until the stage is over; the text encoders stay."""
    device = examples.latents.device
    rng = torch.Generator(device).manual_seed(seed)
    frozen: FluxTransformer2DModel = FluxTransformer2DModel.from_config(  # pyright: ignore
        painter.transformer.config
    )
    frozen.load_state_dict(painter.transformer.state_dict())
    nn.Module.to(frozen, device)
    teacher = Painter(frozen, painter.clip, painter.t5)
    if flow.compile and device.type == "cuda":
        compile_blocks(teacher)
    for part in (teacher.transformer, painter.clip, painter.t5):
        part.requires_grad_(False)
    parameters = {
        f"transformer.{n}": p for n, p in painter.transformer.named_parameters()
    }  # fmt: skip
    share = flow.distillation_learning_rate / flow.learning_rate
    optimizer, average = Optimizer(parameters, flow), Average(parameters, 0.98)
    lengths = examples.text_tokens
    smooth, first, step = torch.zeros((), device=device), 0.0, 0
    while not stage.is_over and step < flow.max_steps:
        length = lengths[-1] if step % 4 == 0 else lengths[0]
        loss = distillation_loss(painter, teacher, examples, batch, length, flow, rng)
        loss.backward()
        optimizer.step(share * warm_cosine(stage.progress, step, warm_steps=30))
        average.update()
        smooth = torch.lerp(smooth, loss.detach(), max(0.03, 1 / (step + 1)))
        step += 1
        if step == 1:
            first = smooth.item()
        if step % 10 == 0:
            torch.cuda.synchronize() if device.type == "cuda" else None
            if stage.clock.is_time_to_log():
                facts("distillation", step=step, loss=smooth.item(), progress=stage.progress)
    loss_value = smooth.item()
    if loss_value == loss_value:
        average.give()
    else:
        painter.transformer.load_state_dict(teacher.transformer.state_dict())
    return {"steps": step, "first_loss": first, "loss": loss_value}
