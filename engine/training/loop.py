"""The training itself: a generator of steps that can be paused, left and taken up between any two.

Flow matching as FLUX.1 was trained: latents and noise are mixed at a level sigma, and the network
learns the velocity `noise - latents`. Everything random in a step follows from (seed, step), so a
training that was interrupted goes on exactly as if it had not been. Knows tensors and steps; knows
no job, no queue and no clock but the one it is given.
"""

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from math import isfinite
from typing import Literal

import torch
from torch import Tensor

from engine.contract.failures import EngineError, FailureCode
from engine.contract.manifests import DatasetManifest
from engine.models import lora_file
from engine.models.base import ImageModel, TextEmbeddings
from engine.training import flow, stopping
from engine.training.checkpoints import Checkpoints
from engine.training.dataset import EncodedDataset, plan
from engine.training.recipe import USUAL_SHARE, Recipe
from engine.training.sampler import Sampler
from engine.training.state import State

_SMOOTHING = 0.95
_MAX_LOSSES = 200


@dataclass(frozen=True)
class Score:
    """What a look at the adapter found after some step."""

    likeness: float
    value: float
    """By which looks are compared; higher is better, 0 where nothing could be told."""
    others: Mapping[str, float] = field(default_factory=dict)


Scorer = Callable[[int, Tensor], Generator[None, None, Score]]
"""Judges flat averaged weights after a step; seats them itself, as the sampler does. It yields
wherever others may have their turn, so that nobody waits for a whole look."""


@dataclass(frozen=True)
class StepDone:
    """Told after each step; between two of them anything may happen to the model's slots."""

    phase: Literal["encoding", "training", "previewing"]
    step: int
    total: int
    loss: float | None = None
    """Smoothed."""
    eta_s: float | None = None
    """Until it probably is over, of computing alone; time spent paused is not in it."""
    score: Score | None = None


