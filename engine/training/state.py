"""All that changes from step to step of a training. Knows its bundle; knows no model."""

from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from engine.training.checkpoints import Bundle
from engine.training.recipe import Recipe


@dataclass
class State:
    """Flat tensors in fp32 on the model's device, and what has been measured."""

    weights: Tensor
    average: Tensor
    first_moment: Tensor
    second_moment: Tensor
    best: Tensor | None = None
    step: int = 0
    loss: float | None = None
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)

    def optimizer(self, recipe: Recipe) -> torch.optim.AdamW:
        """AdamW whose one parameter and moments are the tensors of this state."""
        self.weights.requires_grad_(True)
        optimizer = torch.optim.AdamW(
            [self.weights], lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        optimizer.state[self.weights] = {
            "step": torch.tensor(float(self.step), device=self.weights.device),
            "exp_avg": self.first_moment,
            "exp_avg_sq": self.second_moment,
        }
        return optimizer

    def bundle(self, fingerprint: str) -> Bundle:
        tensors = {
            "weights": self.weights,
            "average": self.average,
            "first_moment": self.first_moment,
            "second_moment": self.second_moment,
        }
        if self.best is not None:
            tensors["best"] = self.best
        facts = {
            "loss": self.loss,
            "seconds": self.seconds,
            "losses": self.losses,
            "scores": self.scores,
        }
        return Bundle(self.step, fingerprint, tensors, facts)

    @classmethod
    def from_bundle(cls, bundle: Bundle, device: torch.device) -> Self:
        facts = dict(bundle.facts)
        facts["losses"] = [(int(step), float(loss)) for step, loss in facts["losses"]]
        tensors = {name: tensor.to(device) for name, tensor in bundle.tensors.items()}
        return cls(**tensors, **facts, step=bundle.step)
