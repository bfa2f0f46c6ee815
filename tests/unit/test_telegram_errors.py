"""Errors of the Bot API, each taken for what it is."""

import httpx
import pytest
from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.frontends.base import MessageGoneError, TryLaterError, UnreachableError
from bot.frontends.telegram.faults import is_in_doubt, is_refused, is_unchanged, translated


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RetryAfter(3), TryLaterError),
        (Forbidden("Forbidden: bot was blocked by the user"), UnreachableError),
        (BadRequest("Chat not found"), UnreachableError),
        (BadRequest("Forbidden: bot was blocked by the user"), UnreachableError),
        (BadRequest("Message to edit not found"), MessageGoneError),
        (BadRequest("message not found"), MessageGoneError),
        (BadRequest("Can't parse entities"), type(None)),
        (NetworkError("Bad Gateway"), TryLaterError),
        (TimedOut(), TryLaterError),
        (InvalidToken("Unauthorized"), TryLaterError),
        (TelegramError("Invalid server response"), type(None)),
    ],
)
def test_what_delivery_is_told(error: TelegramError, kind: type) -> None:
    assert type(translated(error)) is kind


def caused_by(error: TelegramError, cause: Exception) -> TelegramError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "doubt"),
    [
        (caused_by(TimedOut(), httpx.ReadTimeout("")), True),
        (caused_by(NetworkError("x"), httpx.RemoteProtocolError("")), True),
        (caused_by(TimedOut(), httpx.ConnectTimeout("")), False),
        (caused_by(NetworkError("x"), httpx.ConnectError("")), False),
        (NetworkError("Bad Gateway"), False),
        (BadRequest("no"), False),
        (Forbidden("no"), False),
    ],
)
def test_when_it_may_have_been_done_all_the_same(error: TelegramError, doubt: bool) -> None:
    assert is_in_doubt(error) == doubt


def test_not_modified_is_no_error() -> None:
    assert is_unchanged(BadRequest("Message is not modified: specified new message content"))
    assert not is_unchanged(BadRequest("Message to edit not found"))


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (BadRequest("PHOTO_INVALID_DIMENSIONS"), True),
        (InvalidToken("Not Found"), True),
        (NetworkError("Request Entity Too Large"), True),
        (InvalidToken("Unauthorized"), False),
        (BadRequest("Message is not modified"), False),
        (BadRequest("Chat not found"), False),
        (Forbidden("bot was blocked"), False),
        (NetworkError("Bad Gateway"), False),
        (RetryAfter(1), False),
    ],
)
def test_what_the_server_does_not_take(error: TelegramError, refused: bool) -> None:
    assert is_refused(error) == refused
