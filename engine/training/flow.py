"""Arithmetic of flow matching, and what is drawn for each step. Pure: tensors and numbers.

Sources: Esser et al., Scaling Rectified Flow Transformers, 2024 (logit-normal levels, the shift by
resolution); the diffusers scripts for FLUX.1 (the velocity as the target).
"""

from hashlib import blake2b
from math import cos, pi

import torch
from torch import Tensor

from engine.training.recipe import Recipe

_FINAL_RATE_SHARE = 0.1


def mix(clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """Latents at noise level sigma (batch,). All in fp32: bf16 cannot tell near levels apart."""
    level = sigma.view(-1, 1, 1, 1)
    return (1 - level) * clean + level * noise


def draw_sigma(batch: int, recipe: Recipe, shift: float, random: torch.Generator) -> Tensor:
    """Logit-normal noise levels, shifted to the resolution (Esser et al., 2024, SD3): (batch,)."""
    normal = torch.randn(batch, generator=random)
    u = torch.sigmoid(recipe.sigma_mean + recipe.sigma_deviation * normal)
    return shift * u / (1 + (shift - 1) * u)


def cooled_rate(recipe: Recipe, step: int, first: int, end: int) -> float:
    """The learning rate where it falls linearly to nothing from step `first` to `end`."""
    return learning_rate(recipe, step) * min(1.0, (end - step) / (end - first))


def learning_rate(recipe: Recipe, step: int) -> float:
    """Rises linearly, then stays or falls along a cosine to a tenth."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / (recipe.warmup_steps + 1)
    if recipe.schedule == "constant":
        return recipe.learning_rate
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    share = _FINAL_RATE_SHARE + (1 - _FINAL_RATE_SHARE) * (1 + cos(pi * done)) / 2
    return recipe.learning_rate * share


def step_generator(seed: int, step: int) -> torch.Generator:
    """All randomness of one step; on the CPU, so that every device draws the same."""
    return torch.Generator().manual_seed(derive(seed, f"step {step}"))


def uniform(count: int, random: torch.Generator) -> list[float]:
    return torch.rand(count, generator=random).tolist()


def derive(seed: int, purpose: str) -> int:
    """A seed of its own for every purpose, 63 bits."""
    digest = blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
