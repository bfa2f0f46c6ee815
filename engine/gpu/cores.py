"""How a process that computes on the processor keeps out of the way of those that answer people."""

import os
from pathlib import Path

NICENESS = 10
"""A photo process beside it gets nine tenths of a core it wants."""
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """What this process may use: of its affinity and its container's quota, the smaller."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, quota(_QUOTA.read_text()) if _QUOTA.exists() else 10**6))


def quota(text: str) -> int:
    """Whole cores of a cgroup's `cpu.max`: "200000 100000" is 2, "max 100000" has no end."""
    limit, _, period = text.strip().partition(" ")
    return 10**6 if limit == "max" else max(1, int(limit) // int(period))


def stand_back() -> None:
    """Lowers this process's priority."""
    os.nice(NICENESS)
