"""Captions before a training: written once, and done without where the captioner fails."""

from collections.abc import Generator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from tiny_captioner import build_tiny_captioner

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.manifests import DatasetManifest, Example
from engine.gpu.captioning import caption
from engine.models import catalogue
from engine.models.base import ImageModel

PREFIX = "people/a/datasets/j/"
NUM_PICTURES = 5


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> ImageModel:
    return catalogue.load(str(tiny_base), "cpu")


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return "tiny", build_tiny_captioner(tmp_path_factory.mktemp("captioners") / "tiny")


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    blobs = Blobs.from_url(f"file://{tmp_path}")
    for number in range(NUM_PICTURES):
        file = BytesIO()
        Image.new("RGB", (64, 64), (40 * number, 90, 90)).save(file, "PNG")
        blobs.put_sync(f"{PREFIX}{number}.png", file.getvalue())
    return blobs


def dataset() -> DatasetManifest:
    examples = tuple(
        Example(
            key=f"{PREFIX}{number}.png",
            photo_sha256=str(number),
            view="face",
            width_px=64,
            height_px=64,
            caption="photo of TOK person",
            plain_caption="photo of a person",
        )
        for number in range(NUM_PICTURES)
    )
    return DatasetManifest(trigger="TOK", class_word="person", examples=examples)


def finish(looking: Generator[int, None, DatasetManifest]) -> tuple[DatasetManifest, list[int]]:
    told: list[int] = []
    while True:
        try:
            told.append(next(looking))
        except StopIteration as end:
            return end.value, told


def written(blobs: Blobs) -> DatasetManifest:
    return DatasetManifest.model_validate_json(blobs.get_sync(PREFIX + keys.DATASET))


def test_the_dataset_is_looked_at_and_written_again(
    model: ImageModel, captioner: tuple[str, Path], blobs: Blobs
) -> None:
    after, told = finish(caption(dataset(), captioner, model, blobs, PREFIX))

    assert told == [4, 5]
    assert after.captioned_by == "tiny"
    assert written(blobs) == after
    assert all(example.caption.startswith("photo of TOK person") for example in after.examples)


def test_what_was_decided_once_stays(
    model: ImageModel, captioner: tuple[str, Path], blobs: Blobs
) -> None:
    first, _ = finish(caption(dataset(), None, model, blobs, PREFIX))

    again, told = finish(caption(first, captioner, model, blobs, PREFIX))

    assert again is first
    assert told == []
    assert (first.captioned_by, first.examples) == ("photo checks", dataset().examples)


def test_a_captioner_that_fails_costs_only_its_captions(
    model: ImageModel, tmp_path: Path, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "florence2"}')

    after, _ = finish(caption(dataset(), ("broken", broken), model, blobs, PREFIX))

    assert after.captioned_by == "photo checks"
    assert written(blobs).examples == dataset().examples
    assert "captioner_failed" in capsys.readouterr().out
