"""Where messages appear: a living screen with cards redrawn in place, or a plain stream of lines.

Knows when to print and when to redraw; how things look is in `drawing`.
"""

from collections.abc import Callable
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live

from bot.conversation.messages import Message
from bot.frontends.terminal import drawing

DECILE = 10
Draw = Callable[[Message], RenderableType]


class Screen(Protocol):
    def print(self, *what: RenderableType) -> None:
        """Puts something down for good."""
        ...

    def card(self, card: str, said: Message, draw: Draw) -> None:
        """Shows a card, or shows it anew."""
        ...

    def drop(self, card: str) -> None:
        """A card is over; what it said last is printed by the caller."""
        ...

    def refresh(self) -> None: ...

    def close(self) -> None: ...


class LiveScreen:
    """Cards that go on, and the line being typed, stay at the foot of the terminal."""

    def __init__(self, console: Console, prompt: Callable[[], RenderableType] | None) -> None:
        self._prompt = prompt
        self._cards: dict[str, tuple[Message, Draw]] = {}
        self._live = Live(
            get_renderable=self._foot, console=console, auto_refresh=False, transient=True
        )
        self._live.start()

    def print(self, *what: RenderableType) -> None:
        self._live.console.print(*what, "", sep="\n")
        self.refresh()

    def card(self, card: str, said: Message, draw: Draw) -> None:
        self._cards[card] = said, draw
        self.refresh()

    def drop(self, card: str) -> None:
        self._cards.pop(card, None)

    def refresh(self) -> None:
        self._live.refresh()

    def close(self) -> None:
        """Leaves the cards as they stand."""
        self._prompt = None
        for said, draw in self._cards.values():
            self._live.console.print(draw(said), "", sep="\n")
        self._cards.clear()
        self._live.stop()

    def _foot(self) -> RenderableType:
        parts: list[RenderableType] = []
        for said, draw in self._cards.values():
            parts += [draw(said), ""]
        if self._prompt is not None:
            parts.append(self._prompt())
        return Group(*parts)


class PlainScreen:
    """For pipes and files: nothing is taken back, and a card speaks only when it has news."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: dict[str, tuple[str, int]] = {}

    def print(self, *what: RenderableType) -> None:
        self._console.print(*what, "", sep="\n")

    def card(self, card: str, said: Message, draw: Draw) -> None:
        decile = int((said.progress or 0) * DECILE)
        told = self._told.get(card)
        self._told[card] = said.title, decile
        if told is None:
            self.print(draw(said))
        elif told != (said.title, decile):
            first = said.text.split("\n", 1)[0]
            progress = [] if said.progress is None else [drawing.bar(said.progress)]
            self._console.print(drawing.plain(" · ".join(filter(None, [said.title, first]))))
            self._console.print(*progress)

    def drop(self, card: str) -> None:
        self._told.pop(card, None)

    def refresh(self) -> None:
        return

    def close(self) -> None:
        return
