"""One line of text being typed: characters and keys in, what to show and what was entered out.

Knows the bytes that terminals send for keys; draws nothing and reads nothing itself.
"""

import codecs
import re
from collections.abc import Callable, Sequence
from enum import Enum

PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
_KEY = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z~]|O[A-Za-z]|[^\[O])|[^\x1b]", re.DOTALL)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?]*|O)?$")
MAX_HISTORY = 500

Complete = Callable[[str], Sequence[str]]
"""Ways to go on from the text before the cursor: whole replacements of that text."""


class Leave(Enum):
    """How a person asked to go."""

    INTERRUPT = "ctrl-c"
    END = "ctrl-d"


def _nothing(_: str) -> Sequence[str]:
    return ()


class LineEditor:
    """What a shell's prompt can do, in the measure a chat needs."""

    def __init__(self, complete: Complete = _nothing) -> None:
        self.text = ""
        self.cursor = 0
        self.candidates: Sequence[str] = ()
        self._complete = complete
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unread = ""
        self._pasting = False
        self._history: list[str] = []
        self._place = 0
        self._draft = ""

    def feed(self, data: bytes) -> list[str | Leave]:
        """Takes what the terminal sent; returns the lines that were entered."""
        text = self._unread + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        self._unread = unfinished[0] if unfinished else ""
        entered: list[str | Leave] = []
        for key in _KEY.findall(text[: len(text) - len(self._unread)]):
            line = self._press(key)
            if line is not None:
                entered.append(line)
        return entered

    def _press(self, key: str) -> str | Leave | None:
        if key in (PASTE_BEGINS, PASTE_ENDS):
            self._pasting = key == PASTE_BEGINS
        elif self._pasting:
            self._insert(" " if key in "\r\n\t" else key)
        elif key in "\r\n":
            return self._enter()
        elif key == "\x03":
            return self._interrupt()
        elif key == "\x04" and not self.text:
            return Leave.END
        elif key == "\t":
            self._offer()
        elif key in _MOVES:
            self.candidates = ()
            _MOVES[key](self)
        else:
            self.candidates = ()
            self._insert(key)
        return None

    def _insert(self, key: str) -> None:
        if key.isprintable():
            self._put(self.text[: self.cursor] + key, self.text[self.cursor :])

    def _put(self, before: str, after: str) -> None:
        self.text, self.cursor = before + after, len(before)

    def _enter(self) -> str:
        line = self.text
        if line.strip() and (not self._history or self._history[-1] != line):
            self._history = [*self._history, line][-MAX_HISTORY:]
        self._place, self.candidates = len(self._history), ()
        self._put("", "")
        return line

    def _interrupt(self) -> Leave | None:
        if not self.text:
            return Leave.INTERRUPT
        self._put("", "")
        return None

    def _offer(self) -> None:
        """Completes as far as all candidates agree; shows them where they differ."""
        before, after = self.text[: self.cursor], self.text[self.cursor :]
        found = self._complete(before)
        if not found:
            return
        common = _common_start(found)
        self._put(common if len(common) > len(before) else before, after)
        self.candidates = found if len(found) > 1 else ()

    # What keys do, see _MOVES.

    def recall(self, step: int) -> None:
        if self._place == len(self._history):
            self._draft = self.text
        place = self._place + step
        if 0 <= place <= len(self._history):
            self._place = place
            line = self._draft if place == len(self._history) else self._history[place]
            self._put(line, "")

    def move(self, step: int) -> None:
        self.cursor = min(max(self.cursor + step, 0), len(self.text))

    def delete(self, start: int, end: int) -> None:
        """Deletes from start to end and leaves the cursor there."""
        self._put(self.text[: max(start, 0)], self.text[end:])

    def word_start(self) -> int:
        return len(re.sub(r"\S*\s*$", "", self.text[: self.cursor]))

    def word_end(self) -> int:
        match = re.match(r"\s*\S*", self.text[self.cursor :])
        return self.cursor + (match.end() if match else 0)


def _common_start(words: Sequence[str]) -> str:
    first, last = min(words), max(words)
    same = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first)
    )
    return first[:same]


def _home(line: LineEditor) -> None:
    line.cursor = 0


def _end(line: LineEditor) -> None:
    line.cursor = len(line.text)


def _word_left(line: LineEditor) -> None:
    line.cursor = line.word_start()


def _word_right(line: LineEditor) -> None:
    line.cursor = line.word_end()


_MOVES: dict[str, Callable[[LineEditor], None]] = {
    "\x1b[A": lambda line: line.recall(-1),
    "\x1b[B": lambda line: line.recall(1),
    "\x1bOA": lambda line: line.recall(-1),
    "\x1bOB": lambda line: line.recall(1),
    "\x10": lambda line: line.recall(-1),
    "\x0e": lambda line: line.recall(1),
    "\x1b[C": lambda line: line.move(1),
    "\x1b[D": lambda line: line.move(-1),
    "\x1bOC": lambda line: line.move(1),
    "\x1bOD": lambda line: line.move(-1),
    "\x06": lambda line: line.move(1),
    "\x02": lambda line: line.move(-1),
    "\x1b[H": _home,
    "\x1bOH": _home,
    "\x1b[1~": _home,
    "\x01": _home,
    "\x1b[F": _end,
    "\x1bOF": _end,
    "\x1b[4~": _end,
    "\x05": _end,
    "\x1bb": _word_left,
    "\x1b[1;5D": _word_left,
    "\x1bf": _word_right,
    "\x1b[1;5C": _word_right,
    "\x7f": lambda line: line.delete(line.cursor - 1, line.cursor),
    "\x08": lambda line: line.delete(line.cursor - 1, line.cursor),
    "\x04": lambda line: line.delete(line.cursor, line.cursor + 1),
    "\x1b[3~": lambda line: line.delete(line.cursor, line.cursor + 1),
    "\x17": lambda line: line.delete(line.word_start(), line.cursor),
    "\x15": lambda line: line.delete(0, line.cursor),
    "\x0b": lambda line: line.delete(line.cursor, len(line.text)),
}
"""Keys that move or delete, by what terminals send for them."""
