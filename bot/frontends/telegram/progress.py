"""How far a message has got that takes several calls, so that a second try goes on from there.

A call whose answer got lost may have been done. It is tried once more; if that answer gets lost
as well while the server is in good health, it counts as done: one double at most, nothing lost.
And what a server in good health fails at again and again, it does not take.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from math import inf
from typing import Any

import structlog
from telegram.error import BadRequest, TelegramError

from bot.conversation.messages import Message
from bot.frontends.base import Address, TryLaterError
from bot.frontends.telegram.faults import SOON_S, is_fault_of_theirs, is_in_doubt

MAX_REMEMBERED = 1000
MAX_DOUBTS = 2
MAX_FAULTS = 3
PORTION_S = 60.0
"""What takes longer, such as many large files, goes on with the next try."""
log = structlog.get_logger()


@dataclass
class Progress:
    """Of one message to one chat. `step` runs each of its calls once."""

    is_healthy: Callable[[], Awaitable[bool]]
    until: float = inf
    """Time of the event loop after which no further call is begun."""
    done: dict[str, Any] = field(default_factory=dict[str, Any])
    doubts: dict[str, int] = field(default_factory=dict[str, int])
    faults: dict[str, int] = field(default_factory=dict[str, int])

    async def step(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """What the call returned, now or at an earlier try; None where nobody knows."""
        if name not in self.done:
            if asyncio.get_running_loop().time() > self.until:
                raise TryLaterError(0)
            self.done[name] = await self._tried(name, call)
        return self.done[name]

    async def _tried(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await call()
        except TelegramError as error:
            if is_fault_of_theirs(error) and await self._is_refusal(name):
                raise BadRequest(error.message) from error
            if not is_in_doubt(error):
                raise
            self.doubts[name] = self.doubts.get(name, 0) + 1
            if self.doubts[name] < MAX_DOUBTS or not await self.is_healthy():
                log.warning("telegram_answer_lost", step=name, num_doubts=self.doubts[name])
                raise TryLaterError(SOON_S) from error
            log.warning("telegram_taken_as_sent", step=name)
            return None

    async def _is_refusal(self, name: str) -> bool:
        self.faults[name] = self.faults.get(name, 0) + 1
        return self.faults[name] >= MAX_FAULTS and await self.is_healthy()


class Progresses:
    """By chat and message, until the message is through."""

    def __init__(
        self, is_healthy: Callable[[], Awaitable[bool]], portion_s: float = PORTION_S
    ) -> None:
        self._is_healthy = is_healthy
        self._portion_s = portion_s
        self._open: OrderedDict[str, Progress] = OrderedDict()

    def of(self, address: Address, message: Message) -> Progress:
        key = _key(address, message)
        if key not in self._open:
            self._open[key] = Progress(self._is_healthy)
            while len(self._open) > MAX_REMEMBERED:
                self._open.popitem(last=False)
        self._open[key].until = asyncio.get_running_loop().time() + self._portion_s
        return self._open[key]

    def close(self, address: Address, message: Message) -> None:
        self._open.pop(_key(address, message), None)


def _key(address: Address, message: Message) -> str:
    chat = json.dumps(address, sort_keys=True)
    return blake2b(f"{chat}\n{message.model_dump_json()}".encode(), digest_size=16).hexdigest()
