"""Asks Telegram for updates; those that are saved are given up there, and only those."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter, TelegramError

from bot.frontends.telegram.client import POLL_S, Client
from bot.frontends.telegram.faults import UNUSABLE_S, wait_of

FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 30.0
CONFLICT_S = 5.0
LEAST_POLL_S = 0.2
log = structlog.get_logger()
Take = Callable[[list[dict[str, Any]]], Awaitable[None]]


class Setbacks:
    """How long to wait after what, said once and not every time."""

    def __init__(self, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self._first_pause_s = self._pause_s = first_pause_s
        self._told = ""

    def over(self) -> None:
        if self._told:
            log.info("telegram_reachable_again")
        self._told, self._pause_s = "", self._first_pause_s

    def pause_after(self, error: Exception) -> float:
        """Logs what is new; returns seconds."""
        self._tell(error)
        if isinstance(error, RetryAfter):
            return wait_of(error)
        if isinstance(error, InvalidToken):
            return UNUSABLE_S
        if isinstance(error, Conflict):
            return CONFLICT_S
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, MAX_PAUSE_S)
        return pause_s

    def _tell(self, error: Exception) -> None:
        name = type(error).__name__
        if name == self._told:
            return
        self._told = name
        match error:
            case Conflict():
                log.error("telegram_token_used_twice", remedy="stop the other bot or webhook")
            case InvalidToken():
                log.error("telegram_token_refused", setting="telegram.token")
            case TelegramError():
                log.warning("telegram_unreachable", error=name)
            case _:
                log.error("telegram_updates_not_saved", error=name)


async def patiently(
    ask: Callable[[], Awaitable[Any]], setbacks: Setbacks, num_tries: int | None = None
) -> Any:
    """Asks until there is an answer, however long that takes, or so many times."""
    while True:
        try:
            answer = await ask()
        except BadRequest:
            raise
        except TelegramError as error:
            num_tries = None if num_tries is None else num_tries - 1
            if num_tries == 0:
                raise
            await asyncio.sleep(setbacks.pause_after(error))
        else:
            setbacks.over()
            return answer


async def poll(client: Client, take: Take, page_came: Callable[[int], None]) -> None:
    """Until cancelled. `take` saves; while it fails, the same is asked for again. `page_came` is
    told how many updates there were: none means that all are here.
    """
    setbacks = Setbacks()
    offset: int | None = None
    timeout_s = 0
    while True:
        asked_at = asyncio.get_running_loop().time()
        try:
            updates = await client.updates_after(offset, timeout_s)
            await take(updates)
        except Exception as error:
            if not await _webhook_is_gone(client, error):
                await asyncio.sleep(setbacks.pause_after(error))
            continue
        setbacks.over()
        page_came(len(updates))
        if updates:
            offset = max(int(update["update_id"]) for update in updates) + 1
        else:
            timeout_s = POLL_S
            # A server that does not hold the question must not be asked without end.
            await asyncio.sleep(asked_at + LEAST_POLL_S - asyncio.get_running_loop().time())


async def _webhook_is_gone(client: Client, error: Exception) -> bool:
    """Somebody has set a webhook since we began to poll."""
    if not isinstance(error, Conflict) or "webhook" not in error.message.casefold():
        return False
    try:
        return await client.delete_webhook()
    except TelegramError:
        return False
