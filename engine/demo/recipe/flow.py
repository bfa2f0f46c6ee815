"""Flow matching on packed latents: noise, sigmas, losses.

Pure functions of tensors. Targets are `noise - latents`; sigma 1 is pure noise.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

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
    if weights is None:
        return F.mse_loss(predicted.float(), target.float())
    return ((predicted.float() - target.float()).square().mean(-1) * weights).mean()


def token_weights(faces: Tensor, side: int, factor: float) -> Tensor:
    """(n, side * side): tokens of the head count `factor` times as much as others, 1 on average.

    `faces` (n, 4) are boxes from the brows to the chin, in shares of the picture's side; a head is
    wider by a fifth of that on each side, and higher by two fifths.
    """
    x0, y0, x1, y1 = faces.T[..., None]
    margin = 0.2 * (x1 - x0)
    edges = torch.arange(side + 1, device=faces.device) / side

    def covered(start: Tensor, end: Tensor) -> Tensor:
        inside = edges[1:].minimum(end) - edges[:-1].maximum(start)
        return inside.clamp(min=0) * side

    down, across = covered(y0 - 2 * margin, y1 + margin), covered(x0 - margin, x1 + margin)
    weights = 1 + (factor - 1) * (down[:, :, None] * across[:, None, :]).flatten(1)
    return weights / weights.mean(1, keepdim=True)


def mirrored(faces: Tensor) -> Tensor:
    """Where faces are in mirrored pictures."""
    x0, y0, x1, y1 = faces.unbind(1)
    return torch.stack((1 - x1, y0, 1 - x0, y1), 1)


def guided(conditional: Tensor, unconditional: Tensor, guidance: Tensor) -> Tensor:
    """Classifier-free guidance; guidance 1 is the conditional prediction."""
    g = guidance.view(-1, 1, 1)
    return unconditional.float() + g * (conditional.float() - unconditional.float())
