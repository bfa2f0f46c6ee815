"""The catalogue of headshot styles: data for the bot's menus and for the engine's prompts.

Reads `styles.toml` beside it, and an admin's own file over it. Knows no model.
"""

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

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


class StylesError(ValueError):
    """A styles file that cannot be used: names the file, the style, the field and the reason."""


def load(extra: Path | None = None) -> dict[str, Style]:
    """Our styles by name, in order, with those of `extra` added or put in their place."""
    styles = dict(_packaged())
    if extra is not None:
        styles |= parse(extra.read_text(encoding="utf-8"), str(extra))
    return styles


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
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise StylesError(f"{source}: style '{name}', field '{field}': {first['msg']}") from error
    for placeholder in ("{subject}", "{clothes}"):
        if placeholder not in style.prompt:
            raise StylesError(
                f"{source}: style '{name}', field 'prompt': it must contain {placeholder}"
            )
    return style
