"""The ear and mouth of commands that order over the counter: a frontend without a person to hear.

Shows orders as they go on, and hands endings to the command.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from rich.console import Console, Group, RenderableType
from rich.text import Text

from bot import app
from bot.commands.chat import screen_for
from bot.commands.script import Script
from bot.commands.workplace import Workplace
from bot.conversation.messages import Message
from bot.frontends.base import Address, Inbox, MessageRef
from bot.frontends.terminal import drawing
from bot.frontends.terminal.screen import Screen
from bot.service.counter import PLATFORM, Counter

CANCEL_TIMEOUT_S = 15.0


class Teller:
    """A frontend in the sense of `bot.frontends.base`."""

    name = PLATFORM
    edit_pace_s = 0.2
    verdict_replies = False

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.script = Script()

    async def run(self, inbox: Inbox) -> None:
        await asyncio.Event().wait()

    async def send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        if message.card and message.final:
            self._screen.drop(message.card)
        elif message.card:
            self._screen.card(message.card, message, _draw)
        self.script.hear(message)
        return {}


def _draw(message: Message) -> RenderableType:
    """Title, bar and the first line; advice for people in chats is left out."""
    first = Text(drawing.plain(message.text).split("\n", 1)[0])
    title = Text(drawing.plain(message.title), style="bold")
    if message.progress is None:
        return Text.assemble(title, " · ", first)
    return Group(title, Text.assemble(drawing.bar(message.progress), " ", first))


@asynccontextmanager
async def counter_of(place: Workplace, console: Console) -> AsyncGenerator[tuple[Counter, Teller]]:
    """A service at work, with its counter open."""
    screen = screen_for(console)
    teller = Teller(screen)
    try:
        async with app.serving(place.settings, place.redis_url, [teller], place.blobs) as service:
            yield service.counter, teller
    finally:
        screen.close()


async def see_through(
    place: Workplace, counter: Counter, teller: Teller, owner: str, order_id: str, key: str
) -> Message:
    """Waits for the message that ends an order well. Cancels the order when cancelled itself.

    Raises:
        CommandError: when the order failed.
        PartHopelessError: when our engine is given up.
    """
    try:
        return await place.unless_engine_dies(teller.script.until(lambda m: m.key == key))
    except asyncio.CancelledError:
        await counter.cancel(owner, order_id)
        cancelled = teller.script.until(lambda m: m.key.startswith("cancelled."))
        await asyncio.wait_for(cancelled, CANCEL_TIMEOUT_S)
        print("Cancelled.", file=sys.stderr)
        raise
