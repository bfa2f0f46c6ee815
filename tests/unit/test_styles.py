"""Styles: ours are sound, and a mistake in an admin's file is named where it is."""

import re
from pathlib import Path

import pytest

from engine.contract import styles
from engine.contract.styles import PARTS, StylesError

GOOD = """
[plain]
title = "Plain"
category = "studio"
description = "Nothing much"
prompt = "a photo of {subject} wearing {clothes}"
clothes = ["a shirt"]
"""
IDENTITY_WORDS = {"man", "woman", "young", "old", "hair", "tone", "bearded", "beautiful", "dress"}
CATEGORIES = {
    "business", "legal", "founder", "studio", "black and white", "speaker", "academic", "medical",
    "outdoor", "creative", "actor", "dating", "festive",
}  # fmt: skip


def test_linkedin_comes_first_among_many_styles() -> None:
    catalogue = styles.load()

    assert next(iter(catalogue)) == "linkedin"
    assert len(catalogue) >= 40
    assert {style.category for style in catalogue.values()} >= CATEGORIES


def test_our_styles_leave_who_it_is_to_the_lora() -> None:
    for style in styles.load().values():
        said = " ".join([style.prompt, style.background, *style.clothes])
        assert not IDENTITY_WORDS & set(re.findall(r"[a-z]+", said)), style.name


def test_our_styles_say_everything_once_and_in_few_words() -> None:
    for style in styles.load().values():
        parts = [getattr(style, part) for part in PARTS]
        assert all(parts), style.name
        assert not [part for part in parts if part in style.prompt], style.name
        assert len(style.clothes) >= 2, style.name
        assert len(set(style.clothes)) == len(style.clothes), style.name
        assert len(" ".join([style.prompt, *parts]).split()) <= 30, style.name


def test_our_styles_are_told_apart_in_every_language() -> None:
    catalogue = styles.load().values()

    for language in ("en", "de"):
        words = [style.words(language) for style in catalogue]
        assert len({word.title for word in words}) == len(words)
        assert len({word.description for word in words}) == len(words)
    assert all("de" in style.translations for style in catalogue)


def test_words_in_a_language_without_translation_are_english() -> None:
    style = styles.load()["studio-white"]

    assert style.words("de").title == "Studio Weiß"
    assert style.words("fr").title == style.words("en").title == "White studio"


def test_our_pictures_keep_natural_skin() -> None:
    for style in styles.load().values():
        assert style.skin == "natural skin texture"
        assert style.guidance <= 3


def test_an_admins_file_adds_and_replaces(tmp_path) -> None:
    file = tmp_path / "my-styles.toml"
    file.write_text(GOOD + GOOD.replace("[plain]", "[linkedin]").replace("Plain", "Ours"))

    catalogue = styles.load(file)

    assert catalogue["plain"].clothes == ("a shirt",)
    assert catalogue["linkedin"].title == "Ours"
    studio = [name for name, style in catalogue.items() if style.category == "studio"]
    assert studio[-1] == "plain"
    assert list(catalogue).index("plain") == list(catalogue).index("studio-dark") + 1
    assert styles.load()["linkedin"].title == "LinkedIn"


def test_an_admins_file_says_only_what_is_different(tmp_path) -> None:
    file = tmp_path / "my-styles.toml"
    file.write_text('[linkedin]\nclothes = ["a green company shirt"]\n[park]\ntitle = "Our park"\n')
    ours, changed = styles.load(), styles.load(file)

    assert changed["linkedin"].clothes == ("a green company shirt",)
    assert changed["linkedin"].prompt == ours["linkedin"].prompt
    assert changed["linkedin"].words("de") == ours["linkedin"].words("de")
    assert changed["park"].words("de").title == "Our park"
    assert list(changed) == list(ours)


def test_a_file_from_another_editor_is_read(tmp_path) -> None:
    file = tmp_path / "my-styles.toml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

    assert styles.load(file)["plain"].title == "Plain"


