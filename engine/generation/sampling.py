"""From noise to pictures: Euler steps along the flow, as a generator that yields after each.

Step for step what FluxPipeline does with FlowMatchEulerDiscreteScheduler. A picture depends on its
own prompt and seed alone, not on its neighbours in the batch. Knows one model and flat LoRA
weights; knows no style and no file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from PIL import Image
from torch import Tensor

from engine.models.base import ImageModel, Size, TextEmbeddings


@dataclass(frozen=True)
class Shot:
    """One picture to draw."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class Drawn:
    """A picture that is done."""

    number: int
    """From 0, in the order of the shots."""
    shot: Shot
    image: Image.Image


@dataclass(frozen=True)
class DrawStep:
    """Told after each step; between two of them anything may happen to the model's slots."""

    step: int
    total: int
    drawn: tuple[Drawn, ...] = ()
    """Pictures that this step finished."""


class Sampler:
    """Draws some pictures of one person."""

    def __init__(
        self,
        model: ImageModel,
        weights: Tensor,
        shots: Sequence[Shot],
        size: Size,
        guidance: float,
        num_steps: int | None = None,
        strength: float = 1.0,
        at_once: int | None = None,
        read: Mapping[str, TextEmbeddings] | None = None,
    ) -> None:
        """`weights` are flat, as `lora_file.read` gives them; `model.lora.zeros()` for nobody.

        `guidance` is a style's; the base's facts say what it comes to there.
        `at_once` pictures are drawn in one batch; by default as many as are safe for the device.
        Prompts in `read` (see the function) are not read again.
        """
        if not shots:
            raise ValueError("no shots to draw")
        self._model = model
        self._weights = weights
        self._shots = list(shots)
        self._size = size
        self._guidance = guidance * model.facts.guidance_factor
        self._num_steps = num_steps or model.facts.num_inference_steps
        self._strength = strength
        self._at_once = at_once or pictures_at_once(model, size)
        self._known = dict(read or {})

    @property
    def total(self) -> int:
        """Steps over all batches."""
        return -(-len(self._shots) // self._at_once) * self._num_steps

    def steps(self) -> Iterator[DrawStep]:
        """Draws; the last step of a batch brings its pictures."""
        unread = [shot.prompt for shot in self._shots if shot.prompt not in self._known]
        if unread:
            self._known |= read(self._model, unread)
            self._model.drop_encoders()
        text = TextEmbeddings.stack([self._known[shot.prompt] for shot in self._shots])
        levels = self._model.sigmas(self._num_steps, self._size)
        done = 0
        for first in range(0, len(self._shots), self._at_once):
            shots = self._shots[first : first + self._at_once]
            rows = text[first : first + self._at_once]
            latents = self._noise(shots)
            for sigma, following in pairwise(levels):
                latents = self._euler(latents, rows, sigma, following)
                done += 1
                if done % self._num_steps:
                    yield DrawStep(done, self.total)
            yield DrawStep(done, self.total, self._develop(latents, shots, first))

    def _develop(self, latents: Tensor, shots: Sequence[Shot], first: int) -> tuple[Drawn, ...]:
        images = to_images(self._model.decode(latents))
        pairs = zip(shots, images, strict=True)
        return tuple(Drawn(number, *pair) for number, pair in enumerate(pairs, start=first))

    @torch.no_grad()
    def _euler(
        self, latents: Tensor, text: TextEmbeddings, sigma: float, following: float
    ) -> Tensor:
        """One step against the velocity; in fp32, and rounded to the model's dtype after it."""
        model = self._model
        model.seat(self._weights, self._strength)
        level = torch.full((len(latents),), sigma, device=model.device)
        velocity = model.predict(latents, level, text, self._guidance)
        return (latents.float() + (following - sigma) * velocity).to(model.dtype)

    def _noise(self, shots: Sequence[Shot]) -> Tensor:
        """From the CPU's generator, so that a seed means the same on every device."""
        shape = (1, *self._model.latent_shape(self._size))
        noise = [
            torch.randn(shape, generator=torch.Generator().manual_seed(shot.seed)) for shot in shots
        ]
        return torch.cat(noise).to(self._model.device, self._model.dtype)


def read(model: ImageModel, prompts: Sequence[str]) -> dict[str, TextEmbeddings]:
    """Each prompt once and on its own: to the last bit the same in any company."""
    return {prompt: model.encode_text([prompt]) for prompt in dict.fromkeys(prompts)}


def pictures_at_once(model: ImageModel, size: Size) -> int:
    """One where the processor draws, which leaves time between steps; else what the card holds."""
    if model.device.type == "cpu":
        return 1
    return max(1, int(model.megapixels_at_once * 2**20) // (size[0] * size[1]))


def to_images(pixels: Tensor) -> list[Image.Image]:
    """(batch, 3, height, width) in -1 .. 1 to RGB pictures."""
    rounded = (pixels * 0.5 + 0.5).mul(255).round().to(torch.uint8)
    return [Image.fromarray(rows.numpy()) for rows in rounded.permute(0, 2, 3, 1).cpu()]
