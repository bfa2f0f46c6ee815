"""What doctor says about a card's memory, and what the probe finds without a card."""

from pathlib import Path
from typing import Any

import pytest

from bot.commands.doctor import _captioner, _memory
from engine.models import captioner_choice, catalogue
from engine.models import probe as probing
from engine.models.folder import CAPTIONER
from engine.models.probe import probe

PLAN = {"tier": "24", "kind": "frugal", "precision": "fp8", "streamed_share": 0.0}


def test_the_layout_is_said_with_its_reason() -> None:
    assert _memory("auto", PLAN).found == (
        "laid out for 24 GB for what is free: blocks are computed again for their gradients, "
        "weights in fp8"
    )
    asked_for = _memory("12", PLAN | {"tier": "12", "kind": "streamed", "streamed_share": 0.4})
    assert "12 GB as HEADSHOT_ENGINE__MEMORY asks" in asked_for.found
    assert asked_for.found.endswith("40% of the blocks outside the card")


def test_a_card_that_is_too_small_is_told_what_it_lacks() -> None:
    finding = _memory("auto", {"needed_mib": 7168})
    assert (finding.state, finding.found) == ("missing", "the smallest layout needs 7.0 GiB")
    assert finding.remedy


def test_who_looks_at_photos_is_told_and_what_it_takes() -> None:
    florence = {"name": "florence-community/Florence-2-base", "is_here": False}
    assert _captioner("auto", florence | {"is_here": True}).state == "good"
    to_come = _captioner("auto", florence)
    assert (to_come.state, "downloaded when the engine" in to_come.found) == ("advice", True)
    named = _captioner("my/captioner", {"name": "my/captioner", "is_here": False})
    assert named.found == "my/captioner, not on this machine"
    assert named.remedy
    assert _captioner("off", None).state == "good"


@pytest.mark.parametrize("base", ["demo", "black-forest-labs/FLUX.1-dev"])
def test_the_probe_downloads_nothing(base: str) -> None:
    found = probe(base, "auto")
    assert found["cached"] is (None if base == "demo" else False)
    assert "memory" not in found or found["gpus"]
    assert ("captioner" in found) == ("memory" in found)


def test_the_probe_knows_who_would_look_at_photos(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def looks(base: str, wish: str) -> dict[str, Any] | None:
        folder = catalogue.find(base)
        native_px = catalogue.facts(base, folder).native_px
        return probing._captioner(wish, native_px, folder / CAPTIONER)

    assert looks("demo", "auto") == {"name": captioner_choice.OWN, "is_here": True}
    assert looks("demo", "off") is None
    assert looks(str(tiny_base), "auto") is None
    named = captioner_choice.DEFAULT
    assert looks(str(tiny_base), named) == {"name": named, "is_here": False}
