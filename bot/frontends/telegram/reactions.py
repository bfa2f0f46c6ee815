"""A thumb up on each photo that was accepted, where the chat allows it. A nicety: never in the
way of a message, and tried again only when Telegram asked to wait.
"""

import asyncio
from collections import OrderedDict

import structlog
from telegram.constants import ReactionEmoji
from telegram.error import RetryAfter, TelegramError

from bot.conversation.messages import Message
from bot.frontends.telegram.client import Client
from bot.frontends.telegram.faults import is_refused, wait_of

MAX_REMEMBERED = 5000
log = structlog.get_logger()


class Reactions:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._given: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._wanted: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        self._without: set[int] = set()

    def notice(self, message: Message) -> None:
        """A collection's card names the photos that are good."""
        for photo in message.photos:
            origin = photo.origin or {}
            if photo.verdict != "accepted" or "message" not in origin:
                continue
            place = int(origin["chat"]), int(origin["message"])
            if place not in self._given:
                self._given[place] = None
                self._wanted.put_nowait(place)
        while len(self._given) > MAX_REMEMBERED:
            self._given.popitem(last=False)

    async def run(self) -> None:
        while True:
            chat_id, message_id = await self._wanted.get()
            if chat_id in self._without:
                continue
            try:
                await self._client.set_message_reaction(
                    chat_id, message_id, ReactionEmoji.THUMBS_UP
                )
            except RetryAfter as error:
                await asyncio.sleep(wait_of(error))
                self._wanted.put_nowait((chat_id, message_id))
            except TelegramError as error:
                if is_refused(error):
                    self._without.add(chat_id)
                log.info("telegram_no_reaction", error=type(error).__name__)
