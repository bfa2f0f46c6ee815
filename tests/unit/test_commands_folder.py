"""What commands take of a folder."""

from pathlib import Path

import pytest

from bot.commands.again import command
from bot.commands.faults import CommandError
from bot.commands.folder import files_of, make_ready, take
from engine.contract.photos import PhotoLimits, PhotoReport


def test_what_cannot_be_opened_is_refused_and_named_so(tmp_path: Path) -> None:
    """Neither a missing file nor one without permission nor a broken disk ends a command."""
    gone, broken = tmp_path / "gone.jpg", tmp_path / "broken.jpg"
    broken.symlink_to("/proc/self/mem")

    for file in (gone, broken):
        report = take(file, PhotoLimits())
        assert isinstance(report, PhotoReport)
        assert [reason.facts for reason in report.reasons] == [{"problem": "no_access"}]


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    file.write_bytes(b"x" * 11)

    report = take(file, PhotoLimits(max_bytes=10))

    assert isinstance(report, PhotoReport)
    assert report.reasons[0].facts == {"value": 11, "limit": 10, "unit": "bytes"}
    assert take(file, PhotoLimits(max_bytes=11)) == b"x" * 11


def test_only_files_of_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "one.jpg").touch()
    (tmp_path / ".hidden.jpg").touch()
    (tmp_path / "-odd\n.jpg").touch()
    (tmp_path / "nowhere.jpg").symlink_to("nothing")
    (tmp_path / "endless.jpg").symlink_to("/dev/zero")

    assert [file.name for file in files_of(tmp_path)] == ["-odd\n.jpg"]


def test_names_that_are_no_text_are_refused_too(tmp_path: Path) -> None:
    assert isinstance(take(tmp_path / "\udcff.jpg", PhotoLimits()), PhotoReport)


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ([], "generate --lora 'my face'"),
        (["--data", "over there"], "--data 'over there' generate --lora 'my face'"),
    ],
)
def test_a_command_to_paste_goes_to_the_same_data(flags: list[str], line: str) -> None:
    assert command(flags, "generate", "--lora", "my face").endswith(line)


def test_where_results_cannot_go_is_said_before_the_work(tmp_path: Path) -> None:
    make_ready(tmp_path / "new" / "one")
    assert (tmp_path / "new" / "one").is_dir()

    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(CommandError, match=f"--out {place} cannot be used"):
            make_ready(place)
