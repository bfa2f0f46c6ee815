"""What Discord and the way to it may say no with, as the errors that a frontend may raise.

discord.py tries again by itself after 500, 502, 504 and an honest 429. Everything here is what it
does not: a reset connection, 503, a 429 from in front of Discord, and errors that are answers.

    code 10008          the message is gone
    code 10015, 50027   the interaction's token has ended (also 10062)
    code 50007          the person takes no direct messages
    code 40005          too large
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import aiohttp
import discord

from bot.frontends.base import MessageGoneError, TryLaterError, UnreachableError

UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK = 10003, 10008, 10015
UNKNOWN_USER, UNKNOWN_INTERACTION = 10013, 10062
TOO_LARGE, ALREADY_ACKNOWLEDGED = 40005, 40060
NO_DIRECT_MESSAGES, INVALID_TOKEN = 50007, 50027
NO_SHARED_SERVER = 50278
"""A bot may only write to people with whom it shares a server or an installation."""
ENDED_TOKENS = frozenset({UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, INVALID_TOKEN})
CLOSED = frozenset({NO_DIRECT_MESSAGES, NO_SHARED_SERVER})
AWAY_S = 5.0
BUSY_S = 10.0
LONGEST_S = 600.0
INSIST_S = (0.1, 0.4, 1.0)
CONNECTION = (aiohttp.ClientError, OSError, asyncio.TimeoutError)
REST = (discord.HTTPException, discord.RateLimited, discord.DiscordServerError, *CONNECTION)


class DoorShutError(Exception):
    """An interaction can be answered no more."""


class TooLargeError(Exception):
    """Discord takes less than it said: send in smaller parts."""


@contextmanager
def translated() -> Generator[None]:
    """Raises this project's errors in place of discord.py's; 400 stays, it is our mistake."""
    try:
        yield
    except discord.RateLimited as error:
        raise TryLaterError(min(error.retry_after, LONGEST_S)) from error
    except discord.HTTPException as error:
        raised = _of_answer(error)
        if raised is None:
            raise
        raise raised from error
    except CONNECTION as error:
        raise TryLaterError(AWAY_S) from error


async def insist(acknowledge: Callable[[], Awaitable[object]]) -> None:
    """Tries again at once: Discord waits three seconds, and discord.py gives a broken line up."""
    for pause_s in INSIST_S:
        try:
            await acknowledge()
        except discord.HTTPException as error:
            if error.code == ALREADY_ACKNOWLEDGED:
                return
            if error.status != 429 and error.status < 500:
                raise
        except CONNECTION:
            pass
        else:
            return
        await asyncio.sleep(pause_s)
    await acknowledge()


def _of_answer(error: discord.HTTPException) -> Exception | None:
    if error.code in ENDED_TOKENS:
        return DoorShutError()
    if error.code == UNKNOWN_MESSAGE:
        return MessageGoneError()
    if error.code in CLOSED:
        return UnreachableError("dm_closed")
    if error.code == TOO_LARGE or error.status == 413:
        return TooLargeError()
    if error.status == 429:
        return TryLaterError(_retry_after_s(error))
    if error.status >= 500 or error.status in (401, 408):
        return TryLaterError(AWAY_S)
    if error.status == 403:
        return UnreachableError("forbidden")
    return UnreachableError("gone") if error.status == 404 else None


def _retry_after_s(error: discord.HTTPException) -> float:
    """Of a 429 that discord.py did not wait for, since something in front of Discord sent it."""
    try:
        asked = float(error.response.headers.get("Retry-After") or BUSY_S)
    except ValueError:
        asked = BUSY_S
    return max(1.0, min(asked, LONGEST_S))
