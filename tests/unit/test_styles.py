"""Styles: ours are sound, and a mistake in an admin's file is named where it is."""

import pytest

from engine.contract import styles
from engine.contract.styles import StylesError

GOOD = """
[plain]
title = "Plain"
category = "studio"
description = "Nothing much"
prompt = "a photo of {subject} wearing {clothes}"
clothes = ["a shirt"]
"""
IDENTITY_WORDS = ("man", "woman", "young", "old", "hair", "skin tone", "bearded", "beautiful")


def test_linkedin_comes_first_among_many_styles() -> None:
    catalogue = styles.load()

    assert next(iter(catalogue)) == "linkedin"
    assert len(catalogue) >= 24
    assert len({style.category for style in catalogue.values()}) >= 10


def test_our_styles_leave_who_it_is_to_the_lora() -> None:
    for style in styles.load().values():
        said = " ".join([style.prompt, *style.clothes]).split()
        assert not [word for word in IDENTITY_WORDS if word in said], style.name


def test_our_styles_offer_clothes_and_fit_into_short_texts() -> None:
    for style in styles.load().values():
        assert len(style.clothes) >= 2, style.name
        assert len(style.prompt.split()) <= 30, style.name


def test_our_titles_and_descriptions_are_told_apart() -> None:
    catalogue = styles.load().values()

    assert len({style.title for style in catalogue}) == len(catalogue)
    assert len({style.description for style in catalogue}) == len(catalogue)


def test_an_admins_file_adds_and_replaces(tmp_path) -> None:
    file = tmp_path / "my-styles.toml"
    file.write_text(GOOD + GOOD.replace("[plain]", "[linkedin]").replace("Plain", "Ours"))

    catalogue = styles.load(file)

    assert catalogue["plain"].clothes == ("a shirt",)
    assert catalogue["linkedin"].title == "Ours"
    assert list(catalogue)[-1] == "plain"
    assert styles.load()["linkedin"].title == "LinkedIn"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "my.toml: not valid TOML"),
        ("a = 1", "my.toml: 'a' must be a table, like [a]"),
        (GOOD.replace("title", "titel"), "style 'plain', field 'titel': there is no such field; "
         "did you mean 'title'?"),
        (GOOD + "zzz = 1", "field 'zzz': there is no such field; known are title, category"),
        (GOOD.replace('title = "Plain"', ""), "style 'plain', field 'title': it is missing"),
        (GOOD.replace("[plain]", "['My Style']"), "style 'My Style', field 'name': names are made"),
        (GOOD.replace("{subject}", "her"), "field 'prompt': it must contain {subject}"),
        (GOOD.replace("{clothes}", "a suit"), "field 'prompt': it must contain {clothes}"),
        (GOOD.replace("a photo", "a {mood} photo"), "field 'prompt': {mood} is no placeholder"),
        (GOOD.replace('["a shirt"]', '"a shirt"'), "field 'clothes': it must be a list"),
        (GOOD + "guidance = 50", "field 'guidance': Input should be less than or equal to 10"),
        (GOOD + 'aspect = "round"', "field 'aspect': Input should be 'square' or 'portrait'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_style_field_and_reason(text: str, message: str) -> None:
    with pytest.raises(StylesError) as error:
        styles.parse(text, "my.toml")

    assert message in str(error.value)
    assert str(error.value).startswith("my.toml: ")


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(StylesError, match=r"none\.toml: cannot be read"):
        styles.load(tmp_path / "none.toml")
