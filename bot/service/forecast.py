"""How long something still takes, from how long such things took before. Pure.

Everything is a range: least and most, in seconds, between which four of five would have ended.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from math import hypot

from bot.conversation.times import eta_range
from bot.database.line import InLine, Past

ENOUGH = 3
"""Finished orders that tell more than a rule of thumb."""
USUAL = (0.1, 0.9)
SLACK_S = 3.0
"""Sending pictures, waking up: nothing is over to the second."""
Range = tuple[float, float]


def in_turn(line: Sequence[InLine], fair: bool) -> list[InLine]:
    """Those that wait, in the order of their turns; `line` is oldest first.

    Fair is how the GPU serves who waits for pictures: everybody's first, then everybody's second.
    """
    waiting = [order for order in line if order.started_at is None]
    if not fair:
        return waiting
    rounds = Counter(order.owner for order in line if order.started_at is not None)
    ranked: list[tuple[int, int, InLine]] = []
    for number, order in enumerate(waiting):
        ranked.append((rounds[order.owner], number, order))
        rounds[order.owner] += 1
    return [order for *_, order in sorted(ranked, key=lambda entry: entry[:2])]


def position(line: Sequence[InLine], order_id: str, fair: bool) -> int | None:
    """1 is next; None for what does not wait."""
    ids = [order.id for order in in_turn(line, fair)]
    return ids.index(order_id) + 1 if order_id in ids else None


def left(
    line: Sequence[InLine],
    order_id: str,
    past: Sequence[Past],
    now: datetime,
    fair: bool,
    num_engines: int = 1,
) -> Range | None:
    """Until an order of the line is done; None where nobody knows."""
    order = next((order for order in line if order.id == order_id), None)
    if order is None:
        return None
    if order.started_at is not None:
        return _running(order, past, now)
    waiting = in_turn(line, fair)
    running = [other for other in line if other.started_at is not None]
    before = [_running(other, past, now) for other in running]
    before += [_whole(other, past) for other in waiting[: waiting.index(order)]]
    own = _whole(order, past)
    known = [each for each in before if each is not None]
    if own is None or len(known) < len(before):
        return None
    least, most = _sum(known)
    share = max(1, min(num_engines, len(before)))
    return own[0] + least / share, own[1] + most / share


def _running(order: InLine, past: Sequence[Past], now: datetime) -> Range | None:
    if order.eta_s is not None:
        return _stretched(order.eta_s, past)
    whole = _whole(order, past)
    if whole is None or order.started_at is None:
        return None
    since_s = (now - order.started_at).total_seconds()
    return None if since_s > whole[1] else (max(0.0, whole[0] - since_s), whole[1] - since_s)


def _stretched(eta_s: float, past: Sequence[Past]) -> Range:
    """Time left to compute, as time to wait: others come between."""
    if len(past) < ENOUGH:
        return eta_range(eta_s)
    stretches = [max(1.0, each.took_s / each.computed_s) for each in past]
    return eta_s * _quantile(stretches, USUAL[0]), eta_s * _quantile(stretches, USUAL[1]) + SLACK_S


def _whole(order: InLine, past: Sequence[Past]) -> Range | None:
    """From start to end, by the picture where there are several."""
    alike = [each for each in past if each.quality == order.quality]
    told = alike if len(alike) >= ENOUGH else past
    if not told:
        return None
    each_s = [one.took_s / one.count for one in told]
    if len(told) < ENOUGH:
        return eta_range(order.count * sum(each_s) / len(each_s))
    least, most = (_quantile(each_s, share) for share in USUAL)
    return order.count * least, order.count * most + SLACK_S


def _sum(ranges: Sequence[Range]) -> Range:
    """Of several in a row; that all are late, or all early, is unlikely."""
    middle = sum((least + most) / 2 for least, most in ranges)
    spread = hypot(*((most - least) / 2 for least, most in ranges))
    return max(0.0, middle - spread), middle + spread


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
