"""Logs of the engine's processes: facts with keys on stderr. No names, prompts or pixels."""

import logging
import sys

import structlog


def configure() -> None:
    """Lines for a person at a terminal, JSON for everything else."""
    terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    readable: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer()]
    machine: list[structlog.typing.Processor] = [
        structlog.processors.dict_tracebacks,
        structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=shared + (readable if terminal else machine),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # arq names every job with its arguments at INFO: a user's words
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
