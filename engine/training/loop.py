"""The training itself: a generator of steps that can be paused, left and taken up between any two.

Flow matching as FLUX.1 was trained: latents and noise are mixed at a level sigma, and the network
learns the velocity `noise - latents`. Everything random in a step follows from (seed, step), so a
training that was interrupted goes on exactly as if it had not been. Knows tensors and steps; knows
no job, no queue and no clock but the one it is given.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import cos, isfinite, pi
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.contract.failures import EngineError, FailureCode
from engine.contract.manifests import DatasetManifest
from engine.models import lora_file
from engine.models.base import ImageModel
from engine.training.checkpoints import Bundle, Checkpoints
from engine.training.dataset import EncodedDataset, plan
from engine.training.recipe import Recipe
from engine.training.sampler import Sampler

_SMOOTHING = 0.95
_MAX_LOSSES = 200
_FINAL_RATE_SHARE = 0.1


@dataclass(frozen=True)
class Score:
    """What a look at the adapter found after some step. Higher likeness is better."""

    likeness: float
    others: Mapping[str, float] = field(default_factory=dict)


Scorer = Callable[[int, Tensor], Score]
"""Judges flat averaged weights after a step; seats them itself, as the sampler does."""


@dataclass(frozen=True)
class StepDone:
    """Told after each step; between two of them anything may happen to the model's slots."""

    phase: Literal["encoding", "training"]
    step: int
    total: int
    loss: float | None = None
    """Smoothed."""
    eta_s: float | None = None
    """Of computing alone; time spent paused is not in it."""
    score: Score | None = None


@dataclass
class _State:
    """All that changes from step to step."""

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


