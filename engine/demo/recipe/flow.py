"""Flow matching on packed latents: noise, sigmas, losses.

Pure functions of tensors. Targets are `noise - latents`; sigma 1 is pure noise.
"""

import math

import torch
from torch import Tensor

from engine.models.emphasis import head_weights, weighted_mse

# calculate_shift of FluxPipeline gives mu = 0.5 at 256 image tokens.
SHIFT = math.exp(0.5)


def pack(latents: Tensor) -> Tensor:
    """(batch, c, h, w) to (batch, h/2 * w/2, 4 c), as FluxPipeline packs."""
    b, c, h, w = latents.shape
    latents = latents.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return latents.reshape(b, (h // 2) * (w // 2), c * 4)


def draw_sigmas(batch: int, device: torch.device, generator: torch.Generator) -> Tensor:
    """Logit-normal sigmas, shifted as the scheduler shifts them; fp32, (batch,).

    The draw is stratified: one uniform number in each of `batch` equal cells.
    """
    cells = torch.arange(batch, device=device, dtype=torch.float32)
    uniform = (cells + torch.rand(batch, device=device, generator=generator)) / batch
    normal = torch.special.ndtri(uniform.clamp(1e-5, 1 - 1e-5))
    sigma = torch.sigmoid(normal)
    return SHIFT * sigma / (1 + (SHIFT - 1) * sigma)


def add_noise(latents: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """The point at sigma on the straight line from latents to noise."""
    s = sigma.view(-1, 1, 1)
    return (1 - s) * latents + s * noise


def velocity_loss(predicted: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean squared error in fp32, tokens weighted by `weights` (batch, tokens)."""
    return weighted_mse(predicted, target.float(), None if weights is None else weights[..., None])


def token_weights(faces: Tensor, side: int, factor: float) -> Tensor:
    """(n, side * side): how much each token counts; see `head_weights`."""
    return head_weights(faces, side, side, factor).flatten(1)


def mirrored(faces: Tensor) -> Tensor:
    """Where faces are in mirrored pictures."""
    x0, y0, x1, y1 = faces.unbind(1)
    return torch.stack((1 - x1, y0, 1 - x0, y1), 1)


def guided(conditional: Tensor, unconditional: Tensor, guidance: Tensor) -> Tensor:
    """Classifier-free guidance; guidance 1 is the conditional prediction."""
    g = guidance.view(-1, 1, 1)
    return unconditional.float() + g * (conditional.float() - unconditional.float())
