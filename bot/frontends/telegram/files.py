"""Files of people, fetched from Telegram. Knows its limit; knows nothing of what is in them."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from bot.frontends.telegram.client import Client
from bot.frontends.telegram.faults import wait_of
from bot.frontends.telegram.gate import Gate

MIB = 1024 * 1024
CLOUD_LIMIT_MIB = 20
"""Bots can fetch no more from Telegram's own servers."""
TOO_LARGE = ("too big", "too large")
MAX_AT_ONCE = 4
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Between tries. What has not come by then is said to be lost."""
PAUSES_AFTER_NO_S = PAUSES_S[:2]
"""Telegram says no to what it never had as to what it has not got at the moment."""
log = structlog.get_logger()


class TooLargeError(Exception):
    """The file does not come through."""


class Files:
    def __init__(
        self,
        client: Client,
        limit_mib: int,
        gate: Gate,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)
        self._gate = gate
        self._pause = pause
        self.limit_mib = limit_mib

    def is_too_large(self, size_bytes: int) -> bool:
        return size_bytes > self.limit_mib * MIB

    async def fetch(self, file_id: str) -> bytes | None:
        """The bytes; None when they cannot be had.

        Raises:
            TooLargeError: what was not known before.
        """
        async with self._slots:
            await self._gate.wait()
            num_tries = 0
            while True:
                try:
                    return await self._fetch(file_id)
                except (TelegramError, OSError) as error:
                    wait_s = _wait_s(error, num_tries)
                    num_tries += 1
                    if wait_s is None:
                        log.warning("telegram_file_lost", error=type(error).__name__)
                        return None
                    await self._pause(wait_s)

    async def _fetch(self, file_id: str) -> bytes:
        try:
            file = await self._client.get_file(file_id)
        except BadRequest as error:
            if any(words in error.message.casefold() for words in TOO_LARGE):
                raise TooLargeError from error
            raise
        if self.is_too_large(file.file_size or 0):
            raise TooLargeError
        if not file.file_path:
            raise BadRequest("no path to the file")
        data = bytes(await file.download_as_bytearray())
        if self.is_too_large(len(data)):
            raise TooLargeError
        return data


def _wait_s(error: Exception, num_tries: int) -> float | None:
    if not isinstance(error, NetworkError | RetryAfter):
        return None
    pauses_s = PAUSES_AFTER_NO_S if isinstance(error, BadRequest) else PAUSES_S
    if num_tries >= len(pauses_s):
        return None
    pause_s = pauses_s[num_tries]
    return max(pause_s, wait_of(error)) if isinstance(error, RetryAfter) else pause_s
