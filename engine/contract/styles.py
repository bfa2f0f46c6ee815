"""The catalogue of headshot styles: data for the bot's menus and for the engine's prompts.

Reads `styles.toml` beside it, and an admin's own file over it. Knows no model.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from engine.contract.base import Frozen

Aspect = Literal["square", "portrait"]
Title = Annotated[str, Field(min_length=1, max_length=40)]
Line = Annotated[str, Field(min_length=1, max_length=100, description="one line for menus")]
Phrase = Annotated[str, Field(max_length=160, description="a part of the prompt; may be empty")]
Garment = Annotated[str, Field(min_length=3, max_length=100)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]

PARTS = ("background", "light", "framing", "skin")
"""Fields that join the prompt where it names them, as in {light}, and else at its end."""
PLACEHOLDERS = ("subject", "clothes", *PARTS)


class Words(Frozen):
    """What menus say of a style in another language."""

    title: Title
    description: Line


class Style(Frozen):
    """One look. `prompt` says what surrounds the person; who they are comes from the LoRA."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    title: Title
    category: str = Field(min_length=1, max_length=24)
    description: Line
    prompt: str = Field(
        min_length=10, max_length=600, description="holds {subject} and {clothes}, see PLACEHOLDERS"
    )
    clothes: tuple[Garment, ...] = Field(min_length=1, description="variants that suit any person")
    background: Phrase = ""
    light: Phrase = ""
    framing: Phrase = ""
    skin: Phrase = "natural skin texture"
    aspect: Aspect = "portrait"
    guidance: float = Field(default=2.5, ge=1.0, le=10.0, description="high: smooth, like plastic")
    translations: dict[Language, Words] = Field(default={}, description="by language, such as de")
    hidden: bool = Field(default=False, description="an admin takes it out of the catalogue")

    def words(self, language: str) -> Words:
        """Title and description in a language, or in English."""
        own = Words(title=self.title, description=self.description)
        return self.translations.get(language, own)


class StylesError(ValueError):
    """A styles file that cannot be used: names the file, the style, the field and the reason.

    One line for each style with a mistake.
    """


def load(extra: Path | None = None) -> dict[str, Style]:
    """Our styles by name, category by category; those of `extra` added, changed or taken out."""
    ours = _packaged()
    own = {} if extra is None else parse(_read(extra), str(extra), ours)
    styles = {name: style for name, style in ({**ours, **own}).items() if not style.hidden}
    _refuse_same_titles(styles, own, str(extra))
    if not styles:
        raise StylesError(f"{extra}: it hides every style; leave at least one")
    categories = list(dict.fromkeys(style.category for style in styles.values()))
    in_order = sorted(styles.values(), key=lambda style: categories.index(style.category))
    return {style.name: style for style in in_order}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise StylesError(f"{path}: cannot be read: {error}") from error


@cache
def _packaged() -> dict[str, Style]:
    text = files("engine.contract").joinpath("styles.toml").read_text(encoding="utf-8")
    return parse(text, "styles.toml")


def parse(text: str, source: str, known: Mapping[str, Style] | None = None) -> dict[str, Style]:
    """Styles by name from TOML whose tables are named for the styles.

    A table named like a style of `known` need say only what is different.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StylesError(f"{source}: not valid TOML: {error}") from error
    styles: dict[str, Style] = {}
    mistakes: list[str] = []
    for name, table in tables.items():
        try:
            styles[name] = _style(name, table, known or {})
        except StylesError as mistake:
            mistakes.append(f"{source}: {mistake}")
    if mistakes:
        raise StylesError("\n".join(mistakes))
    return styles


def _style(name: str, table: object, known: Mapping[str, Style]) -> Style:
    if not isinstance(table, dict):
        raise StylesError(f"'{name}' must be a table, like [{name}]")
    said = cast("dict[str, Any]", table)
    try:
        style = Style.model_validate({**_inherited(said, known.get(name)), **said, "name": name})
    except ValidationError as error:
        # A misspelt field is also a missing one; the misspelling leads to the line.
        mistakes = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        raise StylesError(_reason(name, mistakes[0], known)) from error
    _check_prompt(style)
    return style


def _inherited(said: Mapping[str, Any], former: Style | None) -> dict[str, Any]:
    """What a table leaves unsaid of the style it changes; new words have no old translation."""
    if former is None:
        return {}
    kept = former.model_dump()
    if "title" in said or "description" in said:
        del kept["translations"]
    return kept


def _check_prompt(style: Style) -> None:
    where = f"style '{style.name}', field 'prompt'"
    for placeholder in ("{subject}", "{clothes}"):
        if placeholder not in style.prompt:
            raise StylesError(f"{where}: it must contain {placeholder}")
    strange = sorted(set(re.findall(r"\{([^{}]*)\}", style.prompt)) - set(PLACEHOLDERS))
    if strange:
        there_are = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
        hint = _did_you_mean(strange[0], PLACEHOLDERS, "{{{}}}") or f"; there are {there_are}"
        raise StylesError(f"{where}: {{{strange[0]}}} is no placeholder{hint}")
    for part in PARTS:
        if f"{{{part}}}" in style.prompt and not getattr(style, part):
            raise StylesError(f"{where}: it has a place for {{{part}}}, and '{part}' is empty")


def _reason(name: str, first: ErrorDetails, known: Mapping[str, Style]) -> str:
    """The first mistake of a style, in words that lead to its line."""
    path = [str(part) for part in first["loc"]] or ["name"]
    where = f"style '{name}', field '{'.'.join(path)}'"
    match first["type"]:
        case "string_pattern_mismatch" if path == ["name"]:
            better = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:32]
            hint = f"; '{better}' would do" if better else ""
            return f"{where}: names are made of a-z, 0-9 and '-', at most 32{hint}"
        case "extra_forbidden":
            fields = [f for f in Style.model_fields if f != "name"]
            hint = _did_you_mean(path[0], fields) or f"; known are {', '.join(fields)}"
            if isinstance(first["input"], dict):
                hint = f"; a style's table is written [{path[0]}]"
            return f"{where}: there is no such field{hint}"
        case "missing":
            meant = get_close_matches(name, known, n=1, cutoff=0.7)
            return f"{where}: it is missing" + (
                f"; or did you mean to change '{meant[0]}'?" if meant else ""
            )
        case "tuple_type":
            return f'{where}: it must be a list, like ["a", "b"]'
        case "literal_error":
            hint = _did_you_mean(str(first["input"]), get_args(Aspect))
            return f"{where}: {first['msg']}, not {first['input']!r:.60}{hint}"
        case _:
            return f"{where}: {first['msg']}, not {first['input']!r:.60}"


def _did_you_mean(typed: str, known: Iterable[str], form: str = "'{}'") -> str:
    nearest = get_close_matches(typed, list(known), n=1)
    return f"; did you mean {form.format(nearest[0])}?" if nearest else ""


def _refuse_same_titles(styles: Mapping[str, Style], own: Mapping[str, Style], source: str) -> None:
    """Menus name styles by their titles."""
    names = {style.title.casefold(): name for name, style in styles.items() if name not in own}
    for name, style in own.items():
        if name not in styles:
            continue
        other = names.setdefault(style.title.casefold(), name)
        if other != name:
            raise StylesError(
                f"{source}: style '{name}', field 'title': '{style.title}' is the title of "
                f"'{other}' already"
            )
