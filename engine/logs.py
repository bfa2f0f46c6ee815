"""Logs of the engine's processes: facts with keys on stderr. No names, prompts or pixels."""

import logging
import sys
import traceback
from pathlib import Path
from typing import Any

import structlog


def configure() -> None:
    """Lines for a person at a terminal, JSON for everything else."""
    terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        without_values,
    ]
    readable: list[structlog.typing.Processor] = [
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    ]
    machine: list[structlog.typing.Processor] = [structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=shared + (readable if terminal else machine),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # arq names every job with its arguments at INFO: a user's words
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)


def without_values(
    logger: Any, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """An exception as its kind and the places it passed. Messages and local variables, which a
    full traceback prints, hold people's words and pixels.
    """
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno}" for f in frames]
        event["error"], event["trace"] = type(error).__name__, " > ".join(places)
    return event
