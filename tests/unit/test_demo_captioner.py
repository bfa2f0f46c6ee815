"""What varies between pictures of a drawn person, said so that captions pick it up."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.demo.people import sentences
from engine.demo.people.identity import Identity
from engine.demo.people.renderer import draw
from engine.demo.people.view import View
from engine.demo.people.vocabulary import BACKGROUNDS, CLOTH_COLOURS, CLOTHES, EXPRESSIONS
from engine.demo.recipe import command
from engine.models import catalogue
from engine.models.captioner import Captioner
from engine.models.folder import CAPTIONER
from engine.photos import descriptions
from engine.photos.descriptions import Seen

pytestmark = pytest.mark.timeout(60)
SOMEBODY = Identity.from_seed(3)
PLAIN = replace(View.sample(3, kind="selfie"), glasses=False)
FIRST_SEED, COUNT = 600, 10
"""People whom nothing was trained on."""
SEEN_PX = 192
"""As large as the captioner sees any picture."""


def said(view: View) -> Seen:
    return descriptions.see(sentences.describe(SOMEBODY, view))


@pytest.mark.parametrize("clothes", CLOTHES)
def test_clothes_are_picked_up_with_their_colour(clothes: str) -> None:
    for colour in CLOTH_COLOURS:
        seen = said(replace(PLAIN, clothes=clothes, cloth_colour=colour))

        worn = "white" if clothes == "lab coat" else colour
        assert len(seen.clothes) == (2 if clothes == "suit with tie" else 1)
        assert seen.clothes[0].startswith(f"{worn} ")


def test_glasses_are_said_where_they_are_worn() -> None:
    assert "glasses" in said(replace(PLAIN, glasses=True)).clothes
    assert "glasses" not in said(PLAIN).clothes


def test_every_place_and_expression_has_words_of_its_own() -> None:
    places = [said(replace(PLAIN, background=name)) for name in BACKGROUNDS]
    moods = [said(replace(PLAIN, expression=name)).expression for name in EXPRESSIONS]

    assert len({seen.places + seen.backdrop for seen in places}) == len(BACKGROUNDS)
    assert all(len(seen.places + seen.backdrop) == 1 for seen in places)
    assert len(set(moods)) == len(EXPRESSIONS)


def test_nothing_is_said_of_the_person() -> None:
    views = [View.sample(number, kind="any") for number in range(40)]
    for view in (replace(view, glasses=False) for view in views):
        assert len({sentences.describe(Identity.from_seed(s), view) for s in range(20)}) == 1


def test_the_packaged_captioner_sees_people_it_was_not_trained_on() -> None:
    loaded = Captioner(catalogue.demo_folder() / CAPTIONER, torch.device("cpu"), torch.float32)
    pairs = [
        (Identity.from_seed(FIRST_SEED + n), View.sample(n, kind="selfie")) for n in range(COUNT)
    ]
    pictures = [
        Image.fromarray(drawn.permute(1, 2, 0).cpu().numpy())
        for pair in pairs
        for drawn in draw([pair], SEEN_PX, "cpu")
    ]
    seen = [descriptions.see(text) for text in loaded.describe(pictures)]
    true = [descriptions.see(sentences.describe(*pair)) for pair in pairs]

    def share(what) -> float:
        return sum(what(a) == what(b) for a, b in zip(seen, true, strict=True)) / COUNT

    assert share(lambda one: one.places + one.backdrop) >= 0.9
    assert share(lambda one: "glasses" in one.clothes) >= 0.9
    assert share(lambda one: one.clothes[0].split()[0]) >= 0.8


def test_it_can_be_made_again_alone(tmp_path: Path) -> None:
    command.main([
        "--smoke", "--stand-ins", "--device", "cpu", "--only", "captioner", "--out", str(tmp_path),
    ])  # fmt: skip

    loaded = Captioner(tmp_path / "model" / CAPTIONER, torch.device("cpu"), torch.float32)
    assert len(loaded.describe([Image.new("RGB", (90, 70))])) == 1
