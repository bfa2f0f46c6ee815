"""The files of a set: pictures, cuts and sheet, each signed, each under its name."""

from io import BytesIO

import pytest
from PIL import Image

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.provenance import AI_MADE
from engine.generation.darkroom import Darkroom
from engine.generation.finishing import Origin

PREFIX = keys.headshots("owner", "job")
ORIGIN = Origin(style="linkedin", seed=1, base="demo")
SEAL = b"signed"


@pytest.fixture
def blobs() -> Blobs:
    return Blobs.from_url("memory://")


def size_of(blobs: Blobs, key: str) -> tuple[int, int]:
    return Image.open(BytesIO(blobs.get_sync(key))).size


@pytest.mark.parametrize(
    ("size", "other", "other_size"),
    [((64, 64), "portrait", (51, 64)), ((56, 72), "square", (56, 56))],
)
def test_each_picture_comes_with_its_cuts(
    blobs: Blobs, size: tuple[int, int], other: str, other_size: tuple[int, int]
) -> None:
    room = Darkroom(blobs, PREFIX)

    key = room.develop(Image.new("RGB", size), ORIGIN, (20.0, 20.0, 40.0, 40.0))

    assert key == f"{PREFIX}01.jpg"
    assert size_of(blobs, key) == size
    assert size_of(blobs, keys.cut(key, other)) == other_size
    width, height = size_of(blobs, keys.cut(key, keys.PROFILE))
    assert width == height < min(size)
    assert len(blobs.list_sync(PREFIX)) == 3


def test_all_files_are_signed_and_say_ai_made(blobs: Blobs) -> None:
    room = Darkroom(blobs, PREFIX, lambda jpeg: jpeg + SEAL)

    for _ in range(2):
        room.develop(Image.new("RGB", (64, 64)), ORIGIN, None)
    room.lay_out()

    names = blobs.list_sync(PREFIX)
    assert len(names) == 2 * 3 + 1
    assert PREFIX + keys.SHEET in names
    for name in names:
        data = blobs.get_sync(name)
        assert data.endswith(SEAL)
        assert AI_MADE.encode() in data
        assert (b"hb:seed" in data) == (name != PREFIX + keys.SHEET)


def test_a_set_without_pictures_has_no_sheet(blobs: Blobs) -> None:
    Darkroom(blobs, PREFIX).lay_out()

    assert blobs.list_sync(PREFIX) == []
