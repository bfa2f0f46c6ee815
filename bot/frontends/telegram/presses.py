"""Presses of buttons, each answered exactly once: with a toast where one is said, else silently.

A press that is not answered leaves a clock on the button.
"""

import asyncio

import structlog
from telegram.error import TelegramError

from bot.frontends.telegram.client import Client
from bot.frontends.telegram.drawing import MAX_TOAST

PATIENCE_S = 0.7
"""A toast comes within it, or it comes as a message."""
MAX_OPEN = 1000
log = structlog.get_logger()


class Presses:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._open: dict[int, tuple[str, int]] = {}
        self._last: dict[int, int] = {}

    async def opened(self, chat_id: int, press_id: str, message_id: int) -> None:
        """A message's button was pressed; an older press in that chat is given up."""
        before = self._open.pop(chat_id, None)
        self._last.pop(chat_id, None)
        self._open[chat_id], self._last[chat_id] = (press_id, message_id), message_id
        if before is not None:
            await self._answer(before[0], None)
        for remembered in (self._open, self._last):
            while len(remembered) > MAX_OPEN:
                remembered.pop(next(iter(remembered)))

    def last_pressed(self, chat_id: int) -> int:
        """The message whose button was pressed last; 0 where nobody remembers."""
        return self._last.get(chat_id, 0)

    async def close_in_time(self, chat_id: int, press_id: str) -> None:
        """Answers without words, unless something was said meanwhile."""
        await asyncio.sleep(PATIENCE_S)
        if chat_id in self._open and self._open[chat_id][0] == press_id:
            del self._open[chat_id]
            await self._answer(press_id, None)

    async def edited(self, chat_id: int, message_id: int) -> None:
        """The message whose button was pressed changes: that is the answer."""
        if chat_id in self._open and self._open[chat_id][1] == message_id:
            press_id, _ = self._open.pop(chat_id)
            await self._answer(press_id, None)

    async def toast(self, chat_id: int, text: str) -> bool:
        """Whether the words were shown as an answer to an open press."""
        if chat_id not in self._open or len(text) > MAX_TOAST:
            return False
        press_id, _ = self._open.pop(chat_id)
        return await self._answer(press_id, text)

    async def _answer(self, press_id: str, text: str | None) -> bool:
        try:
            return bool(await self._client.answer_callback_query(press_id, text))
        except TelegramError as error:
            log.debug("telegram_press_not_answered", error=type(error).__name__)
            return False