class Trainer:
    """Trains one LoRA on a base that may serve others between two steps."""

    def __init__(
        self,
        model: ImageModel,
        dataset: DatasetManifest,
        pictures: Mapping[str, bytes],
        recipe: Recipe,
        seed: int,
        checkpoints: Checkpoints | None = None,
        start_from: bytes | None = None,
        scorer: Scorer | None = None,
        score_every: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes up the newest whole checkpoint of this very training, if there is one.

        `pictures` are PNG bytes by the keys of the dataset's examples. `start_from` is the LoRA
        file of an earlier training to go on from.

        Raises:
            EngineError: PHOTO_MISSING, LORA_INCOMPATIBLE.
            ValueError: for a recipe whose rank is not that of the model's slots.
        """
        if recipe.rank != model.lora.rank:
            raise ValueError(f"recipe has rank {recipe.rank}; the slots have {model.lora.rank}")
        self.recipe = recipe
        self.resumed_from_step = 0
        self._model = model
        self._seed = seed
        self._checkpoints = checkpoints
        self._scorer = scorer
        self._score_every = score_every
        self._clock = clock
        self._seconds_here, self._steps_here = 0.0, 0
        items = plan(dataset.examples, recipe.resolutions, model.facts)
        self._data = EncodedDataset(dataset, pictures, items, recipe.preservation_share > 0)
        self._sampler = Sampler(
            [item.size for item in items],
            [self._data.weight(row) for row in range(len(items))],
            recipe.batch,
            seed,
        )
        self._fingerprint = _fingerprint(dataset, recipe, seed, model.facts.name, start_from)
        self._state = self._take_up() or self._begin(start_from)
        self._weights, self._optimizer = _optimizer(self._state, recipe)

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self._state.step

    @property
    def weights(self) -> Tensor:
        """The flat averaged weights as they are now, for previews. Do not change them."""
        return self._state.average.clone()

    @property
    def seconds(self) -> float:
        """Spent computing steps, over all runs."""
        return self._state.seconds

    @property
    def losses(self) -> tuple[tuple[int, float], ...]:
        """(step, smoothed loss), at most some two hundred."""
        return tuple(self._state.losses)

    @property
    def scores(self) -> tuple[dict[str, float], ...]:
        return tuple(self._state.scores)

    def steps(self) -> Iterator[StepDone]:
        """Encodes, then trains to the end. Closing it early loses nothing that `save` kept."""
        try:
            for done in self._data.steps(self._model):
                yield StepDone("encoding", done, self._data.num_steps)
            while self._state.step < self.recipe.steps:
                yield self._step()
        finally:
            self._model.lora.release()

    def save(self) -> None:
        """Keeps the state, so that a new trainer with the same inputs goes on from here."""
        if self._checkpoints is None:
            return
        state = self._state
        tensors = {
            "weights": state.weights,
            "average": state.average,
            "first_moment": state.first_moment,
            "second_moment": state.second_moment,
        }
        if state.best is not None:
            tensors["best"] = state.best
        facts = {
            "loss": state.loss,
            "seconds": state.seconds,
            "losses": state.losses,
            "scores": state.scores,
        }
        self._checkpoints.save(Bundle(state.step, self._fingerprint, tensors, facts))

    def lora(self) -> bytes:
        """The result as a file: the weights that scored best, else the average of the last."""
        state = self._state
        weights = state.average if state.best is None else state.best
        return lora_file.write(self._model.lora, weights, self._model.facts.name)

    def _step(self) -> StepDone:
        started = self._clock()
        state = self._state
        loss, gradient = self._gradient(state.step)
        if not isfinite(loss):
            raise EngineError(FailureCode.GPU_FAILED, error="LossNotFinite")
        self._update(gradient)
        state.step += 1
        state.loss = (
            loss if state.loss is None else _SMOOTHING * state.loss + (1 - _SMOOTHING) * loss
        )
        every = max(1, self.recipe.steps // _MAX_LOSSES)
        if state.step % every == 0:
            state.losses.append((state.step, state.loss))
        score = self._score()
        seconds = self._clock() - started
        state.seconds += seconds
        self._seconds_here += seconds
        self._steps_here += 1
        left = self.recipe.steps - state.step
        eta_s = left * self._seconds_here / self._steps_here
        return StepDone("training", state.step, self.recipe.steps, state.loss, eta_s, score)

    def _gradient(self, step: int) -> tuple[float, Tensor]:
        """The loss of a step and the flat gradient of it, fp32."""
        model, recipe = self._model, self.recipe
        random = step_generator(self._seed, step)
        rows = self._sampler.batch(step)
        clean = self._data.latents(rows)
        preserves = _uniform(1, random)[0] < recipe.preservation_share
        dropped = [u < recipe.caption_dropout for u in _uniform(len(rows), random)]
        size = self._data.items[rows[0]].size
        sigma = draw_sigma(len(rows), recipe, model.shift(size), random).to(clean.device)
        noise = torch.randn(clean.shape, generator=random).to(clean.device)
        noisy = mix(clean, noise, sigma)
        model.lora.seat(self._weights)
        target = noise - clean
        text = self._data.captions(rows, dropped)
        if preserves:
            text = self._data.plain_captions(rows)
            with torch.no_grad(), model.lora.off():
                target = model.predict(noisy, sigma, text, recipe.guidance).float()
        gradient = model.lora.gradient()
        with torch.enable_grad():
            predicted = model.predict(noisy, sigma, text, recipe.guidance)
            loss = F.mse_loss(predicted.float(), target)
            loss.backward()
        return loss.item(), gradient.float()

    @torch.no_grad()
    def _update(self, gradient: Tensor) -> None:
        """Clips, one step of AdamW at this step's rate, then the average follows."""
        recipe, step = self.recipe, self._state.step
        norm = gradient.norm()
        gradient = gradient * (recipe.max_gradient_norm / (norm + 1e-6)).clamp(max=1.0)
        self._optimizer.param_groups[0]["lr"] = learning_rate(recipe, step)
        self._weights.grad = gradient
        self._optimizer.step()
        self._weights.grad = None
        decay = min(recipe.ema_decay, (1 + step) / (10 + step))
        self._state.average.lerp_(self._weights, 1 - decay)

    def _score(self) -> Score | None:
        state = self._state
        due = self._score_every and state.step % self._score_every == 0
        if self._scorer is None or not (due or state.step == self.recipe.steps):
            return None
        score = self._scorer(state.step, state.average.clone())
        if all(score.likeness > earlier["likeness"] for earlier in state.scores):
            state.best = state.average.clone()
        state.scores.append({"step": state.step, "likeness": score.likeness, **score.others})
        return score

    def _take_up(self) -> _State | None:
        bundle = self._checkpoints.newest(self._fingerprint) if self._checkpoints else None
        if bundle is None:
            return None
        self.resumed_from_step = bundle.step
        device = self._model.lora.device
        facts = dict(bundle.facts)
        facts["losses"] = [(int(step), float(loss)) for step, loss in facts["losses"]]
        tensors = {name: tensor.to(device) for name, tensor in bundle.tensors.items()}
        return _State(**tensors, **facts, step=bundle.step)

    def _begin(self, start_from: bytes | None) -> _State:
        slots = self._model.lora
        if start_from is None:
            weights = slots.fresh(torch.Generator().manual_seed(_derive(self._seed, "start")))
        else:
            weights = lora_file.read(start_from, slots, self._model.facts.name)
        return _State(weights, weights.clone(), slots.zeros(), slots.zeros())


def mix(clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """Latents at noise level sigma (batch,). All in fp32: bf16 cannot tell near levels apart."""
    level = sigma.view(-1, 1, 1, 1)
    return (1 - level) * clean + level * noise


def draw_sigma(batch: int, recipe: Recipe, shift: float, random: torch.Generator) -> Tensor:
    """Logit-normal noise levels, shifted to the resolution (Esser et al., 2024, SD3): (batch,)."""
    normal = torch.randn(batch, generator=random)
    u = torch.sigmoid(recipe.sigma_mean + recipe.sigma_deviation * normal)
    return shift * u / (1 + (shift - 1) * u)


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
    return torch.Generator().manual_seed(_derive(seed, f"step {step}"))


def _uniform(count: int, random: torch.Generator) -> list[float]:
    return torch.rand(count, generator=random).tolist()


def _derive(seed: int, purpose: str) -> int:
    digest = blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def _optimizer(state: _State, recipe: Recipe) -> tuple[Tensor, torch.optim.AdamW]:
    """AdamW whose parameter and moments are the state's own tensors."""
    weights = state.weights.requires_grad_(True)
    optimizer = torch.optim.AdamW(
        [weights], lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    optimizer.state[weights] = {
        "step": torch.tensor(float(state.step), device=weights.device),
        "exp_avg": state.first_moment,
        "exp_avg_sq": state.second_moment,
    }
    return weights, optimizer


def _fingerprint(
    dataset: DatasetManifest, recipe: Recipe, seed: int, base: str, start_from: bytes | None
) -> str:
    inputs = [dataset.model_dump(mode="json"), recipe.model_dump(mode="json"), seed, base]
    digest = blake2b(json.dumps(inputs, sort_keys=True).encode(), digest_size=16)
    digest.update(start_from or b"")
    return digest.hexdigest()
