"""A process that looks at photos, and what keeps it from working for ever."""

import signal
import subprocess
import sys

from engine.photo_process import at_most

ENDLESS = """
from engine.photo_process import at_most
with at_most(0.05):
    while True:
        pass
"""
IDLE = """
import time
from engine.photo_process import at_most
with at_most(0.2):
    time.sleep(0.5)
while time.process_time() < 0.5:
    pass
"""


def test_work_without_end_ends_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDLESS], check=False)

    assert ended.returncode == -signal.SIGPROF


def test_neither_waiting_nor_later_work_counts() -> None:
    """As on a machine whose processors are busy with something else."""
    assert subprocess.run([sys.executable, "-c", IDLE], check=False).returncode == 0


def test_it_is_over_with_the_work() -> None:
    with at_most(60):
        assert signal.getitimer(signal.ITIMER_PROF)[0] > 0

    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0
