"""The program as a person runs it, from photos to headshots, on a tiny base that draws noise."""

import json
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

import pytest
from PIL import Image

SAMPLES = Path(__file__).parents[2] / "engine" / "demo" / "samples"
*GOOD, MORE = sorted((SAMPLES / "good").glob("*.jpg"))[:5]


@pytest.fixture(scope="module")
def base(tiny_base: Path) -> Path:
    return tiny_base


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four good ones, one of them twice, and files that are none."""
    folder = tmp_path_factory.mktemp("photos")
    for file in GOOD:
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "z-again.jpg").write_bytes(GOOD[0].read_bytes())
    (folder / "z-notes.jpg").write_text("no picture")
    (folder / ".hidden.jpg").write_text("not to be seen")
    return folder


@pytest.fixture(scope="module")
def served(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with an engine at work, which commands use instead of one of their own."""
    data_dir = tmp_path_factory.mktemp("data")
    command = [sys.executable, "-m", "bot", "--data", str(data_dir), "engine"]
    with subprocess.Popen(
        command, env=environment(base), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as engine:
        yield data_dir
        engine.terminate()


def environment(base: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if "HEADSHOT" not in name},
        "HEADSHOT_ENGINE__BASE": str(base),
        "HEADSHOT_ENGINE__STEPS": "4",
        "HEADSHOT_PHOTOS__MIN_PHOTOS": "3",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "OMP_NUM_THREADS": "1",
    }


def program(
    *arguments: str | Path, base: Path, cwd: Path, typed: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *map(str, arguments)],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        env=environment(base) | settings,
        cwd=cwd,
    )


def test_check_tells_a_script_about_every_photo(
    base: Path, photos: Path, served: Path, tmp_path: Path
) -> None:
    done = program("--data", served, "check", photos, "--json", base=base, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"photos", "coverage", "missing"}
    names = [photo["file"] for photo in told["photos"]]
    assert names == [*(file.name for file in GOOD), "z-again.jpg", "z-notes.jpg"]
    assert [photo["accepted"] for photo in told["photos"]] == [True] * 4 + [False] * 2
    assert told["photos"][0]["reasons"] == []
    assert told["photos"][4]["reasons"] == [{"code": "duplicate", "of": 1}]
    assert told["photos"][5]["reasons"] == [{"code": "unreadable", "problem": "not_an_image"}]
    assert told["coverage"]["num_accepted"] == 4
    assert "more_photos" not in told["missing"]
    assert not list((served / "blobs" / "people").iterdir()), "nothing of the photos stays"


