"""What doctor says about a card's memory, and what the probe finds without a card."""

import pytest

from bot.commands.doctor import _memory
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


@pytest.mark.parametrize("base", ["demo", "black-forest-labs/FLUX.1-dev"])
def test_the_probe_downloads_nothing(base: str) -> None:
    found = probe(base, "auto")
    assert found["cached"] is (None if base == "demo" else False)
    assert "memory" not in found or found["gpus"]
