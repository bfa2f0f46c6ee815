"""Where an unforeseen error came from, fit for a log: places in our code, no values.

A full traceback prints messages and local variables, and those hold people's words and photos.
"""

import traceback
from pathlib import Path
from typing import cast

ROOT = Path(__file__).parents[1]


def trace(error: BaseException) -> str:
    """Our own frames and the innermost: `service/inbox.py:82 > engine/base.py:1967`."""
    frames = traceback.extract_tb(error.__traceback__)
    shown = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT)]
    places = [
        f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}"
        for frame in [*shown, *frames[-1:]]
    ]
    return " > ".join(dict.fromkeys(places))


def facts(error: BaseException) -> dict[str, str]:
    """For a log line: `log.error("part_failed", **facts(error))`."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return {"error": type(error).__name__, "trace": trace(error)}
