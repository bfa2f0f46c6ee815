"""Where direct messages go: each person's channel, and who was found to take none.

Discord tells a channel's id when asked, and it never changes; asking anew for every message would
cost a request each, and discord.py remembers 128 channels only.
"""

from collections import OrderedDict
from collections.abc import Callable

import discord

from bot.frontends.base import UnreachableError
from bot.frontends.discord.faults import translated

CLOSED_FOR_S = 600.0
"""So long nobody is written to who was found to take no direct messages."""
MAX_PEOPLE = 5000


class Homes:
    def __init__(self, client: discord.Client, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._channels: OrderedDict[int, int] = OrderedDict()
        self._closed: OrderedDict[int, float] = OrderedDict()
        self._reached: OrderedDict[int, float] = OrderedDict()

    async def of(self, user_id: int) -> int:
        """The id of the person's channel.

        Raises:
            UnreachableError: without asking Discord, which counts refused requests, for whoever
                was found closed a short while ago.
        """
        if self.is_closed(user_id):
            raise UnreachableError("dm_closed")
        if user_id not in self._channels:
            with translated():
                channel = await self._client.create_dm(discord.Object(user_id))
            self._channels[user_id] = channel.id
        self._channels.move_to_end(user_id)
        _forget_oldest(self._channels)
        return self._channels[user_id]

    def is_closed(self, user_id: int) -> bool:
        return self._closed.get(user_id, -CLOSED_FOR_S) + CLOSED_FOR_S > self._clock()

    def reached_since(self, user_id: int, moment: float) -> bool:
        """Something of ours has come to the person's private chat since then."""
        return self._reached.get(user_id, moment - 1) >= moment

    def found_open(self, user_id: int) -> None:
        self._reached[user_id] = self._clock()
        self._reached.move_to_end(user_id)
        _forget_oldest(self._reached)

    def found_closed(self, user_id: int) -> None:
        self._closed.setdefault(user_id, self._clock())
        self._channels.pop(user_id, None)
        _forget_oldest(self._closed)

    def may_be_open(self, user_id: int) -> None:
        """The person did something: perhaps they have opened their direct messages."""
        self._closed.pop(user_id, None)


def _forget_oldest(known: "OrderedDict[int, int] | OrderedDict[int, float]") -> None:
    while len(known) > MAX_PEOPLE:
        known.popitem(last=False)
