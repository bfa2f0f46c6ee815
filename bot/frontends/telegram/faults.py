"""What went wrong in the Bot API, named for what it is.

The library's tree is treacherous: `BadRequest`, which no repetition mends, is a `NetworkError`.
"""

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.frontends.base import (
    FrontendError,
    MessageGoneError,
    TryLaterError,
    UnreachableError,
)

SOON_S = 2.0
UNUSABLE_S = 30.0
"""After a refused token, or a second bot with the same one."""
UNCHANGED = ("message is not modified", "message_not_modified")
GONE = (
    "message to edit not found",
    "message not found",
    "message to react not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier is not specified",
    "there is no text in the message to edit",
    "there is no caption in the message to edit",
)
NOBODY = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "user is deactivated",
    "blocked by the user",
    "bot was kicked",
    "can't initiate conversation",
    "group chat was deactivated",
)
NO_RIGHTS = ("not enough rights", "have no rights", "need administrator rights", "chat_write")
REVOKED = ("unauthorized",)
"""Else the same class means that there is no such method."""
TOO_LARGE = ("entity too large",)
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def is_unchanged(error: TelegramError) -> bool:
    """The message shows that already."""
    return isinstance(error, BadRequest) and _says(error, UNCHANGED)


def is_unreachable(error: TelegramError) -> bool:
    """This person cannot be written to."""
    return isinstance(error, Forbidden) or (isinstance(error, BadRequest) and _says(error, NOBODY))


def is_refused(error: TelegramError) -> bool:
    """The server does not take this, or knows no such method; the chat itself is all right."""
    if is_unchanged(error) or translated(error) is not None:
        return False
    return isinstance(error, NetworkError | InvalidToken)


def is_in_doubt(error: TelegramError) -> bool:
    """The answer got lost: what was asked for may have been done."""
    if isinstance(error, BadRequest) or not isinstance(error, NetworkError):
        return False
    if isinstance(error.__cause__, NEVER_SENT):
        return False
    return isinstance(error, TimedOut) or isinstance(error.__cause__, httpx.HTTPError)


def is_fault_of_theirs(error: TelegramError) -> bool:
    """The server answered, and that it could not: 5xx. Most such faults pass."""
    if isinstance(error, BadRequest) or not isinstance(error, NetworkError):
        return False
    return translated(error) is not None and not isinstance(error.__cause__, httpx.HTTPError)


def translated(error: TelegramError) -> FrontendError | None:
    """For delivery; None for a fault of ours that is tried a few times and then put aside."""
    match error:
        case RetryAfter():
            return TryLaterError(wait_of(error))
        case Forbidden():
            return UnreachableError("no_rights" if _says(error, NO_RIGHTS) else "blocked")
        case BadRequest() if _says(error, NOBODY):
            return UnreachableError("chat_not_found")
        case BadRequest() if _says(error, NO_RIGHTS):
            return UnreachableError("no_rights")
        case BadRequest() if _says(error, GONE):
            return MessageGoneError()
        case BadRequest() | ChatMigrated():
            return None
        case InvalidToken() if not _says(error, REVOKED):
            return None
        case NetworkError() if _says(error, TOO_LARGE):
            return None
        case InvalidToken() | Conflict():
            return TryLaterError(UNUSABLE_S)
        case NetworkError():
            return TryLaterError(SOON_S)
        case _:
            return None


def wait_of(error: RetryAfter) -> float:
    """Seconds, whichever of its two types the library gives."""
    wait = error.retry_after
    return float(wait if isinstance(wait, int | float) else wait.total_seconds())


def _says(error: TelegramError, phrases: tuple[str, ...]) -> bool:
    said = error.message.casefold()
    return any(phrase in said for phrase in phrases)
