"""Messages as Discord's components: a container with text, a bar, pictures and buttons. Pure.

Discord counts: 40 components, 4000 characters of text, 10 pictures a gallery, 100 characters an
identifier. A message whose files need several sends is drawn as several cards; the first has the
words, the last has the buttons.
"""

from collections.abc import Mapping, Sequence

import discord
from discord import ui

from bot.conversation.actions import Action, decode, encode
from bot.conversation.messages import Button, Message
from bot.frontends.discord.markup import bar, body, escaped
from bot.frontends.discord.parts import Upload

PREFIX = "headshot:"
MAX_TEXT = 3950
MAX_ALT = 256
PLAIN, GOING, DONE = 0x5865F2, 0xF0B232, 0x23A559
"""Colours of the stripe at a card's side."""
_LOOKS = {
    "plain": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.primary,
    "danger": discord.ButtonStyle.danger,
}


def cards(
    message: Message, files: Sequence[Sequence[Upload]], command_ids: Mapping[str, int]
) -> list[ui.LayoutView]:
    """One card for each list of files. To be called within the event loop that sends them."""
    drawn: list[ui.LayoutView] = []
    for number, batch in enumerate(files):
        words = _words(message, command_ids) if number == 0 else []
        is_last = number == len(files) - 1
        rows = _rows(message.buttons) if is_last else []
        drawn.append(_card(words, batch, rows, _colour(message)))
    return drawn


def custom_id(action: Action, number: int = 0) -> str:
    """What a button carries; `number` keeps two buttons of one meaning apart."""
    return f"{PREFIX}{encode(action)}" + (f"#{number}" if number else "")


def action_of(identifier: str) -> Action | None:
    """The action, or None for a button that no release of ours knows."""
    return decode(identifier.removeprefix(PREFIX).partition("#")[0])


def _card(
    words: Sequence[str],
    batch: Sequence[Upload],
    rows: Sequence[ui.ActionRow[ui.LayoutView]],
    colour: int,
) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.stop()  # presses are heard by DynamicItem; a view that is listened to stays in memory
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=colour)
    for text in words:
        container.add_item(ui.TextDisplay(text))
    shown = [upload for upload in batch if upload.is_shown]
    if shown:
        container.add_item(ui.MediaGallery(*(_item(upload) for upload in shown)))
    for upload in batch:
        if not upload.is_shown:
            container.add_item(ui.File(f"attachment://{upload.name}"))
    for row in rows:
        container.add_item(row)
    view.add_item(container)
    return view


def _item(upload: Upload) -> discord.MediaGalleryItem:
    alt = upload.caption[:MAX_ALT] or None
    return discord.MediaGalleryItem(f"attachment://{upload.name}", description=alt)


def _words(message: Message, command_ids: Mapping[str, int]) -> list[str]:
    title = f"### {escaped(message.title)}" if message.title else ""
    shown = [bar(message.progress)] if message.progress is not None else []
    captions = "\n".join(
        f"-# {escaped(picture.caption)}" for picture in message.pictures if picture.caption
    )
    heading = "\n".join(filter(None, [title, *shown]))
    room = MAX_TEXT - len(heading) - len(captions)
    text = body(message.text, command_ids)
    text = text if len(text) <= room else text[: room - 1].rstrip("\\") + "…"
    return [part for part in (heading, text, captions) if part]


def _rows(buttons: Sequence[Sequence[Button]]) -> list[ui.ActionRow[ui.LayoutView]]:
    seen: dict[str, int] = {}
    rows: list[ui.ActionRow[ui.LayoutView]] = []
    for row in buttons:
        drawn: list[ui.Button[ui.LayoutView]] = []
        for button in row:
            plain = custom_id(button.action)
            seen[plain] = seen.get(plain, -1) + 1
            drawn.append(
                ui.Button(
                    style=_LOOKS[button.look],
                    label=button.label,
                    custom_id=custom_id(button.action, seen[plain]),
                )
            )
        rows += [ui.ActionRow(*drawn[i : i + 5]) for i in range(0, len(drawn), 5)]
    return rows


def _colour(message: Message) -> int:
    if message.final:
        return DONE
    return GOING if message.progress is not None else PLAIN
