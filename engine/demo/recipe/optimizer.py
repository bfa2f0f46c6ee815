"""The optimizer: Muon for the blocks' matrices, AdamW for everything else, and the average.

Muon (Jordan et al.) replaces a matrix's momentum by the nearest orthogonal matrix. Matrices of one
shape are stacked, so a step costs a few dozen launches. The size of an update follows Liu et al.
("Muon is scalable"): 0.2 sqrt(max side), so learning rates are AdamW's.
"""

import re
from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from engine.demo.recipe.plan import Flow

_BLOCK_MATRIX = re.compile(r"transformer_blocks\.\d+\.(attn|ff|ff_context|proj_mlp|proj_out)\b")
# torch's own optimizers are built on these; they have no public names.
_mul_: Callable[..., None] = torch._foreach_mul_  # pyright: ignore
_add_: Callable[..., None] = torch._foreach_add_  # pyright: ignore
_lerp_: Callable[..., None] = torch._foreach_lerp_  # pyright: ignore
_copy_: Callable[..., None] = torch._foreach_copy_  # pyright: ignore
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz towards U V^T for every matrix of (n, rows, columns)."""
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    is_tall = x.shape[-2] > x.shape[-1]
    x = x.mT if is_tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if is_tall else x).to(matrices.dtype)


class Muon:
    """Muon over groups of equal shape."""

    def __init__(self, parameters: list[nn.Parameter], momentum: float = 0.95) -> None:
        groups: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
        for parameter in parameters:
            groups[parameter.shape].append(parameter)
        self._groups = list(groups.values())
        self.buffers = [torch.zeros_like(torch.stack(list(g))) for g in self._groups]
        self._momentum = momentum

    @torch.no_grad()
    def step(self, learning_rate: float, weight_decay: float) -> None:
        for group, buffer in zip(self._groups, self.buffers, strict=True):
            grads = torch.stack([_grad(p) for p in group])
            buffer.lerp_(grads, 1 - self._momentum)
            update = orthogonalize(grads.lerp_(buffer, self._momentum))
            scale = 0.2 * max(buffer.shape[-2:]) ** 0.5 * learning_rate
            _mul_(group, 1 - learning_rate * weight_decay)
            _add_(group, list(update.unbind(0)), alpha=-scale)


def _grad(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def clip(parameters: list[nn.Parameter], max_norm: float) -> Tensor:
    """Clip the gradients' norm and return it; gradients that are not numbers become zero."""
    norm = nn.utils.clip_grad_norm_(parameters, max_norm, foreach=True)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.nan_to_num_(0.0, 0.0, 0.0)
    return norm


class Optimizer:
    """One step for all parameters; learning rates are the plan's times a factor."""

    def __init__(self, parameters: dict[str, nn.Parameter], flow: Flow) -> None:
        self._parameters = [p for p in parameters.values() if p.requires_grad]
        chosen = {n: p for n, p in parameters.items() if p.requires_grad}
        matrices = {n: p for n, p in chosen.items() if p.ndim == 2 and _BLOCK_MATRIX.search(n)}
        rest = {n: p for n, p in chosen.items() if n not in matrices}
        texts = [p for n, p in rest.items() if not n.startswith("transformer.")]
        others = [p for n, p in rest.items() if n.startswith("transformer.")]
        self._flow = flow
        self._muon = Muon(list(matrices.values()))
        groups = [
            {"params": group, "base": rate}
            for group, rate in ((others, flow.learning_rate), (texts, flow.text_learning_rate))
            if group
        ]
        self._adamw = torch.optim.AdamW(
            groups,
            lr=flow.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=flow.weight_decay,
            fused=self._parameters[0].is_cuda,
        )

    def step(self, factor: float, max_norm: float = 1.0) -> Tensor:
        """Clip, update, clear the gradients; returns the gradient's norm as a tensor."""
        norm = clip(self._parameters, max_norm)
        for group in self._adamw.param_groups:
            group["lr"] = group["base"] * factor
        self._adamw.step()
        self._muon.step(self._flow.matrix_learning_rate * factor, self._flow.weight_decay)
        for parameter in self._parameters:
            parameter.grad = None
        return norm

    def tensors(self) -> dict[str, Tensor]:
        """The moments that a checkpoint keeps; live tensors, so loading copies into them."""
        kept = {f"muon.{i}": buffer for i, buffer in enumerate(self._muon.buffers)}
        for i, parameter in enumerate(self._parameters):
            for key, value in self._adamw.state.get(parameter, {}).items():
                kept[f"adamw.{i}.{key}"] = value
        return kept

    def load(self, saved: dict[str, Tensor]) -> None:
        """Take up the moments of a checkpoint."""
        for i, buffer in enumerate(self._muon.buffers):
            buffer.copy_(saved[f"muon.{i}"])
        for key, value in saved.items():
            if not key.startswith("adamw."):
                continue
            _, i, name = key.split(".", 2)
            parameter = self._parameters[int(i)]
            place = parameter.device if value.ndim or parameter.is_cuda else value.device
            self._adamw.state[parameter][name] = value.to(place)


class Average:
    """An exponential moving average of parameters, warmed up."""

    def __init__(self, parameters: dict[str, nn.Parameter], decay: float) -> None:
        self._names = list(parameters)
        self._live = [p.detach() for p in parameters.values()]
        self.values = [p.detach().clone() for p in parameters.values()]
        self._decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self) -> None:
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        _lerp_(self.values, self._live, 1 - decay)

    @torch.no_grad()
    def give(self) -> None:
        """Write the average into the live parameters."""
        _copy_(self._live, self.values)

    def tensors(self) -> dict[str, Tensor]:
        return dict(zip(self._names, self.values, strict=True))

    @torch.no_grad()
    def load(self, saved: dict[str, Tensor]) -> None:
        for name, value in zip(self._names, self.values, strict=True):
            value.copy_(saved[name])
        self.steps = 1_000_000
