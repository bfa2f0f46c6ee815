"""Runs errands: deletes blobs that nobody needs, packs exports, erases those who left.

An errand is tried until it is done. Doing one twice does no harm.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.flow import announce
from bot.conversation.incoming import ExportReady, FilesReady
from bot.conversation.session import Session
from bot.conversation.situation import Situation
from bot.database import errands, outbox, photos
from bot.database.connection import Database
from bot.database.outbox import Chat
from bot.database.tables import Account, Errand, Json, Order, Person
from bot.service import export, privacy
from bot.service.bells import Bells
from bot.service.faults import facts
from bot.service.locks import Locks
from bot.service.rules import Rules
from bot.service.situations import Situations
from bot.service.transport import Transport
from bot.service.turns import Turns
from bot.service.visits import Visit
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.jobs import Erase, derive_id

AGAIN_S = 5.0
MAX_BACKOFF_S = 600.0
EXPORT_KEPT = timedelta(days=1)
log = structlog.get_logger()


class ErrandRunner:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        transport: Transport,
        turns: Turns,
        situations: Situations,
        rules: Rules,
        locks: Locks,
        bells: Bells,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._transport = transport
        self._turns = turns
        self._situations = situations
        self._rules = rules
        self._locks = locks
        self._bells = bells
        self._clock = clock

    async def run(self) -> None:
        while True:
            async with self._database.reading() as tx:
                next_at = await errands.next_at(tx)
            wait_s = None if next_at is None else (next_at - self._clock()).total_seconds()
            if wait_s is None or wait_s > 0:
                await self._bells.errands.wait(wait_s)
            else:
                await self.run_due()

    async def run_due(self) -> None:
        async with self._database.reading() as tx:
            due = await errands.due(tx, self._clock())
        for errand in due:
            owner = errand.person_id or errand.payload["owner"]
            async with self._locks.of(owner):
                await self._attempt(errand.id)

    async def _attempt(self, errand_id: int) -> None:
        async with self._database.reading() as tx:
            errand = await tx.get(Errand, errand_id)
        if errand is None:
            return
        try:
            is_done = await self._do(errand)
        except Exception as error:
            log.warning("errand_failed", kind=errand.kind, **facts(error))
            is_done = False
        async with self._database.transaction() as tx:
            row = await tx.get(Errand, errand_id)
            if row is not None and is_done:
                await tx.delete(row)
            elif row is not None and not _is_confirmed_meanwhile(row, errand):
                wait_s = min(AGAIN_S * 2**row.num_tries, MAX_BACKOFF_S)
                row.next_try_at = self._clock() + timedelta(seconds=wait_s)
                row.num_tries += 1
        if errand.kind == errands.ERASE:
            await self._database.scrub()

    async def _do(self, errand: Errand) -> bool:
        """Whether it is done."""
        match errand.kind:
            case errands.DISCARD:
                await self._discard(str(errand.person_id), errand.payload["hashes"])
            case errands.DELETE:
                for prefix in errand.payload["prefixes"]:
                    await self._blobs.erase(prefix)
            case errands.EXPORT:
                await self._export(errand)
            case errands.HAND_OVER:
                await self._hand_over(errand)
            case errands.ERASE:
                return await self._erase(errand)
            case _:
                log.error("errand_unknown", kind=errand.kind)
        return True

    async def _discard(self, owner: str, hashes: list[str]) -> None:
        async with self._database.reading() as tx:
            used = await photos.used(tx, owner, hashes)
        unused = [digest for digest in hashes if digest not in used]
        blobs = [key(owner, digest) for digest in unused for key in (keys.photo, keys.report)]
        await self._blobs.delete(blobs)

    async def _export(self, errand: Errand) -> None:
        owner = str(errand.person_id)
        prefix = f"{keys.person(owner)}exports/{errand.id}/"
        data = await export.pack(self._database, self._blobs, owner)
        await self._blobs.put(prefix + export.FILENAME, data)
        async with self._database.transaction() as tx:
            person = await tx.get_one(Person, owner)
            account = await tx.get_one(Account, errand.payload["account_id"])
            visit = Visit(tx, person, account, self._clock())
            ready = ExportReady(key=prefix + export.FILENAME, filename=export.FILENAME)
            await self._turns.announce(visit, ready)
            payload = {"prefixes": [prefix]}
            errands.leave(tx, errands.DELETE, owner, payload, visit.now, after=EXPORT_KEPT)
        self._bells.ring(visit.posted)

    async def _hand_over(self, errand: Errand) -> None:
        """Of a set that was deleted meanwhile there is nothing to say."""
        owner, payload = str(errand.person_id), errand.payload
        async with self._database.reading() as tx:
            order = await tx.get(Order, payload["set_id"])
            made = await self._situations.headshot_set(tx, order) if order and order.job else None
        if made is None or not made.shots:
            return
        if payload["what"] == "zip":
            prefix = f"{export.of_set(owner, made.id)}{errand.id}/"
            ready = await export.put_set(self._blobs, made, prefix)
            goes = {"prefixes": [prefix]}
        else:
            cuts = [keys.cut(shot.key, keys.PROFILE) for shot in made.shots]
            is_there = all([await self._blobs.exists(cut) for cut in cuts])
            ready, goes = FilesReady(headshots=made, what="profiles", is_there=is_there), None
        async with self._database.transaction() as tx:
            person = await tx.get_one(Person, owner)
            account = await tx.get_one(Account, payload["account_id"])
            visit = Visit(tx, person, account, self._clock())
            await self._turns.announce(visit, ready)
            if goes is not None:
                errands.leave(tx, errands.DELETE, owner, goes, visit.now, after=EXPORT_KEPT)
        self._bells.ring(visit.posted)

    async def _erase(self, errand: Errand) -> bool:
        """Deletes directly, stops what runs, and has an engine delete what it may still write."""
        payload = dict(errand.payload)
        owner = payload["owner"]
        payload["num_blobs"] += await self._blobs.erase(keys.person(owner))
        if not payload["is_confirmed"]:
            await self._ask_engine(owner, payload["runs"])
        now = self._clock()
        waited_s = (now - errand.created_at).total_seconds()
        is_quiet = not payload["runs"] or payload["is_confirmed"]
        tell = not payload["is_told"] and (is_quiet or waited_s >= privacy.PATIENCE_S)
        posted: set[tuple[str, str]] = set()
        async with self._database.transaction() as tx:
            if tell:
                posted = await self._say_farewell(tx, payload, now)
                payload["is_told"] = True
                log.info("everything_erased", receipt=privacy.receipt_of(owner))
            row = await tx.get_one(Errand, errand.id)
            confirmed = row.payload["is_confirmed"]
            row.payload = {**payload, "is_confirmed": confirmed}
        self._bells.ring(posted)
        return payload["is_confirmed"] and payload["is_told"]

    async def _ask_engine(self, owner: str, runs: list[list[object]]) -> None:
        """Tried again with the errand, where the queue is away."""
        queue = self._transport.queue_now
        if queue is None:
            return
        job = Erase(job_id=derive_id("erase", owner), owner=owner, prefixes=(keys.person(owner),))
        try:
            for job_id, attempt in runs:
                await queue.cancel(str(job_id), int(str(attempt)))
            await queue.enqueue(job)
        except (RedisError, OSError) as error:
            log.warning("erasure_not_asked", error=type(error).__name__)

    async def _say_farewell(
        self, tx: AsyncSession, payload: Json, now: datetime
    ) -> set[tuple[str, str]]:
        situation = Situation(
            now=now,
            session=Session.model_validate(payload["session"]),
            platform_locale=payload["platform_locale"],
            limits=self._rules.limits,
            styles=self._rules.styles,
        )
        chat = Chat(**payload["chat"])
        for message in announce(privacy.proof(payload), situation).messages:
            await outbox.post(tx, None, chat, message.model_dump(mode="json"), None, now)
        return {(chat.platform, chat.key)}


def _is_confirmed_meanwhile(row: Errand, seen: Errand) -> bool:
    """An engine's answer came while we worked: the errand stays due."""
    return bool(row.payload.get("is_confirmed")) and not seen.payload.get("is_confirmed")
