"""Runs a command that ends when whoever started it ends, however that happens.

    python tether.py PARENT_PID COMMAND…

Knows only the standard library, so that it starts at once. On Linux the kernel sends SIGTERM to
the command when its parent dies; elsewhere this process stays and watches the parent.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
WATCH_EVERY_S = 0.5


def tethered(command: list[str]) -> list[str]:
    """The command line that ties a command to this process.

    Start it from the main thread: the kernel's notice is of the death of the starting thread.
    """
    return [sys.executable, "-I", "-S", str(Path(__file__)), str(os.getpid()), *command]


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(0)
        os.execv(command[0], command)
    sys.exit(_watch(parent, command))


def _watch(parent: int, command: list[str]) -> int:
    child = subprocess.Popen(command, close_fds=False)

    def pass_on(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    while child.poll() is None:
        if os.getppid() != parent:
            child.terminate()
            return child.wait()
        time.sleep(WATCH_EVERY_S)
    return child.returncode


if __name__ == "__main__":
    main()
