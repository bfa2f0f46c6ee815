"""How this program is called again from here: what a person can paste into the same terminal."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = "headshot-bot"


def program() -> str:
    """By its name where the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    if called.parts[-2:] == ("bot", "__main__.py"):
        return f"{Path(sys.executable).name} -m bot"
    if called.name != PROGRAM or shutil.which(PROGRAM):
        return PROGRAM
    return str(called.relative_to(Path.cwd())) if called.is_relative_to(Path.cwd()) else str(called)


def command(flags: Sequence[str], *arguments: str) -> str:
    """A line with the same flags, such as `--data`; without them it would look elsewhere."""
    return f"{program()} {shlex.join([*flags, *arguments])}"