@dataclass(frozen=True)
class _Inputs:
    """Of one step, on the model's device."""

    step: int
    noisy: Tensor
    sigma: Tensor
    text: TextEmbeddings
    target: Tensor
    """The velocity; where the base is preserved, what the base predicts takes its place."""
    emphasis: Tensor
    preserves: bool


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
        self._clock = clock
        self._seconds_here, self._steps_here = 0.0, 0
        self._ahead: _Inputs | None = None
        items = plan(dataset.examples, recipe.resolutions, model.facts)
        self._data = EncodedDataset(
            dataset, pictures, items, recipe.preservation_share > 0, recipe.face_weight
        )
        self._sampler = Sampler(
            [item.size for item in items],
            [self._data.weight(row) for row in range(len(items))],
            recipe.batch,
            seed,
        )
        held = () if recipe.learns_modulations else model.modulations
        self._held = model.lora.spans(held)
        self._fingerprint = _fingerprint(dataset, recipe, seed, model.facts.name, start_from)
        self._state = self._take_up() or self._begin(start_from)
        self._optimizer = self._state.optimizer(recipe)

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

    @property
    def best_step(self) -> int:
        """After which the weights were as they are kept."""
        scores = self._state.scores
        if self._state.best is None or self.recipe.keeps == "last":
            return self.step
        return int(scores[self._best_look]["step"])

    @property
    def total(self) -> int:
        """Steps until it is over, as far as looks have told by now."""
        steps, first = self.recipe.steps, self._cools_from
        return steps if first is None else min(steps, first + self._cooldown)

    @property
    def _expected_total(self) -> int:
        """Steps until it probably is over: what people are told has to hold for most of them."""
        recipe, steps = self.recipe, self.recipe.steps
        if self._cools_from is not None or self._scorer is None or not recipe.patience:
            return self.total
        places = max(1 + recipe.patience, self.step * recipe.looks // steps + 1)
        soonest = max(places / max(1, recipe.looks), recipe.least_share) * steps + self._cooldown
        return min(steps, round(max(soonest, USUAL_SHARE * steps)))

    @property
    def _cooldown(self) -> int:
        return round(self.recipe.steps * self.recipe.cooldown_share)

    @property
    def _cools_from(self) -> int | None:
        """The step after which looks brought nothing any more, so that it comes to its end."""
        recipe = self.recipe
        place = stopping.plateau(self._values, self._done, recipe.least_share, recipe.patience)
        return None if place is None else int(self._state.scores[place]["step"])

    @property
    def _best_look(self) -> int:
        return stopping.best(self._values, self._done, self.recipe.least_share)

    @property
    def _values(self) -> list[float]:
        return stopping.smoothed([score["value"] for score in self._state.scores])

    @property
    def _done(self) -> list[float]:
        """The share of the steps that each look came after."""
        return [score["step"] / self.recipe.steps for score in self._state.scores]

    def steps(self) -> Iterator[StepDone]:
        """Encodes, then trains to its end. Closing it early loses nothing that `save` kept."""
        try:
            for done in self._data.steps(self._model):
                yield StepDone("encoding", done, self._data.num_steps)
            state = self._state
            if self._owes_look():  # it was left in the middle of one
                yield from self._look(StepDone("training", state.step, self.total, state.loss))
            while state.step < self.total:
                done = self._step()
                yield from self._look(done) if self._owes_look() else (done,)
        finally:
            self._model.lora.release()

    def save(self) -> None:
        """Keeps the state, so that a new trainer with the same inputs goes on from here."""
        if self._checkpoints is None:
            return
        self._checkpoints.save(self._state.bundle(self._fingerprint))

    def lora(self) -> bytes:
        """The result as a file: the weights that scored best, else the average of the last."""
        state = self._state
        best = None if self.recipe.keeps == "last" else state.best
        weights = state.average if best is None else best
        return lora_file.write(self._model.lora, weights, self._model.facts.name)

    def _step(self) -> StepDone:
        """The device is waited for last of all, with the next step's inputs on their way, and only
        for the loss: while it updates, the next step is begun.
        """
        started = self._clock()
        state = self._state
        found, gradient = self._gradient(state.step)
        heard = _fetched(found)
        self._update(gradient)
        state.step += 1
        self._ahead = self._inputs(state.step) if state.step < self.total else None
        loss = heard()
        if not isfinite(loss):
            raise EngineError(FailureCode.GPU_FAILED, error="LossNotFinite")
        state.loss = (
            loss if state.loss is None else _SMOOTHING * state.loss + (1 - _SMOOTHING) * loss
        )
        every = max(1, self.recipe.steps // _MAX_LOSSES)
        if state.step % every == 0:
            state.losses.append((state.step, state.loss))
        self._spend(self._clock() - started)
        self._steps_here += 1
        eta_s = (self._expected_total - state.step) * self._seconds_here / self._steps_here
        return StepDone("training", state.step, self.total, state.loss, eta_s)

    def _spend(self, seconds: float) -> None:
        self._state.seconds += seconds
        self._seconds_here += seconds

    def _gradient(self, step: int) -> tuple[Tensor, Tensor]:
        """The loss of a step and the flat gradient of it, fp32, of what is learned."""
        model, recipe = self._model, self.recipe
        ahead = self._ahead
        given = ahead if ahead is not None and ahead.step == step else self._inputs(step)
        model.lora.seat(self._state.weights)
        target = given.target
        if given.preserves:
            with torch.no_grad(), model.lora.off():
                target = model.predict(given.noisy, given.sigma, given.text, recipe.guidance)
        loss, gradient = model.learn(
            given.noisy, given.sigma, given.text, recipe.guidance, target.float(), given.emphasis
        )
        return loss, self._hold(gradient.float())

    def _hold(self, flat: Tensor) -> Tensor:
        """Nothing, in place, where nothing is learned."""
        for start, end in self._held:
            flat[start:end].zero_()
        return flat

    def _inputs(self, step: int) -> _Inputs:
        """What a step looks at. It follows from the seed and the step alone."""
        model, recipe = self._model, self.recipe
        random = flow.step_generator(self._seed, step)
        rows = self._sampler.batch(step)
        clean = self._data.latents(rows)
        preserves = flow.uniform(1, random)[0] < recipe.preservation_share
        dropped = [u < recipe.caption_dropout for u in flow.uniform(len(rows), random)]
        size = self._data.items[rows[0]].size
        sigma = _sent(flow.draw_sigma(len(rows), recipe, model.shift(size), random), clean.device)
        noise = _sent(torch.randn(clean.shape, generator=random), clean.device)
        data, emphasis = self._data, self._data.emphasis(rows)
        return _Inputs(
            step=step,
            noisy=flow.mix(clean, noise, sigma),
            sigma=sigma,
            text=data.plain_captions(rows) if preserves else data.captions(rows, dropped),
            target=noise - clean,
            emphasis=emphasis * recipe.preservation_weight if preserves else emphasis,
            preserves=preserves,
        )

    @torch.no_grad()
    def _update(self, gradient: Tensor) -> None:
        """Clips, one step of AdamW at this step's rate, then the average follows."""
        recipe, step = self.recipe, self._state.step
        norm = gradient.norm()
        gradient = gradient * (recipe.max_gradient_norm / (norm + 1e-6)).clamp(max=1.0)
        self._optimizer.param_groups[0]["lr"] = self._rate(step)
        self._state.weights.grad = gradient
        self._optimizer.step()
        self._state.weights.grad = None
        decay = min(recipe.ema_decay, (1 + step) / (10 + step))
        self._state.average.lerp_(self._state.weights, 1 - decay)

    def _rate(self, step: int) -> float:
        first = self._cools_from
        if first is None:
            return flow.learning_rate(self.recipe, step)
        return flow.cooled_rate(self.recipe, step, first, self.total)

    def _owes_look(self) -> bool:
        """Whether these weights are to be judged, and are not yet: now and then, and the last."""
        step, scores = self._state.step, self._state.scores
        if self._scorer is None or step == 0 or (scores and scores[-1]["step"] == step):
            return False
        looks, steps = self.recipe.looks, self.recipe.steps
        is_due = step * looks // steps > (step - 1) * looks // steps
        return looks > 0 and (is_due or step == self.total)

    def _look(self, done: StepDone) -> Iterator[StepDone]:
        """The judge's pieces of work, one at a time; the last one told is `done` with its score."""
        assert self._scorer is not None
        state = self._state
        with closing(self._scorer(state.step, state.average.clone())) as looking:
            score: Score | None = None
            while score is None:
                yield replace(done, phase="previewing")
                started = self._clock()
                try:
                    next(looking)
                except StopIteration as end:
                    score = end.value
                self._spend(self._clock() - started)
        assert score is not None
        found = {"likeness": score.likeness, "value": score.value, **score.others}
        state.scores.append({"step": state.step, **found})
        if self._best_look == len(state.scores) - 1:
            # as it is written in the end, which halves its share of a checkpoint
            state.best = state.average.to(self._model.lora.dtype, copy=True)
        yield replace(done, score=score)

    def _take_up(self) -> State | None:
        bundle = self._checkpoints.newest(self._fingerprint) if self._checkpoints else None
        if bundle is None:
            return None
        self.resumed_from_step = bundle.step
        return State.from_bundle(bundle, self._model.lora.device)

    def _begin(self, start_from: bytes | None) -> State:
        slots = self._model.lora
        if start_from is None:
            weights = slots.fresh(torch.Generator().manual_seed(flow.derive(self._seed, "start")))
            self._hold(weights)
        else:
            weights = lora_file.read(start_from, slots, self._model.facts.name)
        return State(weights, weights.clone(), slots.zeros(), slots.zeros())


def _sent(numbers: Tensor, device: torch.device) -> Tensor:
    """To the device; a GPU fetches them while it is at work."""
    if device.type != "cuda":
        return numbers.to(device)
    return numbers.pin_memory().to(device, non_blocking=True)


def _fetched(number: Tensor) -> Callable[[], float]:
    """Asked for now; what is returned waits for no work that the device is given later."""
    if number.device.type != "cuda":
        return lambda: number.item()
    here = torch.empty_like(number, device="cpu", pin_memory=True)
    here.copy_(number, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record()

    def wait() -> float:
        arrived.synchronize()
        return here.item()

    return wait


def _fingerprint(
    dataset: DatasetManifest, recipe: Recipe, seed: int, base: str, start_from: bytes | None
) -> str:
    inputs = [dataset.model_dump(mode="json"), recipe.model_dump(mode="json"), seed, base]
    digest = blake2b(json.dumps(inputs, sort_keys=True).encode(), digest_size=16)
    digest.update(start_from or b"")
    return digest.hexdigest()
