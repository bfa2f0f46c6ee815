"""The catalogue of headshot styles: data for the bot's menus and for the engine's prompts.

Reads `styles.toml` beside it, and an admin's own file over it. Knows no model.
"""

import re
import tomllib
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from engine.contract.base import Frozen

Aspect = Literal["square", "portrait"]


class Style(Frozen):
    """One look. `prompt` says what surrounds the person; who they are comes from the LoRA."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    title: str = Field(min_length=1, max_length=40)
    category: str = Field(min_length=1, max_length=24)
    description: str = Field(min_length=1, max_length=100, description="one line for menus")
    prompt: str = Field(
        min_length=10, max_length=600, description="after '{subject}' is put in; may name {clothes}"
    )
    clothes: tuple[str, ...] = Field(min_length=1, description="variants that suit any person")
    aspect: Aspect = "portrait"
    guidance: float = Field(default=2.5, ge=1.0, le=10.0)


_KNOWN = ", ".join(field for field in Style.model_fields if field != "name")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class StylesError(ValueError):
    """A styles file that cannot be used: names the file, the style, the field and the reason."""


def load(extra: Path | None = None) -> dict[str, Style]:
    """Our styles by name, in order, with those of `extra` added or put in their place."""
    styles = dict(_packaged())
    if extra is not None:
        styles |= parse(_read(extra), str(extra))
    return styles


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StylesError(f"{path}: cannot be read: {error}") from error


@cache
def _packaged() -> dict[str, Style]:
    text = files("engine.contract").joinpath("styles.toml").read_text(encoding="utf-8")
    return parse(text, "styles.toml")


def parse(text: str, source: str) -> dict[str, Style]:
    """Styles by name from TOML whose tables are named for the styles."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StylesError(f"{source}: not valid TOML: {error}") from error
    return {name: _style(name, table, source) for name, table in tables.items()}


def _style(name: str, table: object, source: str) -> Style:
    if not isinstance(table, dict):
        raise StylesError(f"{source}: '{name}' must be a table, like [{name}]")
    try:
        style = Style.model_validate({"name": name, **table})
    except ValidationError as error:
        # A misspelt field is also a missing one; the misspelling leads to the line.
        mistakes = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        raise _error(source, name, mistakes[0]) from error
    for placeholder in ("{subject}", "{clothes}"):
        if placeholder not in style.prompt:
            raise StylesError(
                f"{source}: style '{name}', field 'prompt': it must contain {placeholder}"
            )
    strange = sorted(set(_PLACEHOLDER.findall(style.prompt)) - {"subject", "clothes"})
    if strange:
        raise StylesError(
            f"{source}: style '{name}', field 'prompt': {{{strange[0]}}} is no placeholder; "
            "there are {subject} and {clothes}"
        )
    return style


def _error(source: str, name: str, first: ErrorDetails) -> StylesError:
    """The first mistake of a style, in words that lead to its line."""
    path = [str(part) for part in first["loc"]] or ["name"]
    where = f"{source}: style '{name}', field '{'.'.join(path)}'"
    if path == ["name"] and first["type"] == "string_pattern_mismatch":
        return StylesError(
            f"{where}: names are made of a-z, 0-9 and '-', at most 32, and begin with no '-'"
        )
    if first["type"] == "extra_forbidden":
        nearest = get_close_matches(path[0], Style.model_fields, n=1)
        hint = f"; did you mean '{nearest[0]}'?" if nearest else f"; known are {_KNOWN}"
        return StylesError(f"{where}: there is no such field{hint}")
    if first["type"] == "missing":
        return StylesError(f"{where}: it is missing")
    if first["type"] == "tuple_type":
        return StylesError(f'{where}: it must be a list, like ["a", "b"]')
    return StylesError(f"{where}: {first['msg']}, not {first['input']!r:.60}")
