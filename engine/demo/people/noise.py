"""Hashes and smooth noise on the GPU: the same numbers on every device."""

from __future__ import annotations

import functools

import torch
from torch.nn.functional import grid_sample


def hash_unit(cells: torch.Tensor) -> torch.Tensor:
    """A pseudo-random number in 0..1 for each integer vector: (..., n) -> (...)."""
    mixed = torch.zeros_like(cells[..., 0], dtype=torch.int32)
    for axis, prime in zip(
        cells.unbind(-1), (73856093, 19349663, 83492791, 49979687), strict=False
    ):
        mixed = mixed ^ (axis.int() * prime)
    for shift, prime in ((15, 739982445), (12, 695872825)):
        mixed = (mixed ^ ((mixed >> shift) & 0x1FFFF)) * prime
    return ((mixed >> 8) & 0xFFFFFF).float() / 0xFFFFFF


LATTICE = 32


@functools.cache
def _lattice(dims: int, device: str) -> torch.Tensor:
    """Random numbers on a grid that repeats every LATTICE cells: (1, 1, side, ...)."""
    cells = torch.cartesian_prod(*[torch.arange(LATTICE + 1) % LATTICE] * dims)
    return hash_unit(cells).view(1, 1, *[LATTICE + 1] * dims).to(device)


def value_noise(points: torch.Tensor) -> torch.Tensor:
    """Smooth noise in 0..1 with cells of size one: (n, 2 or 3) -> (n,)."""
    dims = points.shape[-1]
    cell = points.floor()
    part = points - cell
    place = cell.remainder(LATTICE) + part * part * (3 - 2 * part)
    grid = (place * (2 / LATTICE) - 1).view(1, *[1] * (dims - 1), -1, dims)
    values = grid_sample(_lattice(dims, str(points.device)), grid, align_corners=True)
    return values.flatten()


def fractal_noise(points: torch.Tensor, octaves: int = 3) -> torch.Tensor:
    """Sum of value noises of halving size, in 0..1."""
    total = torch.zeros_like(points[..., 0])
    weight, norm = 1.0, 0.0
    for _ in range(octaves):
        total = total + weight * value_noise(points)
        points = points * 2.03 + 17.3
        norm += weight
        weight *= 0.5
    return total / norm


def smoothstep(
    low: float | torch.Tensor, high: float | torch.Tensor, x: torch.Tensor
) -> torch.Tensor:
    part = ((x - low) / (high - low)).clamp(0, 1)
    return part * part * (3 - 2 * part)
