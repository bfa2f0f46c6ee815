"""Whether any engine is alive, and telling those who wait when that changes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from redis.exceptions import RedisError
from sqlalchemy import select

from bot.conversation.incoming import EngineAway, EngineBack, Happening
from bot.database import orders
from bot.database.connection import Database
from bot.database.tables import Person
from bot.service.transport import Transport

LOOK_EVERY_S = 5.0
ANSWER_WITHIN_S = 5.0
GRACE_S = 45.0
"""A restart of an engine is nothing to worry people with."""
FOR_ENGINES = ("train_lora", "generate_headshots", "check_photo")

Tell = Callable[[str, Happening], Awaitable[None]]


class EngineSigns:
    """What was last seen. Alive until it has been silent for a while."""

    def __init__(self) -> None:
        self.num_engines = 0
        self.alive = True


class EngineWatch:
    """Looks for engines' signs of life."""

    def __init__(
        self,
        signs: EngineSigns,
        transport: Transport,
        database: Database,
        tell: Tell,
        clock: Callable[[], datetime],
        grace_s: float = GRACE_S,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._signs = signs
        self._transport = transport
        self._database = database
        self._tell = tell
        self._clock = clock
        self._grace_s = grace_s
        self._look_every_s = look_every_s
        self._seen_at = clock()

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._look_every_s)

    async def look(self) -> None:
        now = self._clock()
        self._signs.num_engines = await self._count()
        if self._signs.num_engines:
            self._seen_at = now
        self._signs.alive = (now - self._seen_at).total_seconds() <= self._grace_s
        if self._signs.alive and self._signs.num_engines:
            await self._tell_all(was_told=True, happening=EngineBack())
        elif not self._signs.alive:
            await self._tell_all(was_told=False, happening=EngineAway())

    async def _count(self) -> int:
        queue = self._transport.queue_now
        if queue is None:
            return 0
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return len(await queue.engines_alive())
        except (TimeoutError, RedisError, OSError):
            return 0

    async def _tell_all(self, was_told: bool, happening: Happening) -> None:
        """The away are told once, and only those told are told that it is back."""
        async with self._database.reading() as tx:
            query = select(Person.id).where(Person.told_engine_away == was_told)
            if not was_told:
                waiting = await orders.unfinished(tx, kinds=FOR_ENGINES)
                query = query.where(Person.id.in_({order.person_id for order in waiting}))
            people = list(await tx.scalars(query))
        for person_id in people:
            async with self._database.transaction() as tx:
                person = await tx.get(Person, person_id)
                if person is not None:
                    person.told_engine_away = not was_told
            await self._tell(person_id, happening)
