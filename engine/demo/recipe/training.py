"""Flow-matching training of the transformer and both text encoders, end to end.

Knows latents and token ids; knows neither pictures nor words. Learning rates follow the share of
the stage's time that has passed, so a run of any length ends with its cosine.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.demo.recipe.architecture import Painter
from engine.demo.recipe.clock import Stage, facts
from engine.demo.recipe.flow import (
    add_noise,
    draw_sigmas,
    pack,
    token_weights,
    velocity_loss,
)
from engine.demo.recipe.optimizer import Average, Optimizer
from engine.demo.recipe.plan import Flow

CHECKPOINT_EVERY_S = 150.0
_LONGER_TEXT_SHARE = 0.25


@dataclass(frozen=True)
class Examples:
    """The training set on the device.

    latents (n, 16, h, w) raw; faces (n, 4) in shares of a side; clip_ids (n, captions, 77) and
    t5_ids (n, captions, 64) int16, each with one more row at the end: the empty caption.
    """

    latents: Tensor
    faces: Tensor
    clip_ids: Tensor
    t5_ids: Tensor
    shift: float
    scale: float
    text_tokens: tuple[int, ...]

    @property
    def empty(self) -> int:
        return len(self.latents)

    def pick(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(packed, normalised latents (batch, tokens, 64) in fp32; their rows)."""
        device = self.latents.device
        rows = torch.randint(len(self.latents), (batch,), device=device, generator=generator)
        latents = (self.latents[rows].float() - self.shift) * self.scale
        return pack(latents), rows

    def words(self, rows: Tensor, generator: torch.Generator, length: int) -> tuple[Tensor, Tensor]:
        """One of each picture's captions: CLIP's ids and T5's first `length` ids."""
        device = rows.device
        which = torch.randint(
            self.t5_ids.shape[1], rows.shape, device=device, generator=generator
        )  # fmt: skip
        return self.clip_ids[rows, which], self.t5_ids[rows, which, :length]


def warm_cosine(progress: float, step: int, warm_steps: int = 150) -> float:
    """Factor of the learning rates: linear warm-up by steps, cosine by progress to 2 %."""
    cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return min((step + 1) / warm_steps, 1.0) * cosine


def compile_blocks(painter: Painter) -> None:
    """Compile each kind of block once; text lengths get a graph each."""
    torch._dynamo.config.cache_size_limit = 64
    painter.transformer.compile_repeated_blocks(fullgraph=True, dynamic=False)


def autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def flow_loss(
    painter: Painter, examples: Examples, batch: int, length: int, flow: Flow,
    generator: torch.Generator,
) -> Tensor:  # fmt: skip
    """Loss of one batch; a share of the captions is empty, guidance is 1."""
    latents, rows = examples.pick(batch, generator)
    device = latents.device
    faces = examples.faces[rows]
    dropped = torch.rand(batch, device=device, generator=generator) < flow.empty_caption_share
    rows = torch.where(dropped, torch.full_like(rows, examples.empty), rows)
    clip_ids, t5_ids = examples.words(rows, generator, length)
    noise = torch.randn(latents.shape, device=device, generator=generator)
    sigma = draw_sigmas(batch, device, generator)
    with autocast(device):
        words, pooled = painter.read(clip_ids, t5_ids)
        guidance = torch.ones(batch, device=device)
        predicted = painter.velocity(
            add_noise(latents, noise, sigma), sigma, words, pooled, guidance
        )
    weights = token_weights(faces, int(latents.shape[1] ** 0.5), flow.face_weight)
    return velocity_loss(predicted, noise - latents, weights)


def fitting_batch(flow: Flow, probe: Callable[[int], None]) -> int:
    """The first of the plan's batches whose probe fits in memory."""
    for batch in flow.batches[:-1]:
        try:
            probe(batch)
            return batch
        except torch.OutOfMemoryError:
            facts("batch_refused", batch=batch)
            torch.cuda.empty_cache()
    return flow.batches[-1]


@dataclass
class Trainer:
    """The state of one training; `save` is called every so often with it."""

    painter: Painter
    examples: Examples
    flow: Flow
    seed: int
    save: Callable[["Trainer", float], None]

    def __post_init__(self) -> None:
        parameters = self.painter.named_parameters()
        self.optimizer = Optimizer(parameters, self.flow)
        self.average = Average(parameters, self.flow.ema)

    def train(self, stage: Stage) -> dict[str, float]:
        """Train until the stage is over; the averaged weights stay in the networks."""
        device = self.examples.latents.device
        generator = torch.Generator(device).manual_seed(self.seed + int(1000 * stage.progress))
        lengths = self.examples.text_tokens

        def probe(batch: int) -> None:
            for length in lengths:
                flow_loss(
                    self.painter, self.examples, batch, length, self.flow, generator
                ).backward()

        batch = fitting_batch(self.flow, probe)
        self._clear()
        facts("flow_ready", batch=batch, at_s=stage.clock.now_s)
        smooth, step, factor = torch.zeros((), device=device), 0, 1.0
        first_s, last_save_s = stage.clock.now_s, stage.clock.now_s
        history: list[tuple[int, float]] = []
        while not stage.is_over and step < self.flow.max_steps:
            # Chosen by step number, so that the host never waits for the device.
            is_long = (step * _LONGER_TEXT_SHARE) % 1 == 0
            loss = flow_loss(
                self.painter, self.examples, batch, lengths[-1] if is_long else lengths[0],
                self.flow, generator,
            )  # fmt: skip
            loss.backward()
            progress = stage.progress
            self.optimizer.step(factor * warm_cosine(progress, step))
            self.average.update()
            weight = max(0.01, 1 / (step + 1))
            smooth = torch.lerp(smooth, loss.detach(), weight)
            step += 1
            if step % 10:
                continue
            torch.cuda.synchronize() if device.type == "cuda" else None
            if stage.clock.is_time_to_log():
                history.append((step, smooth.item()))
                rate = step * batch / (stage.clock.now_s - first_s)
                facts("flow", step=step, loss=smooth.item(), per_s=rate, progress=progress)
                if not math.isfinite(smooth.item()):
                    factor, smooth = factor * 0.5, torch.zeros((), device=device)
                    self._roll_back(factor)
            if stage.clock.now_s - last_save_s > CHECKPOINT_EVERY_S:
                self.save(self, progress)
                last_save_s = stage.clock.now_s
        spent_s = stage.clock.now_s - first_s
        self.average.give()
        return {
            "steps": step, "batch": batch, "loss": smooth.item(), "seconds": spent_s,
            "pictures_per_s": step * batch / max(spent_s, 1e-6),
            "history": history,  # pyright: ignore
        }  # fmt: skip

    def _clear(self) -> None:
        for parameter in self.painter.named_parameters().values():
            parameter.grad = None

    def _roll_back(self, factor: float) -> None:
        """After a loss that is not a number: averaged weights, fresh moments, half the rate."""
        facts("flow_rolled_back", factor=factor)
        for value in self.average.values:
            value.nan_to_num_(0.0)
        self.average.give()
        self.optimizer = Optimizer(self.painter.named_parameters(), self.flow)
