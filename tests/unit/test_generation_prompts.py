"""Prompts: the style's words around the person, clothes by seed, wishes taken as text."""

import pytest

from engine.contract import styles
from engine.contract.styles import Style
from engine.generation import prompts

LINKEDIN = styles.load()["linkedin"]


def test_the_subject_and_clothes_are_put_into_the_style() -> None:
    prompt = prompts.build(LINKEDIN, "TOK", "woman", seed=1)

    assert "TOK woman" in prompt
    assert any(clothes in prompt for clothes in LINKEDIN.clothes)
    assert "{" not in prompt


def test_every_variant_of_clothes_comes_up_and_a_seed_keeps_its_own() -> None:
    drawn = [prompts.build(LINKEDIN, "TOK", "person", seed) for seed in range(60)]

    assert len(set(drawn)) == len(LINKEDIN.clothes)
    assert drawn == [prompts.build(LINKEDIN, "TOK", "person", seed) for seed in range(60)]


@pytest.mark.parametrize(
    ("wish", "prompt"),
    [
        ("on the moon", "photo of TOK man, on the moon"),
        ("a statue of {subject}", "a statue of TOK man"),
        ("TOK man as a pilot", "TOK man as a pilot"),
        ("in {clothes}", "photo of TOK man, in a kilt"),
        ("{0} {x!r} {subject.__class__}", "photo of TOK man, {0} {x!r} {subject.__class__}"),
        ("  ", "a photo of TOK man wearing a kilt, natural skin texture"),
        (None, "a photo of TOK man wearing a kilt, natural skin texture"),
    ],
)
def test_a_wish_stands_instead_of_the_style(wish: str | None, prompt: str) -> None:
    style = Style(
        name="s",
        title="S",
        category="c",
        description="d",
        prompt="a photo of {subject} wearing {clothes}",
        clothes=("a kilt",),
    )

    assert prompts.build(style, "TOK", "man", 0, wish) == prompt


@pytest.mark.parametrize(
    ("changes", "prompt"),
    [
        ({}, "photo of TOK man in a kilt, a moor, mist, close-up, natural skin texture"),
        ({"skin": ""}, "photo of TOK man in a kilt, a moor, mist, close-up"),
        (
            {"prompt": "{light}, {subject} in {clothes}, {background} behind"},
            "mist, TOK man in a kilt, a moor behind, close-up, natural skin texture",
        ),
        (
            {"prompt": "{subject} in {clothes} on a moor, natural skin texture"},
            "TOK man in a kilt on a moor, natural skin texture, mist, close-up",
        ),
        (
            {"clothes": ("{light} and {subject}",)},
            "photo of TOK man in {light} and {subject}, a moor, mist, close-up, "
            "natural skin texture",
        ),
    ],
)
def test_a_styles_parts_come_where_it_says_or_at_the_end(changes, prompt: str) -> None:
    style = Style(
        name="s",
        title="S",
        category="c",
        description="d",
        prompt="photo of {subject} in {clothes}",
        clothes=("a kilt",),
        background="a moor",
        light="mist",
        framing="close-up",
    )

    assert prompts.build(style.model_copy(update=changes), "TOK", "man", 0) == prompt


def test_each_picture_has_a_seed_that_brings_it_back() -> None:
    seeds = prompts.seeds(77, 4)

    assert seeds[0] == 77
    assert len(set(seeds)) == 4
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert prompts.seeds(seeds[2], 1) == (seeds[2],)
    assert prompts.seeds(77, 8)[:4] == seeds
