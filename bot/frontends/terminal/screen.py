"""Where messages appear: a living screen with cards redrawn in place, or a plain stream of lines.

Knows when to print and when to redraw; how things look is in `drawing`.
"""

from collections.abc import Callable
from typing import Protocol

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from bot.conversation.messages import Message
from bot.frontends.terminal import drawing

DECILE = 10
Draw = Callable[[Message], RenderableType]


class Screen(Protocol):
    def print(self, *what: RenderableType, is_line: bool = False) -> None:
        """Puts something down for good; lines stand close together, all else apart."""
        ...

    def card(self, card: str, said: Message, draw: Draw) -> bool:
        """Shows a card, or shows it anew. Whether all of it is shown now."""
        ...

    def drop(self, card: str) -> None:
        """A card is over; what it said last is printed by the caller."""
        ...

    def refresh(self) -> None: ...

    def close(self) -> None: ...


class LiveScreen:
    """Cards that go on, and the line being typed, stay at the foot of the terminal."""

    def __init__(self, console: Console, prompt: Callable[[], RenderableType] | None) -> None:
        self._paper = Paper(console)
        self._prompt = prompt
        self._cards: dict[str, tuple[Message, Draw]] = {}
        self._live = Live(
            get_renderable=self._foot, console=console, auto_refresh=False, transient=True
        )
        self._live.start()

    def print(self, *what: RenderableType, is_line: bool = False) -> None:
        self._paper.print(*what, is_line=is_line)
        self.refresh()

    def card(self, card: str, said: Message, draw: Draw) -> bool:
        self._cards[card] = said, draw
        self.refresh()
        return True

    def drop(self, card: str) -> None:
        self._cards.pop(card, None)

    def refresh(self) -> None:
        self._live.refresh()

    def close(self) -> None:
        """Leaves the cards as they stand."""
        cards, self._cards, self._prompt = self._cards, {}, None
        self._live.stop()
        for said, draw in cards.values():
            self._paper.print(draw(said), is_line=False)

    def _foot(self) -> RenderableType:
        parts: list[RenderableType] = []
        for said, draw in self._cards.values():
            parts += ["", draw(said)]
        if self._prompt is not None:
            parts += ["", self._prompt()]
        return Lowest(Group(*parts))


class Lowest:
    """So much of something's lower end as the terminal is high: what is typed stays in sight."""

    def __init__(self, whole: RenderableType) -> None:
        self._whole = whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._whole, options.update(height=None), pad=False)
        for line in lines[-(console.height - 1) :]:
            yield from line
            yield Segment.line()


class PlainScreen:
    """For pipes and files: nothing is taken back, and a card speaks only when it has news."""

    def __init__(self, console: Console) -> None:
        self._paper = Paper(console)
        self._told: dict[str, tuple[str, bool, int]] = {}

    def print(self, *what: RenderableType, is_line: bool = False) -> None:
        self._paper.print(*what, is_line=is_line)

    def card(self, card: str, said: Message, draw: Draw) -> bool:
        """In full at first and once all photos are judged; in between a line every tenth."""
        told = self._told.get(card)
        pending = any(photo.verdict == "pending" for photo in said.photos)
        news = said.title, pending, int((said.progress or 0) * DECILE)
        self._told[card] = news
        if told is None or (told[1] and not pending):
            self.print(draw(said))
            return True
        if told != news and not said.photos:
            first = drawing.plain(said.text.split("\n", 1)[0])
            done = drawing.bar(said.progress) if said.progress is not None else said.title
            self.print(Text.assemble("  ", done, "  ", first), is_line=True)
        return False

    def drop(self, card: str) -> None:
        self._told.pop(card, None)

    def refresh(self) -> None:
        return

    def close(self) -> None:
        return


class Paper:
    """What was put down for good, with an empty line where something new begins."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._after_line = False
        self._is_blank = True

    def print(self, *what: RenderableType, is_line: bool) -> None:
        if not what:
            return
        if not self._is_blank and not (is_line and self._after_line):
            self._console.print()
        for part in what:
            self._console.print(part)
        self._is_blank, self._after_line = False, is_line
