"""All parts of the service, put together. Knows who needs whom; decides nothing.

Frontends hand in what people do (`inbox`); `run` does the rest until it is cancelled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import structlog

from bot.database.connection import Database
from bot.frontends.base import Frontend
from bot.service.bells import Bells
from bot.service.counter import Counter
from bot.service.delivery import Delivery
from bot.service.dispatch import RECONCILE_EVERY_S, Dispatch
from bot.service.engines import GRACE_S, LOOK_EVERY_S, EngineSigns, EngineWatch
from bot.service.errand_runner import ErrandRunner
from bot.service.events import Events
from bot.service.examples import Examples
from bot.service.faults import facts
from bot.service.inbox import ServiceInbox
from bot.service.locks import Locks
from bot.service.rules import Rules
from bot.service.situations import Situations
from bot.service.transport import Transport
from bot.service.turns import Turns
from engine.contract.blobs import Blobs

MAX_BACKOFF_S = 30.0
log = structlog.get_logger()
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Service:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        redis_url: str,
        frontends: Sequence[Frontend],
        rules: Rules,
        clock: Clock = utc_now,
        reconcile_every_s: float = RECONCILE_EVERY_S,
        engine_grace_s: float = GRACE_S,
        engine_look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        bells, locks, signs = Bells(), Locks(), EngineSigns()
        transport = Transport(redis_url)
        by_name = {frontend.name: frontend for frontend in frontends}
        with_verdicts = frozenset(f.name for f in frontends if f.verdict_replies)
        with_forms = frozenset(f.name for f in frontends if getattr(f, "upload_form", False))
        examples = Examples(blobs)
        situations = Situations(rules, signs, with_verdicts, with_forms, examples)
        turns = Turns(situations, rules)
        events = Events(database, transport, situations, turns, locks, bells, clock)
        errands = ErrandRunner(
            database, blobs, transport, turns, situations, rules, locks, bells, clock
        )
        dispatch = Dispatch(
            database, blobs, transport, events.take, bells.orders, clock, reconcile_every_s
        )
        watch = EngineWatch(
            signs, transport, database, events.tell, clock, engine_grace_s, engine_look_every_s
        )
        self.counter = Counter(database, blobs, situations, turns, rules, locks, bells, clock)
        self.inbox = ServiceInbox(database, blobs, turns, locks, bells, clock)
        self._parts: dict[str, Callable[[], Awaitable[None]]] = {
            "transport": transport.run,
            "events": events.run,
            "dispatch": dispatch.run,
            "reconcile": dispatch.run_reconciling,
            "delivery": Delivery(database, by_name, bells, clock).run,
            "errands": errands.run,
            "engines": watch.run,
            "examples": examples.run,
        }

    async def run(self) -> None:
        """Runs until cancelled. A part that fails is started again; the others go on."""
        async with asyncio.TaskGroup() as tasks:
            for name, part in self._parts.items():
                tasks.create_task(keep_running(name, part), name=name)


async def keep_running(name: str, part: Callable[[], Awaitable[None]]) -> None:
    """Starts a part again whenever it ends, after a pause that grows with quick failures."""
    loop = asyncio.get_running_loop()
    backoff_s = 0.5
    while True:
        began = loop.time()
        try:
            await part()
            log.error("part_ended", part=name)
        except Exception as error:
            log.error("part_failed", part=name, **facts(error))
        if loop.time() - began > MAX_BACKOFF_S:
            backoff_s = 0.5
        await asyncio.sleep(backoff_s)
        backoff_s = min(backoff_s * 2, MAX_BACKOFF_S)
