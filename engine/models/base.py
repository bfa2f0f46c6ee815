"""What every family of base models offers: one small interface over very different networks.

Knows tensors and facts; knows no person, no photo, no style. Shapes: pixels are
(batch, 3, height, width) in -1 .. 1, latents (batch, channels, height, width) as the family's
transformer wants them normalised, velocity has the shape of the latents.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from engine.contract.base import Frozen
from engine.contract.settings import MemoryTier
from engine.contract.styles import Aspect
from engine.models.emphasis import weighted_mse
from engine.models.lora import LoraSlots

Size = tuple[int, int]
"""Width and height in pixels."""


class ModelFacts(Frozen):
    """Plain facts of one base model. A folder may bring its own in `headshot.json`."""

    name: str
    family: str
    license: str
    license_note: str = ""
    sizes: dict[Aspect, Size]
    native_px: int
    multiple_px: int = 16
    """Sides of a picture are multiples of it."""
    max_text_tokens: int
    num_inference_steps: int
    guidance_factor: float = Field(default=1.0, gt=0)
    """Times the guidance of a style, which is meant for FLUX.1-dev."""
    memory_mib: int = 0
    """All parts on one device, to generate; 0 where it does not matter."""

    @property
    def square_only(self) -> bool:
        """A model that never saw another shape is trained and asked for squares only."""
        return all(width == height for width, height in self.sizes.values())


@dataclass(frozen=True)
class TextEmbeddings:
    """What a family's text encoders made of some prompts."""

    tokens: Tensor
    """(batch, tokens, width)"""
    pooled: Tensor
    """(batch, width)"""

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def __getitem__(self, rows: slice) -> "TextEmbeddings":
        return TextEmbeddings(self.tokens[rows], self.pooled[rows])

    def to(self, device: torch.device) -> "TextEmbeddings":
        return TextEmbeddings(self.tokens.to(device), self.pooled.to(device))

    @staticmethod
    def stack(parts: Sequence["TextEmbeddings"]) -> "TextEmbeddings":
        return TextEmbeddings(
            torch.cat([part.tokens for part in parts]), torch.cat([part.pooled for part in parts])
        )


class ImageModel(ABC):
    """One loaded base model. Its weights are frozen; what it knows of a person sits in `lora`."""

    name: ClassVar[str]
    """Of the family."""
    facts: ModelFacts
    device: torch.device
    dtype: torch.dtype
    lora: LoraSlots
    modulations: frozenset[str] = frozenset()
    """Of the layers in `lora`, those that treat all tokens of a picture alike."""
    tier: MemoryTier = "auto"
    """Of the card's memory that it is laid out for; "auto" where there is no card."""
    megapixels_at_once: float = 4.0
    """Of pictures in one batch."""

    @abstractmethod
    def encode_text(self, prompts: Sequence[str]) -> TextEmbeddings:
        """Embeddings on the model's device, in its dtype. Dropped encoders come back."""

    @abstractmethod
    def encode_image(self, pixels: Tensor) -> Tensor:
        """Pixels to normalised latents, without sampling noise."""

    @abstractmethod
    def predict(
        self, latents: Tensor, sigma: Tensor, text: TextEmbeddings, guidance: float
    ) -> Tensor:
        """The velocity `noise - latents`, for noisy latents at `sigma` (batch,) in 0 .. 1, fp32.

        Gradients reach the slots of `lora` only.
        """

    def seat(self, weights: Tensor, strength: float = 1.0) -> None:
        """Has what is predicted next made with these weights. Nobody may change them in place."""
        if not self.lora.holds(weights, strength):
            self.lora.seat(weights, strength)

    def learn(
        self,
        latents: Tensor,
        sigma: Tensor,
        text: TextEmbeddings,
        guidance: float,
        target: Tensor,
        emphasis: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The mean squared error of `predict` against `target`, and its flat gradient.

        `emphasis` (batch, 1, height, width) multiplies the squares. Both results are overwritten by
        the next step.
        """
        gradient = self.lora.gradient()
        with torch.enable_grad():
            predicted = self.predict(latents, sigma, text, guidance)
            loss = weighted_mse(predicted, target, emphasis)
            loss.backward()
        return loss.detach(), gradient

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """Normalised latents to pixels, fp32, clamped."""

    @abstractmethod
    def latent_shape(self, size: Size) -> tuple[int, int, int]:
        """Channels, height and width of the latents of one picture."""

    @abstractmethod
    def sigmas(self, num_steps: int, size: Size) -> list[float]:
        """The noise levels a picture passes through, `num_steps` + 1 of them, from 1 to 0."""

    @abstractmethod
    def shift(self, size: Size) -> float:
        """How strongly noise levels lean to 1 at this size: s in `s * u / (1 + (s - 1) * u)`."""

    @abstractmethod
    def drop_encoders(self) -> None:
        """Frees what only encoding needs, where memory is short. They come back by themselves."""
