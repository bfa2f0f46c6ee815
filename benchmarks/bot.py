"""How many people one bot process serves, and how fast it acknowledges them:
`python -m benchmarks.bot [--frontend telegram] [--people 500]`.

The platform is an emulator on real sockets, the database and the queue are real.
"""

import argparse
import asyncio
from collections.abc import Sequence

from benchmarks import discord_load, telegram_load

LOADS = {"discord": discord_load.measure, "telegram": telegram_load.measure}
Figures = discord_load.Figures | telegram_load.Figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frontend", choices=tuple(LOADS), default="discord")
    parser.add_argument("--people", type=int, default=500)
    asked = parser.parse_args()
    print(table(asked.frontend, asyncio.run(LOADS[asked.frontend](asked.people))))


def table(platform: str, figures: Figures) -> str:
    waits = sorted(figures.acknowledged_s)
    rows = (
        ("people at once", f"{figures.people}"),
        ("acknowledged, p50", f"{quantile(waits, 0.5) * 1000:.0f} ms"),
        ("acknowledged, p99", f"{quantile(waits, 0.99) * 1000:.0f} ms"),
        ("acknowledged, ten photos of 20 MB", f"{figures.large_acknowledged_s * 1000:.0f} ms"),
        ("memory, peak", f"{figures.peak_mib:.0f} MiB"),
        ("messages sent and edited", f"{figures.messages / figures.seconds:.0f} a second"),
        ("everybody served after", f"{figures.seconds:.1f} s"),
    )
    lines = [f"| {platform} | |", "|---|---|", *(f"| {what} | {found} |" for what, found in rows)]
    return "\n".join(lines)


def quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
