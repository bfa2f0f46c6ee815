"""What the first task of each kind would wait for, done while nobody waits: kernels are compiled,
steps recorded.

Knows shapes and one model; draws nobody and keeps nothing but what makes later steps fast.
"""

from collections.abc import Iterator

import torch

from engine.generation import sampling
from engine.generation.sampling import Sampler, Shot, pictures_at_once
from engine.gpu import looks
from engine.models.base import ImageModel, Size, TextEmbeddings
from engine.training import recipe

PROMPT = "photo of a person"
_USUAL_PHOTOS = 12


def pieces(model: ImageModel) -> Iterator[str]:
    """Does a piece, then tells which; anything may come between two of them.

    The first drawing and the first training compile, which takes up to a minute each; others take
    seconds. Headshots come first: who asks for them waits in front of the screen.
    """
    read = sampling.read(model, [PROMPT])
    model.drop_encoders()
    sizes = dict.fromkeys(model.facts.sizes.values())
    for size in sizes:
        _draw(model, size, pictures_at_once(model, size), read)
        yield f"headshots of {size[0]}x{size[1]} px"
    side = looks.size(model)
    _draw(model, side, looks.at_once(model), read)
    yield f"looks of {side[0]}x{side[1]} px"
    usual = recipe.choose("standard", _USUAL_PHOTOS, model.facts.native_px)
    for px in usual.resolutions:
        _learn(model, (px, px), usual.batch, usual.guidance, read[PROMPT])
        yield f"training at {px} px"


def _draw(model: ImageModel, size: Size, at_once: int, read: dict[str, TextEmbeddings]) -> None:
    shots = [Shot(PROMPT, seed) for seed in range(at_once)]
    sampler = Sampler(
        model, model.lora.zeros(), shots, size, looks.GUIDANCE, 1, at_once=at_once, read=read
    )
    for _ in sampler.steps():
        pass


def _learn(
    model: ImageModel, size: Size, batch: int, guidance: float, text: TextEmbeddings
) -> None:
    shape = batch, *model.latent_shape(size)
    noisy, target = torch.zeros(2, *shape, device=model.device)
    sigma = torch.full((batch,), 0.5, device=model.device)
    model.lora.seat(model.lora.zeros())
    try:
        model.learn(noisy, sigma, TextEmbeddings.stack([text] * batch), guidance, target)
    finally:
        model.lora.release()
