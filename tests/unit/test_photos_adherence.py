"""What a picture lacks of what was asked for, as far as two texts can tell."""

import pytest

from engine.contract import styles
from engine.demo.people import sentences
from engine.generation import prompts
from engine.photos.adherence import CLOTHES_COST, COLOUR_COST, PLACE_COST, missing

SUIT = "headshot of TOK person wearing a navy suit, gray studio background, soft studio light"
PARK = "photo of TOK person wearing a white t-shirt, smiling, leafy park background, daylight"
COAT = "headshot of TOK person wearing a doctor's white coat, laboratory background"


@pytest.mark.parametrize(
    ("prompt", "seen", "cost"),
    [
        (SUIT, "a person in a navy suit, a tie, smiling, before a grey background", 0.0),
        (SUIT, "a person in a navy suit, glasses, before a kitchen", PLACE_COST),
        (SUIT, "a person in a navy suit, before a blue background", PLACE_COST),
        (SUIT, "a person in a red suit, before a grey background", COLOUR_COST),
        (SUIT, "a person in a navy hoodie, before a grey background", CLOTHES_COST),
        (PARK, "a person in a white tee, before green trees", 0.0),
        (PARK, "a person in a blue polo, before buildings",
         PLACE_COST + CLOTHES_COST + COLOUR_COST),
        (COAT, "a person in a white lab coat, before a laboratory", 0.0),
        ("headshot of TOK person in a charcoal blazer, office background",
         "a woman wearing a charcoal suit stands in a modern office", 0.0),
        ("headshot of TOK person wearing a tie", "a man with glasses", 0.0),
    ],
)  # fmt: skip
def test_place_clothes_and_colour_are_compared(prompt: str, seen: str, cost: float) -> None:
    assert missing(prompt, seen) == pytest.approx(cost)


@pytest.mark.parametrize("seen", ["", "a person", "BBBB", "日本語 😀"])
def test_who_sees_nothing_finds_nothing_missing(seen: str) -> None:
    assert missing(SUIT, seen) == missing(PARK, seen) == 0.0
    assert missing(seen, SUIT) == 0.0


def test_each_place_is_itself_and_no_other() -> None:
    places = [f"a person in a grey suit, before {place}" for place in sentences.PLACES.values()]
    for asked in places:
        lacking = [seen for seen in places if missing(asked, seen) == 0.0]
        assert asked in lacking
        assert len(lacking) <= 2, f"{asked}: {lacking}"  # a city is a city by day and at dusk


def test_any_style_can_be_compared_with_any_sentence() -> None:
    for style in styles.load().values():
        for seed in range(len(style.clothes)):
            prompt = prompts.build(style, "TOK", "person", seed)
            assert missing(prompt, prompt) == 0.0
