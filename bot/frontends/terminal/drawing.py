"""How messages look in a terminal of 80 columns: text, numbered choices, bars, verdicts, links.

Turns values into what rich can print; prints nothing itself.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bot.conversation.actions import Action
from bot.conversation.messages import Button, Message, PhotoLine

BAR_WIDTH = 40
GAP = "   "
LOOKS = {"plain": "cyan", "primary": "bold green", "danger": "red"}
Numbers = Mapping[Action, int]
"""The number to type for a button; buttons without one are pressed by their label."""


def plain(text: str) -> str:
    """Without characters that would steer the terminal; names are chosen by people."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) != "Cc")


def message(
    said: Message,
    numbers: Numbers,
    without: Sequence[str] = (),
    pictures: Iterable[RenderableType] = (),
) -> RenderableType:
    """A message, a card too. `without`: lines that were shown already."""
    body = Group(*_parts(said, numbers, without, pictures))
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1, style="green")
    grid.add_column(ratio=1)
    grid.add_row("●", body)
    return grid


def _parts(
    said: Message, numbers: Numbers, without: Sequence[str], pictures: Iterable[RenderableType]
) -> Iterator[RenderableType]:
    text = _text_without(plain(said.text), without)
    if said.title:
        yield Text(plain(said.title), style="bold")
    if said.progress is not None:
        yield bar(said.progress)
    if text:
        yield Text(text)
    yield from pictures
    if any(said.buttons):
        yield Padding(Choices(said.buttons, numbers), (1 if text or said.pictures else 0, 0, 0, 0))


def _text_without(text: str, lines: Sequence[str]) -> str:
    """A list that has lost all its lines loses its heading too."""
    hidden = {f"• {plain(line)}" for line in lines}
    paragraphs: list[str] = []
    for paragraph in text.split("\n\n"):
        kept = [line for line in paragraph.split("\n") if line not in hidden]
        if len(kept) == len(paragraph.split("\n")) or any(k.startswith("• ") for k in kept):
            paragraphs.append("\n".join(kept))
    return "\n\n".join(paragraphs)


def bar(progress: float) -> Text:
    """Filled and empty differ in shape, too: not everybody sees, or shows, colours."""
    filled = round(progress * BAR_WIDTH)
    return Text.assemble(("█" * filled, "green"), ("░" * (BAR_WIDTH - filled), "dim"))


class Choices:
    """All buttons in one flow, each in one piece."""

    def __init__(self, rows: Sequence[Sequence[Button]], numbers: Numbers) -> None:
        self._buttons = [_button(b, numbers.get(b.action)) for row in rows for b in row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = Text()
        for button in self._buttons:
            if line and line.cell_len + len(GAP) + button.cell_len > options.max_width:
                yield line
                line = Text()
            line.append(GAP if line else "").append_text(button)
        yield line


def _button(button: Button, number: int | None) -> Text:
    label = plain(button.label)
    if number is None:
        return Text(f"[{label}]", style="dim")
    return Text.assemble((f" {number} ", f"reverse {LOOKS[button.look]}"), f" {label}")


def verdict(photo: PhotoLine, name: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(width=1)
    grid.add_column(ratio=1)
    if photo.verdict == "accepted":
        line = Text.assemble(f"Photo {photo.number} is good", (f"  {plain(name)}", "dim"))
        grid.add_row("", Text("✓", style="green"), line)
    else:
        line = Text.assemble(plain(photo.reason), (f"  {plain(name)}", "dim"))
        grid.add_row("", Text("✗", style="red"), line)
    return grid


def link(path: Path, caption: str) -> RenderableType:
    """A path that can be clicked where the terminal knows how."""
    target = Style(link=path.absolute().as_uri(), underline=True)
    shown = Text(_short(path), style=target)
    return Text.assemble(shown, (f"   {plain(caption)}", "dim")) if caption else shown


def _short(path: Path) -> str:
    try:
        return f"{path.relative_to(Path.cwd())}"
    except ValueError:
        return str(path)


def prompt(text: str, cursor: int, candidates: Sequence[str]) -> RenderableType:
    """The line being typed, with a cursor of our own."""
    at = text[cursor : cursor + 1] or " "
    line = Text.assemble(("› ", "bold cyan"), text[:cursor], (at, "reverse"), text[cursor + 1 :])
    if not candidates:
        return line
    return Group(Text("  ".join(_last(word) for word in candidates[:24]), style="dim"), line)


def _last(word: str) -> str:
    """What differs in a completion: the last part of a path, or the last word."""
    return word.rstrip("/").rsplit("/", 1)[-1].rsplit(" ", 1)[-1] + (
        "/" if word.endswith("/") else ""
    )


def greeting() -> RenderableType:
    return Text.assemble(
        ("Headshot Bot", "bold"),
        ("  drop photos here, or /train, /headshot, /help · Ctrl-D leaves", "dim"),
    )


def echo(line: str) -> Text:
    return Text.assemble(("› ", "bold cyan"), (plain(line), "bold"))


def note(text: str) -> Text:
    """A word of the terminal itself, not of the bot."""
    return Text(plain(text), style="yellow")
