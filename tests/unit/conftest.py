"""A tiny base in this process, and blobs in a folder, for whoever needs no other."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from engine.contract.blobs import Blobs
    from engine.models.base import ImageModel


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> "ImageModel":
    from engine.models import catalogue

    return catalogue.load(str(tiny_base), "cpu")


@pytest.fixture
def blobs(tmp_path: Path) -> "Blobs":
    from engine.contract.blobs import Blobs

    return Blobs.from_url(f"file://{tmp_path}")
