"""Messages as Telegram shows them: HTML, and keyboards that fit a phone. Pure."""

from collections.abc import Sequence
from html import escape

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.conversation.actions import Verb, encode
from bot.conversation.messages import Button, Message

MAX_CAPTION = 1024
MAX_TOAST = 200
BAR_CELLS = 12
LETTERS_BY_WIDTH = {4: 7, 3: 11, 2: 18, 1: 40}
"""So many letters of each label can be read on a phone, by the number of buttons in a row."""


def text_of(message: Message) -> str:
    """Everything that is said, as HTML. Nothing in it is anybody's markup but ours."""
    parts = [f"<b>{escape(message.title, quote=False)}</b>" if message.title else ""]
    if message.progress is not None and not message.final:
        parts.append(bar(message.progress))
    parts.append(escape(message.text, quote=False))
    return "\n\n".join(part for part in parts if part)


def fits_caption(message: Message) -> bool:
    """Telegram counts as JavaScript does, without the tags."""
    shown = f"{message.title}\n\n{message.text}"
    return len(shown.encode("utf-16-le")) // 2 + 2 * BAR_CELLS <= MAX_CAPTION


def bar(share: float) -> str:
    full = round(share * BAR_CELLS)
    return "▰" * full + "▱" * (BAR_CELLS - full)


def keyboard(message: Message, username: str, in_group: bool) -> InlineKeyboardMarkup | None:
    """Buttons in rows. Where others could press them, they lead to the private chat instead."""
    rows: list[list[InlineKeyboardButton]] = []
    for buttons in _grids(message.buttons):
        drawn = [_linking(one, username) if in_group else _acting(one) for one in buttons]
        width = _width([button.label for button in buttons])
        rows += [drawn[i : i + width] for i in range(0, len(drawn), width)]
    return InlineKeyboardMarkup(rows) if rows else None


def _grids(rows: Sequence[Sequence[Button]]) -> list[list[Button]]:
    """Rows below each other that do the same kind of thing are one grid, broken anew."""
    grids: list[list[Button]] = []
    for row in rows:
        if grids and len(grids[-1]) > 2 and grids[-1][0].action.verb is row[0].action.verb:
            grids[-1] += row
        else:
            grids.append(list(row))
    return grids


def _width(labels: list[str]) -> int:
    longest = max(map(len, labels))
    fitting = max((n for n, most in LETTERS_BY_WIDTH.items() if longest <= most), default=1)
    num_rows = -(-len(labels) // fitting)
    return -(-len(labels) // num_rows)


def _acting(button: Button) -> InlineKeyboardButton:
    style = None if button.look == "plain" else button.look
    return InlineKeyboardButton(button.label, callback_data=encode(button.action), style=style)


def _linking(button: Button, username: str) -> InlineKeyboardButton:
    wish = button.action.argument if button.action.verb is Verb.COMMAND else "start"
    return InlineKeyboardButton(button.label, url=deep_link(username, wish))


def deep_link(username: str, wish: str) -> str:
    return f"https://t.me/{username}?start={wish}"
