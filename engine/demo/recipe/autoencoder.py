"""Training of the autoencoder, and the encoding of all pictures.

The loss is L1 on a Laplacian pyramid, heads first, a small KL term that keeps the latents smooth,
and the same picture at half size from 2x2-averaged latents (after EQ-VAE, Kouzelis et al.), which
makes latents easier to learn for a small transformer.
"""

import functools
from collections.abc import Callable

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from torch.nn import functional as F

from engine.demo.recipe.clock import Stage, facts
from engine.demo.recipe.optimizer import Average, clip
from engine.demo.recipe.plan import Autoencoding, Plan
from engine.models.emphasis import head_weights

_PYRAMID_WEIGHTS = (1.0, 0.7, 0.5, 0.5)


def to_unit(pictures: Tensor) -> Tensor:
    """uint8 (b, 3, h, w) to [-1, 1], channels last."""
    return (pictures.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def pyramid_loss(drawn: Tensor, real: Tensor, emphasis: Tensor) -> Tensor:
    """L1 between pictures plus L1 between the levels of their Laplacian pyramids.

    `emphasis` (b, 1, h, w) multiplies the errors; 1 on average.
    """
    difference, counts = drawn.float() - real, emphasis
    loss = (difference.abs() * counts).mean()
    for weight in _PYRAMID_WEIGHTS:
        smaller = F.avg_pool2d(difference, 2)
        detail = difference - smaller.repeat_interleave(2, -1).repeat_interleave(2, -2)
        loss = loss + weight * (detail.abs() * counts).mean()
        difference, counts = smaller, F.avg_pool2d(counts, 2)
    return loss


def losses(
    vae: AutoencoderKL, real: Tensor, emphasis: Tensor, noise: Tensor, kl_weight: Tensor,
    pooled_weight: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(total, mean absolute error, KL per element) of pictures in [-1, 1]; `emphasis` as above."""
    mean, log_variance = vae.encoder(real).float().chunk(2, dim=1)
    log_variance = log_variance.clamp(-20, 10)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    latents = mean + noise * (0.5 * log_variance).exp()
    drawn = vae.decoder(latents)
    quarter = max(len(real) // 4, 1)
    small = vae.decoder(F.avg_pool2d(latents[:quarter], 2))
    small_loss = pyramid_loss(
        small, F.avg_pool2d(real[:quarter], 2), F.avg_pool2d(emphasis[:quarter], 2)
    )
    total = pyramid_loss(drawn, real, emphasis) + pooled_weight * small_loss + kl_weight * kl
    return total, (drawn.detach().float() - real).abs().mean(), kl.detach()


def train_autoencoder(
    vae: AutoencoderKL, pictures: Tensor, faces: Tensor, settings: Autoencoding, stage: Stage,
    seed: int,
) -> dict[str, float]:  # fmt: skip
    """Train until the stage is over; the averaged weights stay in the network.

    `faces` (n, 4) in shares of a side.
    """
    device, size = pictures.device, pictures.shape[-1]
    vae.to(device, memory_format=torch.channels_last).train()  # pyright: ignore
    generator = torch.Generator(device).manual_seed(seed)
    parameters = list(vae.parameters())
    average = Average(dict(vae.named_parameters()), 0.998)
    optimizer = torch.optim.AdamW(
        vae.parameters(), settings.learning_rate, betas=(0.9, 0.98), weight_decay=1e-3,
        fused=device.type == "cuda",
    )  # fmt: skip
    compute = _compiled(device)
    shape = (settings.batch, vae.config["latent_channels"], size // 8, size // 8)
    step, error, kl = 0, torch.zeros(()), torch.zeros(())
    while not stage.is_over and step < settings.max_steps:
        rows = torch.randint(
            len(pictures), (settings.batch,), device=device, generator=generator
        )  # fmt: skip
        noise = torch.randn(shape, device=device, generator=generator)
        emphasis = head_weights(faces[rows], size, size, settings.face_weight)[:, None]
        progress = stage.progress
        weight = torch.tensor(settings.kl_weight * min(0.1 + 3 * progress, 1.0), device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            total, error, kl = compute(
                vae, to_unit(pictures[rows]), emphasis, noise, weight, settings.pooled_weight
            )
        total.backward()
        clip(parameters, 1.0)
        warm = min((step + 1) / 100, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * warm * max(1 - progress, 0.02) ** 0.8
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update()
        step += 1
        if step % 20 == 0 and stage.clock.is_time_to_log():
            facts("autoencoding", step=step, error=error.item(), kl=kl.item(), progress=progress)
    average.give()
    vae.eval().requires_grad_(False)
    seen = step * settings.batch
    return {"steps": step, "pictures_seen": seen, "error": error.item(), "kl": kl.item()}


@functools.cache
def _compiled(device: torch.device) -> Callable:
    return torch.compile(losses, dynamic=False) if device.type == "cuda" else losses


def warm_up(vae: AutoencoderKL, pictures: Tensor, plan: Plan) -> None:
    """One forward and backward of the real shapes, so that the losses are compiled."""
    settings, device = plan.autoencoding, pictures.device
    vae.to(device, memory_format=torch.channels_last).train()  # pyright: ignore
    shapes = plan.shapes
    noise = torch.zeros(
        settings.batch, shapes.latent_channels, shapes.latent_side, shapes.latent_side,
        device=device,
    )  # fmt: skip
    weight = torch.zeros((), device=device)
    emphasis = torch.ones(settings.batch, 1, shapes.size_px, shapes.size_px, device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        total, _, _ = _compiled(device)(
            vae, to_unit(pictures[: settings.batch]), emphasis, noise, weight,
            settings.pooled_weight,
        )  # fmt: skip
    total.backward()


@torch.no_grad()
def encode_all(
    vae: AutoencoderKL, pictures: Tensor, batch: int = 256, mirror: bool = False
) -> Tensor:
    """Latent means (n, 16, h/8, w/8), raw (neither shifted nor scaled), in bf16."""
    device = pictures.device
    side = pictures.shape[-1] // 8
    shape = (len(pictures), vae.config["latent_channels"], side, side)
    latents = torch.empty(shape, dtype=torch.bfloat16, device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        for start in range(0, len(pictures), batch):
            part = pictures[start : start + batch]
            real = to_unit(part.flip(-1) if mirror else part)
            latents[start : start + batch] = vae.encoder(real).chunk(2, dim=1)[0]
    return latents


def measure(vae: AutoencoderKL, latents: Tensor) -> dict[str, float]:
    """Set shift and scale so that the latents get mean 0 and deviation 1; returns them."""
    sample = latents[:: max(len(latents) // 4096, 1)].float()
    shift, scale = sample.mean().item(), 1 / sample.std().item()
    vae.register_to_config(shift_factor=shift, scaling_factor=scale)
    spread = sample.std(dim=(0, 2, 3)) * scale
    return {
        "shift_factor": shift,
        "scaling_factor": scale,
        "channel_deviation_min": spread.min().item(),
        "channel_deviation_max": spread.max().item(),
    }


@torch.no_grad()
def reconstruction_error(vae: AutoencoderKL, pictures: Tensor) -> tuple[Tensor, float]:
    """(reconstructions as uint8, their PSNR in dB) in fp32 weights and the means' latents."""
    real = to_unit(pictures)
    drawn = vae.decoder(vae.encoder(real).chunk(2, dim=1)[0]).clamp(-1, 1)
    mse = (drawn - real).square().mean() / 4
    return ((drawn + 1) * 127.5).round().to(torch.uint8), (-10 * mse.log10()).item()
