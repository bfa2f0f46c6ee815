"""Which photos a line names."""

import os
from pathlib import Path

import pytest

from bot.frontends.terminal.paths import complete, named_in


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "my photos"
    folder.mkdir()
    for name in ("b.JPG", "a.heic", "c d.png", "notes.txt", ".hidden.jpg"):
        (folder / name).touch()
    return folder


def names(text: str) -> list[str]:
    return [file.name for file in named_in(text).files]


def test_a_folder_names_its_visible_pictures_by_name(photos: Path) -> None:
    assert names(str(photos)) == ["a.heic", "b.JPG", "c d.png"]
    assert names(f"  '{photos}/' ") == ["a.heic", "b.JPG", "c d.png"]


@pytest.mark.parametrize(
    "line",
    [
        "{folder}/c d.png",
        "'{folder}/c d.png'",
        "~/my\\ photos/c\\ d.png",
        "file://{folder_url}/c%20d.png",
    ],
)
def test_however_a_terminal_writes_a_path(photos: Path, line: str) -> None:
    url = str(photos).replace(" ", "%20")
    assert names(line.format(folder=photos, folder_url=url)) == ["c d.png"]


def test_several_paths_patterns_and_repeats(photos: Path) -> None:
    quoted = f"'{photos}/b.JPG' '{photos}'/*.heic '{photos}/b.JPG'"
    assert names(quoted) == ["b.JPG", "a.heic"]


def test_a_file_named_by_itself_is_taken_whatever_its_name(photos: Path) -> None:
    assert names(f"'{photos}/notes.txt'") == ["notes.txt"]


def test_what_is_not_there_is_told(photos: Path) -> None:
    named = named_in(f"'{photos}/b.JPG' /nowhere/x.jpg")
    assert [file.name for file in named.files] == ["b.JPG"]
    assert named.missing == ("/nowhere/x.jpg",)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    named = named_in(str(tmp_path))
    assert (named.files, named.empty) == ((), (tmp_path,))


@pytest.mark.parametrize("text", ["hello there", "start", "I'm ready", "2", "", "~nobody-here"])
def test_talk_names_nothing(text: str) -> None:
    assert not named_in(text)


def test_tab_offers_paths_with_their_spaces_escaped(photos: Path) -> None:
    assert complete("~/my") == ["~/my\\ photos/"]
    assert complete("~/my\\ photos/c") == ["~/my\\ photos/c\\ d.png"]


@pytest.mark.parametrize("text", ["a long story " * 30, "x" * 300, "/x" * 3000])
def test_what_is_too_long_for_a_path_is_talk_or_missing(text: str) -> None:
    assert named_in(text).files == ()


def test_pipes_and_devices_are_no_pictures(tmp_path: Path) -> None:
    """Reading one would never end."""
    os.mkfifo(tmp_path / "pipe.jpg")

    assert named_in(str(tmp_path / "pipe.jpg")).files == ()
    assert named_in("/dev/zero").empty == (Path("/dev/zero"),)
