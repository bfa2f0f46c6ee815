"""Follows a chat for who plays a part in it by script: what was said, and waiting for more."""

import asyncio
from collections.abc import Callable

from bot.commands.faults import CommandError
from bot.conversation.actions import Verb
from bot.conversation.messages import Button, Message

SILENCE_S = 600.0
"""After so long without a word something hangs."""
ENDINGS = ("failure.", "cancelled.", "access.", "quota.", "start.too_few", "upload.")


class Script:
    def __init__(self) -> None:
        self._said: list[Message] = []
        self._read = 0
        self._news = asyncio.Event()

    def hear(self, message: Message) -> None:
        self._said.append(message)
        self._news.set()

    async def until(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message of that kind.

        Raises:
            CommandError: when a failure is told instead, or nothing is said for long.
        """
        while True:
            while self._read < len(self._said):
                message = self._said[self._read]
                self._read += 1
                if wanted(message):
                    return message
                if message.key.startswith(ENDINGS):
                    raise CommandError(message.text.split("\n\n")[0])
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), SILENCE_S)
            except TimeoutError as error:
                raise CommandError(
                    f"nothing has happened for {SILENCE_S / 60:.0f} minutes"
                ) from error


def button(message: Message, verb: Verb) -> Button | None:
    """The button of a message that does this."""
    return next((b for row in message.buttons for b in row if b.action.verb == verb), None)
