"""The captioner: which one, where from, and what it says of a picture."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from tiny_captioner import build_tiny_captioner

from engine.models import captioner_choice
from engine.models.captioner import Captioner

NOWHERE = Path("no") / "captioner"
RED, BLUE = (Image.new("RGB", (90, 70), colour) for colour in ((200, 10, 10), (10, 10, 200)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_captioner(tmp_path_factory.mktemp("captioners") / "tiny-florence")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_a_picture_gets_the_same_words_alone_and_among_others(folder: Path) -> None:
    loaded = Captioner(folder, torch.device("cpu"), torch.float32)

    together = loaded.describe([RED, BLUE])

    assert len(together) == 2
    assert all(text and text == text.strip() for text in together)
    assert loaded.describe([RED])[0] == together[0]


def test_a_folder_is_taken_under_its_name(folder: Path) -> None:
    assert captioner_choice.choose(str(folder), 64, NOWHERE) == ("tiny-florence", folder)


@pytest.mark.parametrize(("wish", "native_px"), [("off", 1024), ("auto", 256)])
def test_none_where_none_is_wanted_or_of_use(wish: str, native_px: int) -> None:
    assert captioner_choice.choose(wish, native_px, NOWHERE) is None


@pytest.mark.parametrize("wish", ["auto", "no-such/repository", "nonsense", "./nowhere", "a/b/c"])
def test_what_is_not_to_be_had_is_done_without(
    wish: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captioner_choice.choose(wish, 1024, NOWHERE) is None
    assert "captioner_missing" in capsys.readouterr().out


def test_a_folder_without_a_model_is_none(tmp_path: Path) -> None:
    assert captioner_choice.choose(str(tmp_path), 1024, NOWHERE) is None


def test_a_base_s_own_captioner_comes_first_unless_another_is_named(
    folder: Path, tmp_path: Path
) -> None:
    own = build_tiny_captioner(tmp_path / "own")

    assert captioner_choice.choose("auto", 64, own) == (captioner_choice.OWN, own)
    assert captioner_choice.choose("auto", 1024, own) == (captioner_choice.OWN, own)
    assert captioner_choice.choose(str(folder), 64, own) == ("tiny-florence", folder)
    assert captioner_choice.choose("off", 64, own) is None
