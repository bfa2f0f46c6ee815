"""Where logs go: facts with keys, to standard error or to a file. Never tokens, names or pixels."""

import logging
import sys
from pathlib import Path
from typing import TextIO

import structlog

QUIET_LIBRARIES = ("httpx", "httpcore", "discord", "telegram", "arq", "aiosqlite", "alembic")
"""They speak no louder than a warning; httpx would log Telegram's token with each address."""


def configure(level: str, output: Path | None = None) -> None:
    """Once, in `main`. Appends to `output`, or writes to standard error."""
    stream = _open(output) if output else sys.stderr
    number = getattr(logging, level.upper())
    logging.basicConfig(stream=stream, level=number, format="%(asctime)s %(name)s %(message)s")
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def _open(output: Path) -> TextIO:
    output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return output.open("a", encoding="utf-8")
