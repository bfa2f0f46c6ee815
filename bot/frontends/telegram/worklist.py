"""Saved updates, worked through in order for each person, and struck off once answered.

An album comes as several updates with no end: it is held until nothing more has come for a
while, and answered once. After a start that includes what Telegram still holds back.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from bot.conversation.incoming import Command
from bot.frontends.base import Arrival
from bot.frontends.telegram.reading import Heard

ALBUM_QUIET_S = 1.5
ALBUM_AT_MOST_S = 15.0
MAX_PHOTOS_AT_ONCE = 30
MAX_TRIES = 8
MAX_BACKOFF_S = 60.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Item:
    arrival_id: int
    heard: Heard


@dataclass
class Lane:
    """What one person did and we have not answered."""

    items: deque[Item] = field(default_factory=deque[Item])
    album_came_at: float = 0.0


class Worklist:
    """`handle` answers items that belong together and strikes them off; `drop` strikes off."""

    def __init__(
        self,
        handle: Callable[[Sequence[Item]], Awaitable[None]],
        drop: Callable[[Sequence[int]], Awaitable[None]],
        understand: Callable[[Arrival], Heard | None],
        album_quiet_s: float = ALBUM_QUIET_S,
        first_pause_s: float = 0.5,
    ) -> None:
        self._handle = handle
        self._drop = drop
        self._understand = understand
        self._album_quiet_s = album_quiet_s
        self._first_pause_s = first_pause_s
        self._lanes: dict[str, Lane] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._complete = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled; what is not struck off by then stays saved."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                user_id = await self._ready.get()
                tasks.create_task(self._work(user_id))

    async def add(self, arrivals: Sequence[Arrival]) -> None:
        """In the order in which they came."""
        ignored: list[int] = []
        for arrival in arrivals:
            heard = self._read(arrival)
            if heard is None:
                ignored.append(arrival.id)
            else:
                self._put(Item(arrival.id, heard))
        if ignored:
            await self._drop(ignored)

    def all_is_here(self) -> None:
        """What waited at Telegram while we were away has been added."""
        self._complete.set()

    def _read(self, arrival: Arrival) -> Heard | None:
        try:
            return self._understand(arrival)
        except Exception as error:
            log.error("telegram_update_not_understood", error=type(error).__name__)
            return None

    def _put(self, item: Item) -> None:
        user_id = item.heard.caller.user_id
        lane = self._lanes.get(user_id)
        if lane is None:
            lane = self._lanes[user_id] = Lane()
            self._ready.put_nowait(user_id)
        lane.items.append(item)
        if item.heard.album:
            lane.album_came_at = asyncio.get_running_loop().time()

    async def _work(self, user_id: str) -> None:
        lane = self._lanes[user_id]
        while lane.items:
            if lane.items[0].heard.album:
                await self._wait_for_album(lane)
            batch = _together(lane.items)
            await self._answer(batch)
            for _ in batch:
                lane.items.popleft()
        del self._lanes[user_id]

    async def _wait_for_album(self, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        await self._complete.wait()
        at_most = loop.time() + ALBUM_AT_MOST_S
        while True:
            left_s = min(at_most, lane.album_came_at + self._album_quiet_s) - loop.time()
            if left_s <= 0:
                return
            await asyncio.sleep(left_s)

    async def _answer(self, batch: Sequence[Item]) -> None:
        """A fault of the database is waited out; an update that always fails is given up."""
        num_tries, pause_s = 0, self._first_pause_s
        while True:
            try:
                if num_tries < MAX_TRIES:
                    await self._handle(batch)
                else:
                    log.error("telegram_update_given_up", num_updates=len(batch))
                    await self._drop([item.arrival_id for item in batch])
                return
            except Exception as error:
                num_tries += 1
                log.error("telegram_update_failed", error=type(error).__name__, num_tries=num_tries)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, MAX_BACKOFF_S)


def _together(items: deque[Item]) -> list[Item]:
    """The first item; with photos, those that follow, up to another command."""
    batch = [items[0]]
    if items[0].heard.attachment is None:
        return batch
    has_command = isinstance(items[0].heard.said, Command)
    for item in list(items)[1:MAX_PHOTOS_AT_ONCE]:
        is_command = isinstance(item.heard.said, Command)
        if item.heard.attachment is None or (is_command and has_command):
            break
        has_command |= is_command
        batch.append(item)
    return batch
