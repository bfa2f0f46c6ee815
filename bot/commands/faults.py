"""What a person is told when a command fails for a reason they can do something about."""

import errno

from redis.exceptions import ConnectionError
from sqlalchemy.exc import OperationalError

from bot.conversation.phrases import phrase
from bot.processes.supervisor import PartHopelessError
from bot.processes.valkey import ValkeyError
from bot.settings import SettingsError
from engine.contract.failures import EngineError, Failure
from engine.contract.styles import StylesError

OF_A_PERSON = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG),
}
"""What files and folders may be in the way of; anything else is a fault of ours."""


class CommandError(Exception):
    """A command cannot do its work; the message says why and what to do."""


def sentence(error: Exception) -> str | None:
    """One sentence; None for a fault of ours, which deserves its traceback."""
    if isinstance(error, CommandError | SettingsError | ValkeyError | PartHopelessError):
        return str(error)
    if isinstance(error, StylesError):
        return str(error)
    if isinstance(error, EngineError):
        return failure_sentence(error.failure)
    if isinstance(error, ConnectionError):
        return "Redis does not answer; is it running, and is HEADSHOT_REDIS_URL right?"
    if isinstance(error, OSError) and error.filename is not None and error.errno in OF_A_PERSON:
        return f"cannot use {error.filename}: {error.strerror}"
    if isinstance(error, OperationalError):
        return f"cannot use the database: {error.orig}; “headshot-bot doctor” looks at its folder"
    return None


def failure_sentence(failure: Failure) -> str:
    """What became of a job, in the words of the chat."""
    facts = dict(failure.facts)
    facts |= {
        name.replace("_mib", "_gb"): f"{value / 1024:.1f}"
        for name, value in failure.facts.items()
        if name.endswith("_mib")
    }
    return phrase("en", f"failure.{failure.code}", **facts)
