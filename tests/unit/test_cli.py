"""The command line: what it offers, what it answers, and that it answers at once."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from bot.cli import cli
from bot.commands.faults import sentence

COMMANDS = (
    "check",
    "train",
    "generate",
    "export",
    "import",
    "styles",
    "doctor",
    "chat",
    "demo",
    "run",
    "bot",
    "engine",
)
HELP = {
    "check": ("DIR", "--json", "Exit code: 0"),
    "train": ("DIR", "--name", "--quality", "--out", "--json", "Ctrl-C"),
    "generate": ("--lora", "NAME|FILE", "--style", "--count", "--out", "--prompt", "--seed"),
    "export": ("NAME", "--format", "diffusers|comfyui", "--out", "--person"),
    "import": ("FILE", "--name", "--trigger", "--class-word", "ai-toolkit"),
    "styles": ("--json",),
    "doctor": ("--json", "Exit code: 0"),
    "chat": ("/train", "pipe"),
    "demo": ("--photos", "--style", "--out", "No GPU"),
    "run": ("queue, bot, engine",),
    "bot": ("engine somewhere",),
    "engine": ("As many machines", "training"),
}


def help_of(*command: str) -> str:
    result = CliRunner().invoke(cli, [*command, "--help"], env={"COLUMNS": "100"})
    assert result.exit_code == 0
    return " ".join(result.output.replace("│", " ").split())


def test_every_command_is_named_with_what_it_is_for() -> None:
    shown = help_of()
    assert all(command in shown for command in COMMANDS)
    assert "headshot-bot demo" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_says_what_it_takes(command: str) -> None:
    shown = help_of(command).casefold()
    assert all(part.casefold() in shown for part in HELP[command])


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_names_values_and_flags_take_none(command: str) -> None:
    _, options = help_of(command).split(" Options ", 1)
    shown = options.replace("--help -h <bool>", "")

    assert not any(kind in shown for kind in ("<bool>", "<str>", "<int"))


def test_help_imports_nothing_heavy() -> None:
    heavy = {"torch", "sqlalchemy", "redis", "arq", "PIL", "structlog", "discord", "numpy"}
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from bot.cli import cli\n"
        "assert CliRunner().invoke(cli, ['train', '--help']).exit_code == 0\n"
        f"print(sorted(set(sys.modules) & {heavy!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def main(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
    )


def test_styles_as_json(tmp_path: Path) -> None:
    done = main("--data", str(tmp_path), "styles", "--json")
    found = json.loads(done.stdout)["styles"]
    assert found[0]["name"] == "linkedin"
    assert len(found) >= 12


def test_styles_for_people_leave_nothing_behind(tmp_path: Path) -> None:
    done = main("--data", str(tmp_path / "data"), "styles")
    assert "linkedin" in done.stdout
    assert not (tmp_path / "data").exists()


def test_a_wrong_setting_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    done = main("styles", HEADSHOT_DATA_DIR=str(tmp_path), HEADSHOT_ENGINE__BASS="x")
    assert done.returncode == 2
    assert done.stderr == (
        "headshot-bot: HEADSHOT_ENGINE__BASS is no setting; did you mean HEADSHOT_ENGINE__BASE?\n"
    )


def test_an_unknown_style_is_answered_with_the_nearest(tmp_path: Path) -> None:
    done = main("--data", str(tmp_path), "generate", "--lora", "me", "--style", "linkdin")
    assert done.returncode == 2
    assert "did you mean linkedin?" in done.stderr


@pytest.mark.parametrize(
    ("wish", "answer"),
    [
        (("--background", "the moon"), "there is no background 'the moon'; there are: grey studio"),
        (("--clothes", "a cape"), "there are no clothes 'a cape'; there are: suit, suit with a"),
    ],
)
def test_an_unknown_background_or_garment_is_answered_with_those_there_are(
    tmp_path: Path, wish: tuple[str, str], answer: str
) -> None:
    done = main("--data", str(tmp_path), "generate", "--lora", "me", *wish)
    assert done.returncode == 2
    assert answer in done.stderr


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = main("--data", str(tmp_path), "check", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "does not exist" in " ".join(done.stderr.replace("│", " ").split())


def test_a_data_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    taken = tmp_path / "taken"
    taken.touch()
    done = main("--data", str(taken), "check", str(tmp_path / "photos"))
    assert done.returncode == 2
    assert done.stderr == (
        f"headshot-bot: the data folder {taken} cannot be used: Not a directory; "
        "choose another with --data DIR or HEADSHOT_DATA_DIR\n"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EROFS, "Read-only file system", "out"), "out: Read-only file system"),
        (OSError(errno.EISDIR, "Is a directory", "a.jpg"), "a.jpg: Is a directory"),
        (OperationalError("", {}, Exception("disk full")), "the database: disk full"),
        (OSError(errno.EBADF, "Bad file descriptor", "x"), ""),
        (KeyError("x"), ""),
    ],
)
def test_what_a_person_can_mend_is_a_sentence_and_a_fault_of_ours_is_not(
    error: Exception, said: str
) -> None:
    assert said in (sentence(error) or "")
    assert (sentence(error) is None) == (not said)
