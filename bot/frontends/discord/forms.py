"""Forms: one for photos, one for a model's name, and what was filled in.

A form's identifier carries all that is needed to take it, so one that was opened before a restart,
or an hour ago, is taken like any other. None is kept in memory.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import discord
from discord import ui

from bot.conversation.phrases import language_of, phrase
from bot.frontends.discord.cards import PREFIX

PHOTOS = f"{PREFIX}photos"
NAME = f"{PREFIX}name:"
FIELD = "field"
MAX_PHOTOS = 10
MAX_NAME = 64


def photo_form(locale: str) -> ui.Modal:
    """One to ten photos at once."""
    language = language_of(locale)
    files: ui.FileUpload[Any] = ui.FileUpload(custom_id=FIELD, min_values=1, max_values=MAX_PHOTOS)
    return _form(
        phrase(language, "form.title"),
        PHOTOS,
        ui.TextDisplay(phrase(language, "form.hint")),
        ui.Label(text=phrase(language, "form.photos"), component=files),
    )


def name_form(locale: str, model_id: str) -> ui.Modal:
    """A new name for a model; in a server nobody could say it without being read."""
    language = language_of(locale)
    name: ui.TextInput[Any] = ui.TextInput(custom_id=FIELD, max_length=MAX_NAME)
    return _form(
        phrase(language, "form.rename"),
        f"{NAME}{model_id}",
        ui.Label(text=phrase(language, "form.name"), component=name),
    )


def model_in(identifier: str) -> str | None:
    """Whom a name is for; None where the form is not for a name."""
    return identifier.removeprefix(NAME) if identifier.startswith(NAME) else None


def name_in(interaction: discord.Interaction[Any]) -> str:
    return next((str(field["value"]) for field in _fields(interaction) if "value" in field), "")


def photos_in(interaction: discord.Interaction[Any]) -> list[discord.Attachment]:
    """In the order in which they were chosen."""
    resolved = _data(interaction).get("resolved", {}).get("attachments", {})
    state = interaction._state  # pyright: ignore[reportPrivateUsage]
    return [
        discord.Attachment(data=resolved[chosen], state=state)
        for field in _fields(interaction)
        for chosen in field.get("values", ())
        if chosen in resolved
    ]


def _form(title: str, identifier: str, *items: ui.Item[Any]) -> ui.Modal:
    form = ui.Modal(title=title, custom_id=identifier, timeout=None)
    for item in items:
        form.add_item(item)
    form.stop()  # discord.py would keep it, and lose it with the process
    return form


def _fields(interaction: discord.Interaction[Any]) -> Iterator[Mapping[str, Any]]:
    for label in _data(interaction).get("components", ()):
        if "component" in label:
            yield label["component"]
        yield from label.get("components", ())


def _data(interaction: discord.Interaction[Any]) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", interaction.data or {})
