"""Datasets: sizes that fit, crops that keep the head, captions that stay with their pictures."""

from collections.abc import Sequence
from io import BytesIO

import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.contract.failures import EngineError, FailureCode
from engine.contract.manifests import DatasetManifest, Example
from engine.models.base import ImageModel, ModelFacts, TextEmbeddings
from engine.training.dataset import EncodedDataset, bucket, crop, emphasis, plan
from engine.training.sampler import Sampler

NUM_EXAMPLES = 9


def facts(native_px: int, square_only: bool = False) -> ModelFacts:
    portrait = (native_px, native_px) if square_only else (native_px * 7 // 8, native_px * 9 // 8)
    return ModelFacts(
        name="fake",
        family="fake",
        license="MIT",
        sizes={"square": (native_px, native_px), "portrait": portrait},
        native_px=native_px,
        max_text_tokens=8,
        num_inference_steps=4,
    )


class Echo(ImageModel):
    """Latents are the picture's mean colour, embeddings the number in the caption."""

    def __init__(self) -> None:
        self.num_dropped = 0

    def encode_text(self, prompts: Sequence[str]) -> TextEmbeddings:
        numbers = torch.tensor(
            [float(prompt.split()[-1]) if prompt else -1.0 for prompt in prompts]
        )
        return TextEmbeddings(numbers.view(-1, 1, 1), numbers.view(-1, 1))

    def encode_image(self, pixels: Tensor) -> Tensor:
        return pixels.mean(dim=(2, 3), keepdim=True)[:, :1]

    def drop_encoders(self) -> None:
        self.num_dropped += 1

    def predict(self, latents, sigma, text, guidance):
        raise NotImplementedError

    def decode(self, latents):
        raise NotImplementedError

    def latent_shape(self, size):
        raise NotImplementedError

    def sigmas(self, num_steps, size):
        raise NotImplementedError

    def shift(self, size):
        raise NotImplementedError


def example(number: int, width_px: int = 64, height_px: int = 64) -> Example:
    return Example(
        key=f"{number}.png",
        photo_sha256=str(number),
        view="face",
        width_px=width_px,
        height_px=height_px,
        caption=f"TOK person {number}",
        plain_caption=f"a person {number + 100}",
    )


def png(colour: int, width_px: int = 64, height_px: int = 64) -> bytes:
    file = BytesIO()
    Image.new("RGB", (width_px, height_px), (colour, colour, colour)).save(file, "PNG")
    return file.getvalue()


def encoded(num_examples: int = NUM_EXAMPLES) -> EncodedDataset:
    """Example n has colour 10 n; sizes differ, so that there are several buckets."""
    shapes = [(64, 64), (48, 64), (64, 48)]
    examples = tuple(example(n, *shapes[n % 3]) for n in range(num_examples))
    pictures = {e.key: png(10 * n, e.width_px, e.height_px) for n, e in enumerate(examples)}
    manifest = DatasetManifest(trigger="TOK", class_word="person", examples=examples)
    items = plan(examples, (32, 64), facts(64))
    return EncodedDataset(manifest, pictures, items, with_plain_captions=True)


def test_captions_stay_with_their_pictures_through_all_shuffling() -> None:
    data, model = encoded(), Echo()
    list(data.steps(model))
    sizes = [item.size for item in data.items]
    sampler = Sampler(sizes, [1.0] * len(sizes), batch=2, seed=4)
    seen: set[int] = set()

    for step in range(60):
        rows = sampler.batch(step)
        colours = ((data.latents(rows).flatten() + 1) * 127.5 / 10).round()
        captions = data.captions(rows, [False, False])
        assert captions.pooled.flatten().tolist() == colours.tolist()
        assert captions.tokens.flatten().tolist() == colours.tolist()
        plain = data.plain_captions(rows).pooled.flatten()
        assert (plain - 100).tolist() == colours.tolist()
        seen |= {int(colour) for colour in colours}

    assert seen == set(range(NUM_EXAMPLES))


def test_a_dropped_caption_is_empty_and_the_others_stay() -> None:
    data = encoded()
    list(data.steps(Echo()))

    both = data.captions([0, 2], [True, False]).pooled.flatten().tolist()

    assert both == [-1.0, data.captions([2], [False]).pooled.item()]


def test_encoding_tells_how_far_it_is_and_frees_the_encoders() -> None:
    data, model = encoded(), Echo()

    told = list(data.steps(model))

    assert told == list(range(1, data.num_steps + 1))
    assert model.num_dropped == 1


def test_a_picture_that_is_not_there_is_named_by_number() -> None:
    manifest = DatasetManifest(
        trigger="TOK", class_word="person", examples=(example(0), example(1))
    )

    with pytest.raises(EngineError) as error:
        EncodedDataset(manifest, {"0.png": png(0)}, [])

    assert error.value.failure.code is FailureCode.PHOTO_MISSING
    assert error.value.failure.facts == {"number": 2}


@pytest.mark.parametrize(
    ("shape", "resolutions", "native_px", "sizes"),
    [
        ((1024, 1024), (512, 768, 1024), 1024, [(512, 512), (768, 768), (1024, 1024)]),
        ((700, 700), (512, 768, 1024), 1024, [(512, 512), (768, 768)]),
        ((300, 300), (512, 768, 1024), 1024, [(512, 512)]),
        ((900, 1200), (512,), 1024, [(448, 592)]),
        ((1200, 900), (512,), 1024, [(592, 448)]),
    ],
)
def test_a_picture_is_shown_at_sizes_it_can_fill(
    shape: tuple[int, int],
    resolutions: tuple[int, ...],
    native_px: int,
    sizes: list[tuple[int, int]],
) -> None:
    items = plan([example(0, *shape)], resolutions, facts(native_px))

    assert [item.size for item in items] == sizes


def test_a_base_of_squares_is_shown_squares() -> None:
    items = plan([example(0, 900, 1200)], (256,), facts(256, square_only=True))

    assert [item.size for item in items] == [(256, 256)]


def test_buckets_have_about_the_area_and_whole_multiples() -> None:
    for ratio in (2 / 3, 3 / 4, 1.0, 4 / 3):
        width, height = bucket(512, ratio, 16)
        assert width % 16 == height % 16 == 0
        assert width * height == pytest.approx(512 * 512, rel=0.08)


def test_a_crop_covers_the_size_and_keeps_the_upper_part() -> None:
    tall = Image.new("RGB", (40, 100), (0, 0, 0))
    tall.paste((255, 255, 255), (0, 0, 40, 50))
    file = BytesIO()
    tall.save(file, "PNG")

    pixels = crop(file.getvalue(), (40, 40))

    assert pixels.shape == (3, 40, 40)
    assert float(pixels.min()) >= -1
    rows = (pixels[0].mean(dim=1) > 0).sum()  # rows 21 to 61 of 100: 29 white
    assert int(rows) == 29


def test_the_head_counts_more_and_all_together_as_much() -> None:
    seen = example(0).model_copy(update={"face": (0.25, 0.5, 0.5, 0.75)})

    weights = emphasis(seen, (64, 64), (8, 8), factor=4.0)[0]

    assert weights.shape == (8, 8)
    assert weights.mean().item() == pytest.approx(1.0)
    face, corner = weights[4:6, 2:4], weights[0, 7]
    assert (face / corner).tolist() == [[pytest.approx(4.0)] * 2] * 2
    assert corner < weights[3, 2] <= weights[4, 2]  # what is above the brows belongs to the head
    assert weights[7].tolist() == [pytest.approx(corner.item())] * 8


def test_the_head_is_found_again_in_a_crop() -> None:
    seen = example(0, 64, 128).model_copy(update={"face": (0.0, 0.0, 1.0, 0.2)})

    weights = emphasis(seen, (64, 64), (8, 8), factor=4.0)[0]

    assert weights[0, 0] > weights[4, 0] == weights[7, 7]


@pytest.mark.parametrize(("face", "factor"), [(None, 4.0), ((0.2, 0.2, 0.4, 0.4), 1.0)])
def test_without_a_face_or_a_factor_all_counts_alike(
    face: tuple[float, float, float, float] | None, factor: float
) -> None:
    seen = example(0).model_copy(update={"face": face})

    assert torch.equal(emphasis(seen, (64, 64), (8, 6), factor), torch.ones(1, 8, 6))