def test_an_admin_takes_styles_out(tmp_path) -> None:
    file = tmp_path / "my-styles.toml"
    file.write_text("[beach]\nhidden = true\n")
    assert "beach" not in styles.load(file)

    file.write_text("".join(f"[{name}]\nhidden = true\n" for name in styles.load()))
    with pytest.raises(StylesError, match="hides every style"):
        styles.load(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "my.toml: not valid TOML"),
        ("a = 1", "my.toml: 'a' must be a table, like [a]"),
        (GOOD.replace("title", "titel"), "style 'plain', field 'titel': there is no such field; "
         "did you mean 'title'?"),
        (GOOD + "zzz = 1", "field 'zzz': there is no such field; known are title, category"),
        (GOOD.replace('title = "Plain"', ""), "style 'plain', field 'title': it is missing"),
        ("[styles.plain]\ntitle = 'Plain'", "style 'styles', field 'plain': there is "
         "no such field; a style's table is written [plain]"),
        ("[linkdin]\nguidance = 3", "style 'linkdin', field 'title': it is missing; "
         "or did you mean to change 'linkedin'?"),
        (GOOD.replace("[plain]", "['My Style!']"), "style 'My Style!', field 'name': names are "
         "made of a-z, 0-9 and '-', at most 32; 'my-style' would do"),
        (GOOD.replace("{subject}", "her"), "field 'prompt': it must contain {subject}"),
        (GOOD.replace("{clothes}", "a suit"), "field 'prompt': it must contain {clothes}"),
        (GOOD.replace("a photo", "a {mood} photo"), "field 'prompt': {mood} is no placeholder"),
        (GOOD.replace("a photo", "a {lights} photo"), "did you mean {light}?"),
        (GOOD.replace("a photo", "a {light} photo"), "a place for {light}, and 'light' is empty"),
        (GOOD.replace('["a shirt"]', '"a shirt"'), "field 'clothes': it must be a list"),
        (GOOD.replace('["a shirt"]', '["a shirt", ""]'), "field 'clothes.1': String should have"),
        (GOOD + "guidance = 50", "field 'guidance': Input should be less than or equal to 10"),
        (GOOD + 'aspect = "potrait"', "field 'aspect': Input should be 'square' or 'portrait', "
         "not 'potrait'; did you mean 'portrait'?"),
        (GOOD + 'translations.de = { title = "A" }', "field 'translations.de.description': it is"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_style_field_and_reason(text: str, message: str) -> None:
    with pytest.raises(StylesError) as error:
        styles.parse(text, "my.toml", styles.load())

    assert message in str(error.value)
    assert str(error.value).startswith("my.toml: ")


def test_every_style_with_a_mistake_is_named_at_once() -> None:
    text = GOOD + "guidance = 50\n" + GOOD.replace("plain", "second").replace("title", "titel")

    with pytest.raises(StylesError) as error:
        styles.parse(text, "my.toml")

    first, second = str(error.value).splitlines()
    assert "style 'plain', field 'guidance'" in first
    assert "style 'second', field 'titel'" in second


def test_two_styles_of_one_title_are_refused(tmp_path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(GOOD.replace("Plain", "linkedIn"))
    with pytest.raises(StylesError, match="'linkedIn' is the title of 'linkedin' already"):
        styles.load(file)

    file.write_text("[linkedin]\nhidden = true\n" + GOOD.replace("Plain", "LinkedIn"))
    assert styles.load(file)["plain"].title == "LinkedIn"


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(StylesError, match=r"none\.toml: cannot be read"):
        styles.load(tmp_path / "none.toml")


def test_the_example_in_the_docs_can_be_used(tmp_path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "styles.md").read_text(encoding="utf-8")
    file = tmp_path / "styles.toml"
    file.write_text(docs.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")

    catalogue = styles.load(file)

    assert catalogue["acme"].words("de").title == "ACME-Team"
    assert len(catalogue["linkedin"].clothes) == 2
    assert "beach" not in catalogue
    assert f"There are {len(styles.load())} of them in " in docs
