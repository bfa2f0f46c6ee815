"""Where logs go: facts with keys, to standard error or to a file. Never tokens, names or pixels.

Lines for a person at a terminal, JSON for everything else.
"""

import logging
import sys
from io import TextIOWrapper
from pathlib import Path

import structlog
from structlog.processors import JSONRenderer

from bot.processes.logfile import open_log

QUIET_LIBRARIES = ("httpx", "httpcore", "discord", "telegram", "arq", "aiosqlite", "alembic")
"""They speak no louder than a warning; httpx would log Telegram's token with each address."""

_WITHOUT_LOCALS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
"""Local variables hold people's words and photos."""


def configure(level: str, output: Path | None = None) -> None:
    """Once, in `main`. Appends to `output`, or writes to standard error."""
    stream = TextIOWrapper(open_log(output), "utf-8", line_buffering=True) if output else sys.stderr
    number = getattr(logging, level.upper())
    logging.basicConfig(stream=stream, level=number, format="%(asctime)s %(name)s %(message)s")
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    renderer = structlog.dev.ConsoleRenderer() if stream.isatty() else JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
