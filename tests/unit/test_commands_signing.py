"""What doctor finds out about the key."""

from pathlib import Path

import pytest

from bot.commands.signing import folder_of, look
from bot.settings import Settings
from engine.contract.provenance import CHAIN, KEY
from engine.generation import identity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = folder_of(Settings(data_dir=tmp_path))
    identity.at(folder)
    return folder


def test_a_key_that_signs_is_named(folder: Path) -> None:
    found, remedy = look(folder)

    assert found.startswith("signed as Headshot Bot ")
    assert remedy == ""


def test_before_the_first_picture_nothing_is_wrong(tmp_path: Path) -> None:
    assert look(tmp_path / "none")[1] == ""


@pytest.mark.parametrize("name", [KEY, CHAIN])
def test_a_damaged_key_says_what_to_do(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"nonsense")

    found, remedy = look(folder)

    assert "unsigned" in found
    assert str(folder) in remedy


def test_a_key_of_another_certificate_is_found_out(folder: Path) -> None:
    (folder / KEY).write_bytes(identity.new().key)

    found, remedy = look(folder)

    assert "do not hold" in found
    assert remedy


def test_a_missing_file_is_said_to_be_missing(folder: Path) -> None:
    (folder / KEY).unlink()

    assert "cannot be read" in look(folder)[0]
