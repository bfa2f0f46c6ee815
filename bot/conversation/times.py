"""How long something still takes, told honestly: as a range, and rounded as people round."""

from datetime import datetime
from math import ceil, isfinite

from bot.conversation.speaking import Turn

MINUTE_S = 60
HOUR_S = 3600
MINUTES_UNTIL_S = 100 * MINUTE_S
"""Longer times are told in hours."""


def eta_range(eta_s: float) -> tuple[float, float]:
    """Least and most, from one estimate: work speeds up rarely and is often interrupted."""
    return eta_s * 0.85, eta_s * 1.35 + 5


def time_left(turn: Turn, eta_s: tuple[float, float] | None) -> str:
    """For example: 2 to 3 minutes left; empty where nobody knows."""
    if eta_s is None or not all(isfinite(s) and s >= 0 for s in eta_s):
        return ""
    least_s, most_s = min(eta_s), max(eta_s)
    if most_s <= MINUTE_S:
        return turn.say("time.under_a_minute")
    unit, key = (MINUTE_S, "minutes") if most_s <= MINUTES_UNTIL_S else (HOUR_S, "hours")
    least, most = max(1, round(least_s / unit)), ceil(most_s / unit)
    if least >= most:
        return turn.say(f"time.{key}", n=most)
    return turn.say(f"time.{key}_range", least=least, most=most)


def seconds(turn: Turn, spent_s: float | None) -> str:
    """For example: 12 seconds; empty where nobody knows."""
    if spent_s is None or not isfinite(spent_s) or spent_s < 0:
        return ""
    if spent_s < 100:
        return turn.say("spent.seconds", n=max(1, round(spent_s)))
    return turn.say("spent.minutes", n=round(spent_s / MINUTE_S))


def until(turn: Turn, moment: datetime | None) -> str:
    """For example: in 5 hours, from now; empty where nobody knows."""
    if moment is None:
        return ""
    left_s = (moment - turn.situation.now).total_seconds()
    return turn.say("time.in_hours", n=max(1, ceil(left_s / HOUR_S)))


def date(turn: Turn, moment: datetime) -> str:
    return turn.say("time.date", year=moment.year, month=moment.month, day=moment.day)


def percent(share: float) -> int:
    return round(share * 100)
