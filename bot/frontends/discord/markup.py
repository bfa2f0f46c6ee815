"""Plain text as Discord's markdown that shows exactly that text. Pure."""

import re
from collections.abc import Mapping

from discord.utils import escape_markdown

_COMMAND = re.compile(r"(?<![\w/:<])/([a-z]{2,32})\b(?![/\w])")
_LINE_START = re.compile(r"^(\s*)([-+]|\d{1,9}\.)(?=\s)", re.MULTILINE)
_TAG = re.compile(r"<(?=[@#:/ati!])", re.IGNORECASE)
BAR_CELLS = 12


def body(text: str, command_ids: Mapping[str, int]) -> str:
    """Text with everything that could be markup escaped, and our commands as links to press."""
    return _COMMAND.sub(lambda found: _mention(found, command_ids), escaped(text))


def escaped(text: str) -> str:
    """No bold, no lists that renumber themselves, no links that hide, no mentions."""
    quiet = escape_markdown(text, ignore_links=False)
    quiet = _TAG.sub("<\N{ZERO WIDTH SPACE}", quiet)
    return _LINE_START.sub(_not_a_list, quiet)


def bar(share: float) -> str:
    """A progress bar as wide as a phone allows."""
    full = round(max(0.0, min(1.0, share)) * BAR_CELLS)
    return "▰" * full + "▱" * (BAR_CELLS - full)


def _mention(found: re.Match[str], command_ids: Mapping[str, int]) -> str:
    command_id = command_ids.get(found[1])
    return found[0] if command_id is None else f"</{found[1]}:{command_id}>"


def _not_a_list(found: re.Match[str]) -> str:
    mark = found[2]
    return f"{found[1]}\\{mark}" if mark in "-+" else f"{found[1]}{mark[:-1]}\\."
