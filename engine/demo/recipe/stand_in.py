"""Stand-ins for the drawing and the captions of people, for tests of the recipe.

A face is an oval on a ground; enough to tell whether every stage runs, not what it learns.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.demo.people.identity import Identity
from engine.demo.people.view import View
from engine.demo.people.vocabulary import CLOTH_COLOURS, HAIR_COLOURS


def draw_oval(
    people: Sequence[tuple[Identity, View]], size_px: int = 256, device: str = "cpu"
) -> Tensor:
    """One uint8 picture (3, size, size) a person: ground, clothes, hair, face."""
    steps = torch.linspace(-1, 1, size_px, device=device)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    pictures = []
    for identity, view in people:
        left, down = view.centre
        hair = torch.tensor(HAIR_COLOURS[identity.hair_colour], device=device)
        cloth = torch.tensor(CLOTH_COLOURS[view.cloth_colour], device=device)
        skin = torch.tensor([0.9, 0.75, 0.65], device=device) * (1 - 0.7 * identity.melanin)
        picture = torch.full((size_px, size_px, 3), 0.5, device=device)
        picture[(y > 0.6) & (x.abs() < 0.8)] = cloth
        picture[((x - left) / 0.5) ** 2 + ((y - down + 0.1) / 0.7) ** 2 < 1] = hair
        picture[((x - left) / 0.4) ** 2 + ((y - down) / 0.55) ** 2 < 1] = skin
        pictures.append(picture.permute(2, 0, 1))
    return (torch.stack(pictures) * 255).to(torch.uint8)


def oval_boxes(people: Sequence[tuple[Identity, View]], device: str = "cpu") -> Tensor:
    """Left, top, right and bottom of each face in shares of the side: (people, 4)."""
    boxes = []
    for _, view in people:
        left, down = view.centre
        boxes.append([(left + 0.6) / 2, (down + 0.5) / 2, (left + 1.4) / 2, (down + 1.5) / 2])
    return torch.tensor(boxes, device=device)


def say(identity: Identity, view: View, rng: random.Random, trigger: str | None = None) -> str:
    """A caption of the stand-in."""
    who = f"{trigger} {identity.class_word}" if trigger else f"a {identity.class_word}"
    opening = rng.choice(("a photo of", "a portrait of", "a headshot of"))
    return (
        f"{opening} {who} with {identity.hair_colour} {identity.hair_style}, {view.expression}, "
        f"in a {view.cloth_colour} {view.clothes}, {view.background}, {view.light}"
    )
