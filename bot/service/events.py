"""What engines tell: written to the order's row once, then said to its person.

An event counts if it is of the order's present attempt and newer than the last one. Row and
message are one transaction; the event is acknowledged after it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.incoming import Happening, OrderQueued
from bot.database import errands, orders, people
from bot.database.connection import Database
from bot.database.tables import Account, Order, Person
from bot.service import privacy, results
from bot.service.bells import Bells
from bot.service.faults import facts
from bot.service.locks import Locks
from bot.service.situations import KINDS, Situations
from bot.service.transport import Transport
from bot.service.turns import Turns
from bot.service.visits import Visit
from engine.contract.events import (
    FINAL,
    Cancelled,
    Erased,
    Event,
    Failed,
    Finished,
    PhotoChecked,
    Progress,
)

CONSUMER = "bot"
MAX_AT_ONCE = 16
PROGRESS_EVERY_S = 1.0
"""Progress comes faster than anybody reads; what says nothing new is let go."""
MAX_MOVED_UP = 50
LEAVES_THE_LINE = ("started", *FINAL)
log = structlog.get_logger()
Acknowledge = Callable[[], Awaitable[None]]


class Events:
    def __init__(
        self,
        database: Database,
        transport: Transport,
        situations: Situations,
        turns: Turns,
        locks: Locks,
        bells: Bells,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._transport = transport
        self._situations = situations
        self._turns = turns
        self._locks = locks
        self._bells = bells
        self._clock = clock
        self._shown: dict[str, tuple[str, float]] = {}

    async def run(self) -> None:
        """Reads the stream; people's events wait for one another, not for other people's."""
        stream = await self._transport.stream()
        slots = asyncio.Semaphore(MAX_AT_ONCE)
        async with asyncio.TaskGroup() as tasks, aclosing(stream.events(CONSUMER)) as events:
            async for event, acknowledge in events:
                if self._says_nothing_new(event):
                    await acknowledge()
                    continue
                await slots.acquire()
                task = tasks.create_task(self._handle(event, acknowledge))
                task.add_done_callback(lambda _: slots.release())

    async def _handle(self, event: Event, acknowledge: Acknowledge) -> None:
        """A fault leaves the event unacknowledged: the stream hands it out again later."""
        try:
            await self.take(event)
        except Exception as error:
            log.error("event_failed", kind=event.kind, **facts(error))
            return
        await acknowledge()

    async def take(self, event: Event) -> None:
        """Makes the event count, if it does."""
        moved: str | None = None
        async with self._locks.of(event.owner), self._database.transaction() as tx:
            posted: set[tuple[str, str]] = set()
            order = await tx.get(Order, event.job_id)
            if order is None or order.person_id != event.owner:
                await self._of_nobody(tx, event)
            elif _counts(event, order):
                order.last_sequence = event.sequence
                visit = await self._visit(tx, order)
                moved = order.kind if event.kind in LEAVES_THE_LINE else None
                for happening in await results.apply(visit, order, event, self._situations):
                    await self._turns.announce(visit, happening)
                posted = visit.posted
        self._bells.ring(posted)
        if event.kind in FINAL:
            self._shown.pop(event.job_id, None)
        if moved in KINDS:
            await self._move_up(moved)

    async def tell(self, person_id: str, happening: Happening) -> None:
        """Announces something that is no event of an order, where the person was seen last."""
        async with self._locks.of(person_id), self._database.transaction() as tx:
            person = await tx.get(Person, person_id)
            account = await people.latest_account(tx, person_id)
            if person is None or account is None:
                return
            visit = Visit(tx, person, account, self._clock())
            await self._turns.announce(visit, happening)
        self._bells.ring(visit.posted)

    async def _visit(self, tx: AsyncSession, order: Order) -> Visit:
        person = await tx.get_one(Person, order.person_id)
        account = await tx.get_one(Account, order.account_id)
        return Visit(tx, person, account, self._clock())

    async def _of_nobody(self, tx: AsyncSession, event: Event) -> None:
        """For an order that is gone: what was made for it must go as well."""
        now = self._clock()
        match event:
            case Finished(result=Erased(num_blobs=num_blobs)):
                await privacy.confirm_erasure(tx, event.owner, num_blobs)
            case Finished() | Failed() | Cancelled() if await tx.get(Person, event.owner) is None:
                await privacy.erase_leftovers(tx, event.owner, now)
            case Finished(result=PhotoChecked(report=report)):
                payload = {"hashes": [report.sha256]}
                errands.leave(tx, errands.DISCARD, event.owner, payload, now)
            case _:
                pass

    async def _move_up(self, kind: str) -> None:
        """One has left the line: the others' places are new."""
        async with self._database.reading() as tx:
            waiting = [
                order.id
                for order in await orders.unfinished(tx, kinds=[kind])
                if order.status == orders.WAITING
            ][:MAX_MOVED_UP]
        for order_id in waiting:
            await self._show_place(order_id)

    async def _show_place(self, order_id: str) -> None:
        async with self._database.reading() as tx:
            order = await tx.get(Order, order_id)
        if order is None:
            return
        async with self._locks.of(order.person_id), self._database.transaction() as tx:
            order = await tx.get(Order, order_id)
            if order is None or order.status != orders.WAITING:
                return
            visit = await self._visit(tx, order)
            shown = OrderQueued(order=await self._situations.order(tx, order, visit.now))
            await self._turns.announce(visit, shown)
        self._bells.ring(visit.posted)

    def _says_nothing_new(self, event: Event) -> bool:
        if not isinstance(event, Progress) or event.likeness is not None:
            return False
        phase, at = self._shown.get(event.job_id, ("", 0.0))
        now = asyncio.get_running_loop().time()
        if event.phase == phase and now - at < PROGRESS_EVERY_S and event.step < event.total:
            return True
        self._shown[event.job_id] = (event.phase, now)
        return False


def _counts(event: Event, order: Order) -> bool:
    return (
        order.status in orders.OPEN
        and event.attempt == order.attempt
        and event.sequence > order.last_sequence
    )
