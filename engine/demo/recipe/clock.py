"""Time of a run: one budget, deadlines of the stages, a line of facts every few seconds.

Knows nothing of what is trained.
"""

import json
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger("engine.demo.recipe")

LOG_EVERY_S = 10.0


def facts(event: str, **values: object) -> None:
    """Write one line: the event, then its facts as key=value."""
    shown = " ".join(
        f"{k}={v:.5g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items()
    )
    log.info("%s %s", event, shown)


@dataclass
class Clock:
    """Counts from its making, less the time that earlier runs have used."""

    budget_s: float
    used_s: float = 0.0
    _start_s: float = field(default_factory=time.monotonic)
    _last_log_s: float = 0.0

    @property
    def now_s(self) -> float:
        return self.used_s + time.monotonic() - self._start_s

    @property
    def left_s(self) -> float:
        return self.budget_s - self.now_s

    def is_time_to_log(self) -> bool:
        """True at most once in `LOG_EVERY_S`."""
        if self.now_s - self._last_log_s < LOG_EVERY_S:
            return False
        self._last_log_s = self.now_s
        return True


@dataclass(frozen=True)
class Stage:
    """A span of the clock in which one stage works; `progress` goes from 0 to 1."""

    clock: Clock
    name: str
    start_s: float
    end_s: float

    @classmethod
    def begin(cls, clock: Clock, name: str, seconds: float, done: float = 0.0) -> "Stage":
        """`done` is the share of the stage that an earlier run has finished."""
        facts("stage_started", stage=name, at_s=clock.now_s, seconds=seconds)
        seconds = max(seconds, 0.0)
        span = seconds / max(1.0 - done, 1e-3)
        return cls(clock, name, clock.now_s + seconds - span, clock.now_s + seconds)

    @property
    def progress(self) -> float:
        span = self.end_s - self.start_s
        return 1.0 if span <= 0 else min((self.clock.now_s - self.start_s) / span, 1.0)

    @property
    def is_over(self) -> bool:
        return self.clock.now_s >= self.end_s


class Report:
    """What the run measured, written to report.json after every change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.values: dict[str, object] = (
            json.loads(path.read_text()) if path.exists() else {}
        )  # fmt: skip

    def add(self, section: str, **values: object) -> None:
        known = self.values.get(section)
        self.values[section] = {**(known if isinstance(known, dict) else {}), **values}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self.values, indent=1, default=str))
        facts(section, **{k: v for k, v in values.items() if isinstance(v, int | float | str)})