def test_check_of_too_few_photos_says_no(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    done = program("--data", tmp_path, "check", folder, "--json", base=base, cwd=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)["photos"] == []
    assert "more_photos" in json.loads(done.stdout)["missing"]


@pytest.mark.timeout(300)
def test_train_generate_and_chat_share_the_models(
    base: Path, photos: Path, served: Path, tmp_path: Path
) -> None:
    data = ("--data", served)
    wish = ("train", photos, "--name", "Ada", "--out", "lora", "--json")
    trained = program(*data, *wish, base=base, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    told = json.loads(trained.stdout)
    assert (told["name"], told["num_photos"], told["num_steps"]) == ("Ada", 4, 4)
    assert (tmp_path / "lora" / "lora.safetensors").stat().st_size > 1000

    again = program(*data, "train", photos, "--name", "ada", base=base, cwd=tmp_path)
    assert again.returncode == 2
    assert "there is a model named 'ada' already" in again.stderr

    wish = ("generate", "--lora", "lora/lora.safetensors", "--style", "founder", "--count", "1")
    made = program(*data, *wish, "--seed", "7", "--json", base=base, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    (shot,) = json.loads(made.stdout)["headshots"]
    assert (shot["file"], shot["seed"]) == ("headshots/founder-7.jpg", 7)
    with Image.open(tmp_path / shot["file"]) as picture:
        assert picture.format == "JPEG"

    talk = program(*data, "chat", typed="/models\n/headshot founder 1\n", base=base, cwd=tmp_path)
    assert talk.returncode == 0, talk.stderr
    assert "Ada" in talk.stdout
    assert "Your headshot · Founder" in talk.stdout
    assert "ready!" not in talk.stdout, "what commands were told is not told again"

    typed = f"/models Ada\nretrain\n{MORE}\nstart\n"
    talk = program(*data, "chat", typed=typed, base=base, cwd=tmp_path)
    assert "These photos are for “Ada”" in talk.stdout, talk.stderr
    assert "“Ada 2” is ready!" in talk.stdout
    found = served.glob("blobs/people/*/loras/*/manifest.json")
    manifests = {told["job_id"]: told for told in (json.loads(path.read_text()) for path in found)}
    (later,) = [told for told in manifests.values() if told["went_on_from"]]
    earlier = manifests[later["went_on_from"]]
    assert set(later["photos_sha256"]) > set(earlier["photos_sha256"])


def test_examples_of_styles_are_drawn_once_and_shown(
    base: Path, served: Path, tmp_path: Path
) -> None:
    wish = ("styles", "preview", "--styles", "linkedin,park", "--out", "gallery", "--json")
    drawn = program("--data", served, *wish, base=base, cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    told = json.loads(drawn.stdout)
    assert list(told["styles"]) == ["linkedin", "park"]
    picture = Path(told["styles"]["park"][0])
    assert picture.read_bytes()[:2] == b"\xff\xd8"
    assert Path(told["page"]).read_text().count("<img") == 2
    first_drawn = picture.stat().st_mtime_ns

    again = program("--data", served, *wish, base=base, cwd=tmp_path)
    assert json.loads(again.stdout) == told
    assert picture.stat().st_mtime_ns == first_drawn

    talk = program("--data", served, "chat", typed="/styles\n", base=base, cwd=tmp_path)
    assert "headshots/linkedin.jpg   LinkedIn" in talk.stdout
    with Image.open(tmp_path / "headshots" / "park.jpg") as shown:
        assert shown.format == "JPEG"


def test_at_a_keyboard(base: Path, served: Path, tmp_path: Path) -> None:
    """Typing, Tab, a choice by its number, and Ctrl-D, in a terminal that is left as it was."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    command = [sys.executable, "-m", "bot", "--data", str(served), "chat"]
    with (
        os.fdopen(master, "r+b", buffering=0) as screen,
        subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment(base), cwd=tmp_path
        ) as chat,
    ):
        for typed, shown in (
            (b"/he\tl\t\r", "What I can do"),
            (b"/styles\r", "Pick a category"),
            (b"1\r", "Press a style, and I make it."),
            (b"\x04", "Good-bye!"),
        ):
            screen.write(typed)
            _read_until(screen, shown)
        assert chat.wait(timeout=20) == 0
        assert termios.tcgetattr(slave)[3] == before[3]
        os.close(slave)


def _read_until(screen: RawIOBase, shown: str) -> None:
    read = b""
    while shown not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read.decode(errors="ignore")):
        read += screen.read(4096) or b""


def test_the_demo_plays_the_whole_job(base: Path, photos: Path, tmp_path: Path) -> None:
    done = program("demo", "--photos", photos, "--out", "out", base=base, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    out = tmp_path / "out"
    for name in (*(f"headshot-{n}.jpg" for n in range(1, 5)), "contact-sheet.jpg"):
        with Image.open(out / name) as picture:
            picture.load()
    assert (out / "lora.safetensors").stat().st_size > 1000
    assert json.loads((out / "lora.json").read_text())["trigger"]
    for line in ("✓ Photo 1 is good", "✗ Photo", "Training “Me”", "Try next:"):
        assert line in done.stdout


def test_a_demo_that_cannot_be_played_says_why(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_text("no picture")
    wish = ("demo", "--photos", folder, "--out", "out")
    done = program(*wish, base=base, cwd=tmp_path, HEADSHOT_ENGINE__ROLES="photos")
    assert done.returncode == 2
    assert "only 0 of 1 photos are good enough" in " ".join(done.stdout.split())
    assert "out/.data/logs" in done.stdout
    assert not (tmp_path / "out" / "headshot-1.jpg").exists()
