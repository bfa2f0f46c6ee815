"""Ways to answer that Discord opens with each interaction, and for how long they stand open.

An interaction's token answers where it was asked, also with messages that only one person sees,
and also where the bot may not write by itself. It ends after a quarter of an hour. Tokens are kept
in memory only: after a restart everything goes by direct message.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import discord

from bot.frontends.base import Caller

OPEN_S = 14 * 60.0
"""A minute less than Discord's quarter of an hour."""
MAX_PEOPLE = 5000
MAX_MESSAGES = 5000


@dataclass
class Door:
    """One interaction. `shows` is the message whose button was pressed."""

    caller: Caller
    user_id: int
    channel_id: int
    hook: discord.Webhook
    opened_at: float
    limit_bytes: int
    shows: int | None = None
    thinking: discord.Interaction[Any] | None = None
    """Says "thinking" until its first answer, which takes that message's place."""
    may_be_public: bool = False
    """The person asked for something to be shown to everybody."""


class Doors:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.now = clock
        self._doors: OrderedDict[int, list[Door]] = OrderedDict()
        self._makers: OrderedDict[int, Door] = OrderedDict()

    def add(self, door: Door) -> Door:
        self._doors[door.user_id] = [*self._open(door.user_id), door]
        self._doors.move_to_end(door.user_id)
        self._sweep()
        return door

    def shut(self, door: Door) -> None:
        """Its token does not work any more, whatever the clock says."""
        door.opened_at = -OPEN_S

    def that_thinks(self, user_id: int, channel_id: int) -> Door | None:
        """The oldest that still owes its first answer there."""
        return next(
            (d for d in self._open(user_id) if d.thinking and d.channel_id == channel_id), None
        )

    def of(self, user_id: int, channel_id: int) -> Door | None:
        """The newest there."""
        doors = [door for door in self._open(user_id) if door.channel_id == channel_id]
        return doors[-1] if doors else None

    def outside(self, user_id: int) -> Door | None:
        """The newest anywhere but in the private chat."""
        doors = [door for door in self._open(user_id) if door.caller.here is not None]
        return doors[-1] if doors else None

    def made(self, message_id: int, door: Door) -> None:
        """Remembers who can edit a message that only its person sees."""
        self._makers[message_id] = door

    def to(self, user_id: int, message_id: int) -> Door | None:
        """One through which that message can be edited."""
        for door in reversed(self._open(user_id)):
            if door.shows == message_id:
                return door
        maker = self._makers.get(message_id)
        return maker if maker is not None and self._is_open(maker) else None

    def _open(self, user_id: int) -> list[Door]:
        return [door for door in self._doors.get(user_id, ()) if self._is_open(door)]

    def _is_open(self, door: Door) -> bool:
        return self.now() - door.opened_at < OPEN_S

    def _sweep(self) -> None:
        """Whoever was away longest stands first, so that looking at the front is enough."""
        while len(self._doors) > MAX_PEOPLE or not self._open(next(iter(self._doors))):
            self._doors.popitem(last=False)
        while len(self._makers) > MAX_MESSAGES:
            self._makers.popitem(last=False)
