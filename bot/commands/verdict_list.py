"""Verdicts on a folder of photos, as a person reads them: a line each as it comes, then the whole.

Knows words and columns; knows nothing of where reports come from.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.conversation.situation import Collection, Photo, Situation
from bot.conversation.speaking import Turn
from bot.conversation.verdicts import Verdict, assess, sentence
from engine.contract.photos import Coverage, Missing, PhotoLimits, PhotoReport, SetVerdict


class VerdictList:
    """The person's form of the verdict: a line for each photo as it comes, then the whole."""

    def __init__(self, console: Console, files: Sequence[Path], limits: PhotoLimits) -> None:
        self._console = console
        self._files = files
        self.limits = limits
        self._turn = Turn.of(Situation(now=datetime.now(UTC), limits=limits))
        self._reports: list[PhotoReport] = []
        self._told: list[str] = []
        self._width = min(32, max((len(file.name) for file in files), default=0))

    def add(self, report: PhotoReport) -> None:
        """Tells one more; judged beside those before it."""
        self._reports.append(report)
        verdict = self._verdicts()[-1]
        self._told.append(self._words(verdict))
        self._print(len(self._told), self._told[-1])

    def finish(self, verdict: SetVerdict) -> None:
        """Tells what changed in the light of the whole set, and what the set is worth."""
        final = [self._words(v) for v in self._verdicts()]
        changed = [n for n, (a, b) in enumerate(zip(self._told, final, strict=True), 1) if a != b]
        if changed:
            self._console.print("\nSeen together with the other photos:", style="bold")
        for number in changed:
            self._print(number, final[number - 1])
        self._console.print()
        self._console.print(self._headline(verdict))
        if verdict.coverage.num_accepted:
            self._console.print(_coverage_table(verdict.coverage))
        for line in self._advice(verdict):
            self._console.print(f"• {line}", highlight=False)

    def _verdicts(self) -> tuple[Verdict, ...]:
        photos = tuple(
            Photo(number=number, sha256=report.sha256, report=report)
            for number, report in enumerate(self._reports, 1)
        )
        return assess(Collection(id="check", photos=photos), self.limits).verdicts

    def _words(self, verdict: Verdict) -> str:
        return "" if verdict.kind == "accepted" else sentence(self._turn, verdict)

    def _print(self, number: int, problem: str) -> None:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=3, justify="right", style="dim")
        row.add_column(width=self._width, no_wrap=True, overflow="ellipsis")
        row.add_column(width=1)
        row.add_column(overflow="fold")
        mark = Text("✗", style="red") if problem else Text("✓", style="green")
        said = Text(problem) if problem else Text("good", style="green")
        name = self._files[number - 1].name
        row.add_row(str(number), Text(_printable(name)), mark, said)
        self._console.print(row)

    def _headline(self, verdict: SetVerdict) -> Text:
        n, of, least = verdict.coverage.num_accepted, len(self._files), self.limits.min_photos
        if not of:
            return Text("There is no file in this folder.", style="bold red")
        good = f"{n} of {of} photos {'is' if n == 1 else 'are'} good"
        if verdict.ready:
            return Text(f"{good}: enough to train.", style="bold green")
        return Text(f"{good}: training needs {least}.", style="bold red")

    def _advice(self, verdict: SetVerdict) -> Iterator[str]:
        """Angles and lights are worth talking about once there is a good photo."""
        n = self.limits.min_photos - verdict.coverage.num_accepted
        for code in verdict.missing:
            if code is Missing.MORE_PHOTOS:
                yield self._turn.say(f"missing.{code}", n=n)
            elif verdict.coverage.num_accepted:
                yield "It would help to add " + self._turn.say(f"missing.{code}") + "."


def _coverage_table(coverage: Coverage) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="dim")
    columns = {
        "frontal": coverage.frontal,
        "turned left": coverage.three_quarter_left,
        "turned right": coverage.three_quarter_right,
        "lights": coverage.num_lights,
        "close": coverage.close_up,
        "farther": coverage.farther_away,
    }
    for name in columns:
        table.add_column(name, justify="right")
    cells = (Text(str(n), style="green" if n else "yellow") for n in columns.values())
    table.add_row(*cells)
    return table


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in name)
