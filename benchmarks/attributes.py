"""Sees clothes, their colour and the background in a picture: a small network, trained on drawn
people whose attributes are known (`benchmarks.attributes_training`).

Knows pixels and names of the vocabulary; how good it is on drawn pictures stands in its file.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor, nn

from benchmarks.shots import Asked
from engine.demo.people.vocabulary import BACKGROUNDS, CLOTH_COLOURS, CLOTHES
from engine.photos.decoding import RGB

FILE = Path(__file__).with_name("attributes.safetensors")
SIDE_PX = 128
CLASSES: dict[str, tuple[str, ...]] = {
    "clothes": tuple(name for name in CLOTHES if name != "suit with tie"),
    "colour": tuple(CLOTH_COLOURS),
    "background": BACKGROUNDS,
}
"""A suit is a suit, with a tie or without."""
ALIKE: dict[str, tuple[frozenset[str], ...]] = {
    "clothes": (
        frozenset({"t-shirt", "sweater", "turtleneck"}),
        frozenset({"shirt", "polo shirt"}),
        frozenset({"blouse", "scrubs"}),
    ),
    "colour": (
        frozenset({"black", "charcoal", "navy"}),
        frozenset({"white", "light blue", "grey"}),
    ),
}
"""Clothes that differ by a neckline of a few pixels, colours that light makes into one another."""


@dataclass(frozen=True)
class Seen:
    clothes: str
    colour: str
    background: str

    def wears(self, asked: Asked) -> bool:
        return self.clothes in alike("clothes", asked.clothes)

    def is_coloured(self, asked: Asked) -> bool:
        return self.colour in alike("colour", asked.colour)

    def is_before(self, asked: Asked) -> bool:
        return self.background == asked.background


def alike(attribute: str, name: str) -> frozenset[str]:
    """What counts as this name."""
    groups = ALIKE.get(attribute, ())
    return next((group for group in groups if name in group), frozenset({name}))


class Network(nn.Module):
    """(batch, 3, 128, 128) in 0 .. 1 to logits of clothes, colour and background."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        channels = (3, width, 2 * width, 3 * width, 4 * width)
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [
                nn.Conv2d(before, after, 3, stride=2, padding=1),
                nn.GroupNorm(8, after),
                nn.SiLU(),
                nn.Conv2d(after, after, 3, padding=1),
                nn.GroupNorm(8, after),
                nn.SiLU(),
            ]
        self.trunk = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Dropout(0.3))
        size = channels[-1] * 16
        self.heads = nn.ModuleDict({name: nn.Linear(size, len(c)) for name, c in CLASSES.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        features = self.trunk((pictures - 0.5) / 0.25)
        return {name: head(features) for name, head in self.heads.items()}


class Checker:
    def __init__(self, network: Network) -> None:
        self._network = network.eval()

    @torch.no_grad()
    def see(self, pictures: Sequence[RGB]) -> list[Seen]:
        found: list[Seen] = []
        for start in range(0, len(pictures), 64):
            some = torch.stack([_shrunk(picture) for picture in pictures[start : start + 64]])
            best = {name: rows.argmax(1).tolist() for name, rows in self._network(some).items()}
            found += [
                Seen(**{name: CLASSES[name][rows[i]] for name, rows in best.items()})
                for i in range(len(some))
            ]
        return found


@cache
def load() -> Checker:
    network = Network()
    with safe_open(str(FILE), "pt") as file:
        network.load_state_dict({key: file.get_tensor(key).float() for key in file.keys()})  # noqa: SIM118
    return Checker(network)


def own_accuracy() -> dict[str, float]:
    """Share that the checker names rightly on drawn pictures of people it never saw."""
    with safe_open(str(FILE), "pt") as file:
        return json.loads(file.metadata()["accuracy"])


def _shrunk(picture: RGB) -> Tensor:
    small = Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / 255
