"""The catalogues: nothing missing, nothing unused, the same facts in every language."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import bot.conversation
from bot.conversation.commands import COMMANDS, HIDDEN_COMMANDS
from bot.conversation.languages.catalogue import Plural
from bot.conversation.phrases import FALLBACK, LANGUAGES, NAMES, language_of, phrase
from bot.conversation.verdicts import PROBLEMS, SIDES
from bot.conversation.wardrobe import BACKGROUNDS, COLOURS, GARMENTS
from engine.contract import styles
from engine.contract.events import Flaw
from engine.contract.failures import FAILURE_FACTS, FailureCode
from engine.contract.photos import REASON_FACTS, Missing, ReasonCode

ENGLISH = LANGUAGES[FALLBACK]
KEY = re.compile(r"[a-z_]+(\.[a-z_]+)+")

OPTIONS = (
    "quality",
    "style",
    "count",
    "orientation",
    "background",
    "clothes",
    "model",
    "language",
    "action",
    "person",
    "headshots",
    "trainings",
    "rename",
)
FAMILIES: dict[str, tuple[str, ...]] = {
    "background.": tuple(BACKGROUNDS),
    "garment.": tuple(GARMENTS),
    "colour.": tuple(COLOURS),
    "category.": tuple({s.category.replace(" ", "_") for s in styles.load().values()}),
    "reason.": tuple(ReasonCode),
    "failure.": tuple(FailureCode),
    "missing.": tuple(Missing),
    "command.": (*COMMANDS, *HIDDEN_COMMANDS),
    "problem.": PROBLEMS,
    "side.": SIDES,
    "access.": ("banned", "not_invited"),
    "slash.": (*COMMANDS, "admin", "train_with"),
    "option_name.": ("photo", *OPTIONS),
    "option.": ("photo", *OPTIONS),
    "quality.": ("fast", "standard", "best"),
    "aspect.": ("portrait", "square"),
    "admin_do.": ("stats", "pause", "resume", "ban", "allow", "quota"),
    "form.": ("title", "hint", "photos", "rename", "name", "not_yours", "fault"),
    "upload.": ("too_large", "not_an_image", "download_failed"),
    "phase.": (
        "preparing",
        "loading",
        "encoding",
        "training",
        "previewing",
        "saving",
        "generating",
    ),
    "order.": ("training", "headshots", "training_unnamed", "headshots_unnamed"),
    "headshots.short.": tuple(Flaw),
    "cancelled.": ("training", "headshots"),
    "failed.": ("training", "headshots"),
    "model.": ("training", "ready", "failed"),
    "time.": ("minutes", "minutes_range", "hours", "hours_range"),
    "button.": ("train", "headshot", "styles", "status", "models", "privacy", "help"),
    "privacy.": ("photos_kept_until_asked", "headshots_kept_until_asked"),
}
"""Keys that are put together from a code; all others stand in the source as they are."""


def forms(template: str | Plural) -> tuple[str, ...]:
    return (template.one, template.other) if isinstance(template, Plural) else (template,)


def facts(template: str | Plural) -> set[str]:
    return {name for form in forms(template) for _, name, _, _ in Formatter().parse(form) if name}


def keys_in_source() -> set[str]:
    sources = Path(next(iter(bot.conversation.__path__))).glob("*.py")
    return {
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and KEY.fullmatch(node.value)
    }


def keys_of_families() -> set[str]:
    return {family + code for family, codes in FAMILIES.items() for code in codes}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_lacks_a_phrase_or_has_one_too_many(language: str) -> None:
    assert LANGUAGES[language].keys() == ENGLISH.keys()
    assert language in NAMES


@pytest.mark.parametrize("key", ENGLISH)
def test_every_language_tells_the_same_facts(key: str) -> None:
    for catalogue in LANGUAGES.values():
        assert facts(catalogue[key]) == facts(ENGLISH[key]), key
        assert isinstance(catalogue[key], Plural) == isinstance(ENGLISH[key], Plural)


def test_every_code_has_its_phrase() -> None:
    assert keys_of_families() - ENGLISH.keys() == set()


def test_no_phrase_is_unused() -> None:
    assert ENGLISH.keys() - keys_in_source() - keys_of_families() == set()


@pytest.mark.parametrize("code", ReasonCode)
def test_reasons_use_only_facts_that_come_with_them(code: ReasonCode) -> None:
    known = REASON_FACTS[code] | {"number", "side", "limit", "problem"}

    assert facts(ENGLISH[f"reason.{code}"]) <= known


@pytest.mark.parametrize("code", FailureCode)
def test_failures_use_only_facts_that_come_with_them(code: FailureCode) -> None:
    known = {fact.replace("_mib", "_gb") for fact in FAILURE_FACTS[code]}

    assert facts(ENGLISH[f"failure.{code}"]) <= known


@pytest.mark.parametrize("language", LANGUAGES)
def test_phrases_are_clean(language: str) -> None:
    for key, template in LANGUAGES[language].items():
        for form in forms(template):
            assert form.strip() == form or key == "list.or", key
            assert "  " not in form, key
            assert not re.search(r" [.,;:!?](\s|$)", form), key
            if key.startswith("button."):
                assert len(form) <= 24, key
            if key.startswith("command."):
                assert len(form) <= 100, key


def test_german_says_du() -> None:
    for key, template in LANGUAGES["de"].items():
        for form in forms(template):
            assert not re.search(r"\b(Sie|Ihnen|Ihre?[nmrs]?)\b", form), key


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de", "de"), ("de-CH", "de"), ("DE_at", "de"), ("en-GB", "en"), ("fr", "en"), ("", "en")],
)
def test_the_language_of_a_locale(locale: str, language: str) -> None:
    assert language_of(locale) == language


def test_one_and_many() -> None:
    assert phrase("en", "kept.photos", n=1) == "1 photo"
    assert phrase("de", "kept.photos", n=2) == "2 Fotos"


def test_what_people_typed_is_never_taken_for_a_template() -> None:
    assert phrase("en", "rename.done", name="{0.__class__} {name}").endswith(
        "“{0.__class__} {name}” now."
    )
