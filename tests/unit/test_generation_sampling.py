"""Sampling on a tiny FLUX: a picture is a function of weights, prompt and seed, of nothing else."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops
from torch import Tensor

from engine.generation.sampling import DrawStep, Sampler, Shot, pictures_at_once, to_images
from engine.models import catalogue
from engine.models.base import ImageModel, Size

SIZE = (64, 64)
SHOTS = [Shot("headshot of TOK person, blue wall", seed) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> ImageModel:
    return catalogue.load(str(tiny_base), "cpu")


@pytest.fixture(scope="module")
def weights(model: ImageModel) -> Tensor:
    """Someone's: loud enough to be seen."""
    generator = torch.Generator().manual_seed(5)
    return torch.randn(model.lora.num_weights, generator=generator) * 0.1


def sampler(
    model: ImageModel, weights: Tensor, shots: Sequence[Shot] = SHOTS, **options
) -> Sampler:
    return Sampler(model, weights, shots, SIZE, guidance=2.5, **options)


def draw(sampler: Sampler) -> list[Image.Image]:
    return [drawn.image for step in sampler.steps() for drawn in step.drawn]


def difference(one: Image.Image, other: Image.Image) -> int:
    """The largest of any pixel."""
    return max(ImageChops.difference(one, other).tobytes())


def test_a_seed_gives_the_same_picture_in_any_company(model: ImageModel, weights: Tensor) -> None:
    alone = draw(sampler(model, weights, [SHOTS[1]]))[0]

    for at_once in (1, 2, 3):
        assert difference(draw(sampler(model, weights, at_once=at_once))[1], alone) <= 1


def test_seeds_prompts_strength_and_weights_all_matter(model: ImageModel, weights: Tensor) -> None:
    first, second, _ = draw(sampler(model, weights))
    elsewhere = [Shot("headshot of TOK person, park", SHOTS[0].seed)]
    others = {
        "seed": second,
        "prompt": draw(sampler(model, weights, elsewhere))[0],
        "strength": draw(sampler(model, weights, strength=0.5))[0],
        "weights": draw(sampler(model, model.lora.zeros()))[0],
    }

    for name, image in others.items():
        assert difference(first, image) > 8, name


def test_what_a_styles_guidance_comes_to_is_up_to_the_base(
    model: ImageModel, weights: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    stronger = Sampler(model, weights, SHOTS[:1], SIZE, guidance=4.0)
    expected = draw(stronger)[0]

    monkeypatch.setattr(model, "facts", model.facts.model_copy(update={"guidance_factor": 1.6}))

    assert difference(draw(sampler(model, weights, SHOTS[:1]))[0], expected) == 0


def test_no_strength_is_nobody(model: ImageModel, weights: Tensor) -> None:
    nobody = draw(sampler(model, model.lora.zeros()))
    without = draw(sampler(model, weights, strength=0.0))

    assert all(difference(a, b) == 0 for a, b in zip(nobody, without, strict=True))


def test_two_people_drawn_in_turns_do_not_mix(model: ImageModel, weights: Tensor) -> None:
    people = [weights, weights.flip(0)]
    expected = [draw(sampler(model, person)) for person in people]

    turns = [sampler(model, person).steps() for person in people]
    found: list[list[Image.Image]] = [[], []]
    for steps in zip(*turns, strict=True):
        for images, step in zip(found, steps, strict=True):
            images += [drawn.image for drawn in step.drawn]

    for mine, images in zip(expected, found, strict=True):
        assert all(difference(a, b) == 0 for a, b in zip(mine, images, strict=True))


def test_progress_counts_steps_and_hands_over_pictures(model: ImageModel, weights: Tensor) -> None:
    steps: list[DrawStep] = list(sampler(model, weights, num_steps=3, at_once=2).steps())

    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert {step.total for step in steps} == {6}
    assert [[d.number for d in step.drawn] for step in steps] == [[], [], [0, 1], [], [], [2]]
    assert [d.shot for step in steps for d in step.drawn] == SHOTS


def test_pixels_become_pictures() -> None:
    pixels = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(1, 3, 2, 4)

    image = to_images(pixels)[0]

    assert (image.size, image.getpixel((3, 1))) == ((4, 2), (0, 128, 255))


def test_the_processor_draws_one_at_a_time(model: ImageModel) -> None:
    assert pictures_at_once(model, (1024, 1024)) == 1


@pytest.mark.parametrize(
    ("megapixels", "size", "expected"),
    [(4.0, (1024, 1024), 4), (4.0, (896, 1152), 4), (1.0, (1024, 1024), 1), (1.0, (2048, 1024), 1)],
)
def test_a_card_draws_as_many_at_once_as_it_holds(
    model: ImageModel, monkeypatch: pytest.MonkeyPatch, megapixels: float, size: Size, expected: int
) -> None:
    monkeypatch.setattr(model, "device", torch.device("cuda"))
    monkeypatch.setattr(model, "megapixels_at_once", megapixels)

    assert pictures_at_once(model, size) == expected


def test_nothing_to_draw_is_an_error(model: ImageModel, weights: Tensor) -> None:
    with pytest.raises(ValueError, match="no shots"):
        sampler(model, weights, [])
