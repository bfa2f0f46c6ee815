"""What people do, taken in order for each of them, saved before it counts as received."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.incoming import (
    Command,
    Incoming,
    PhotosReceived,
    Pressed,
    UploadRefused,
)
from bot.database import arrivals, errands, outbox, people, photos
from bot.database.connection import Database
from bot.database.tables import Json, Person
from bot.frontends.base import Arrival, Caller, MessageRef
from bot.service.bells import Bells
from bot.service.locks import Locks
from bot.service.turns import Turns
from bot.service.visits import Visit, chat_of
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.failures import EngineError

ORPHANED_AFTER = timedelta(minutes=10)
"""Stored photos that no row needs by then came without an answer: the bot was killed."""
log = structlog.get_logger()


@dataclass(frozen=True)
class Brought:
    """What a frontend hands in at once."""

    incoming: Incoming
    hashes: Sequence[str]
    photos: Sequence[bytes]
    origins: Mapping[str, MessageRef]
    settles: Sequence[int]


class ServiceInbox:
    """The `Inbox` that frontends are given."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        turns: Turns,
        locks: Locks,
        bells: Bells,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._turns = turns
        self._locks = locks
        self._bells = bells
        self._clock = clock

    async def keep(self, source: str, payloads: Sequence[Json]) -> list[Arrival]:
        async with self._database.transaction() as tx:
            rows = await arrivals.keep(tx, source, payloads, self._clock())
        return [Arrival(row.id, row.payload or {}) for row in rows]

    async def kept(self, source: str) -> list[Arrival]:
        async with self._database.reading() as tx:
            rows = await arrivals.unsettled(tx, source)
        return [Arrival(row.id, row.payload or {}) for row in rows]

    async def settle(self, ids: Sequence[int]) -> None:
        async with self._database.transaction() as tx:
            await arrivals.settle(tx, ids)

    async def receive(
        self,
        caller: Caller,
        incoming: Incoming,
        photos: Sequence[bytes] = (),
        origins: Sequence[MessageRef] = (),
        settles: Sequence[int] = (),
    ) -> None:
        # Two locks: the account's keeps the order of arrival before we know whose it is.
        async with self._locks.of(f"{caller.platform}:{caller.user_id}"):
            hashes = await asyncio.to_thread(_hashes, photos)
            brought = Brought(incoming, hashes, photos, _by_hash(hashes, origins), settles)
            while True:
                owner = await self._welcome(caller)
                async with self._locks.of(owner):
                    if await self._take(caller, owner, brought):
                        return

    async def _welcome(self, caller: Caller) -> str:
        async with self._database.reading() as tx:
            account = await people.account_of(tx, caller.platform, caller.user_id)
        if account is not None:
            return account.person_id
        async with self._database.transaction() as tx:
            person, _ = await people.welcome(
                tx, caller.platform, caller.user_id, caller.address, caller.locale, self._clock()
            )
            return person.id

    async def _take(self, caller: Caller, owner: str, brought: Brought) -> bool:
        """False where the person had left while we waited: they come back as somebody new."""
        incoming, hashes, data = brought.incoming, brought.hashes, brought.photos
        if hashes and not await self._store(owner, dict(zip(hashes, data, strict=True))):
            incoming = UploadRefused(reason="download_failed", num_files=len(hashes))
            hashes = ()
        async with self._database.transaction() as tx:
            person = await tx.get(Person, owner)
            account = await people.account_of(tx, caller.platform, caller.user_id)
            if person is None or account is None:
                return False
            person.locale = caller.locale or person.locale
            account.address = dict(caller.address)
            account.seen_at = self._clock()
            visit = Visit(
                tx,
                person,
                account,
                self._clock(),
                here=caller.here,
                here_is_private=caller.here_is_private,
                is_admin=caller.is_admin,
                origins=brought.origins,
            )
            await arrivals.settle(tx, brought.settles)
            if hashes:
                incoming = await _with_hashes(tx, owner, incoming, hashes)
            visit.urgent = isinstance(incoming, Pressed | Command) and not hashes
            await outbox.revive(tx, owner, visit.now)
            await self._turns.respond(visit, incoming)
            home = chat_of(caller.platform, caller.address)
        self._bells.ring(visit.posted | {(home.platform, home.key)})
        return True

    async def _store(self, owner: str, photos_by_hash: dict[str, bytes]) -> bool:
        """Puts bytes into the blob store, having noted that they may turn out unused."""
        async with self._database.transaction() as tx:
            if await tx.get(Person, owner) is None:
                return True
            payload = {"hashes": sorted(photos_by_hash)}
            now = self._clock()
            errands.leave(tx, errands.DISCARD, owner, payload, now, after=ORPHANED_AFTER)
        try:
            for digest, data in photos_by_hash.items():
                await self._blobs.put(keys.photo(owner, digest), data)
        except EngineError as error:
            log.error("photo_not_stored", code=error.failure.code)
            return False
        return True


def _hashes(data: Sequence[bytes]) -> list[str]:
    return [sha256(photo).hexdigest() for photo in data]


def _by_hash(hashes: Sequence[str], origins: Sequence[MessageRef]) -> dict[str, MessageRef]:
    """Of bytes that came twice, the first message counts."""
    return dict(reversed(list(zip(hashes, origins, strict=False))))


async def _with_hashes(
    tx: AsyncSession, owner: str, incoming: Incoming, hashes: Sequence[str]
) -> Incoming:
    """Fills in which photos are new to the open collection, and how many are not."""
    collection = await photos.open_collection(tx, owner)
    there: set[str] = set()
    if collection is not None:
        there = {photo.sha256 for photo in await photos.of_collection(tx, collection.id)}
    new = tuple(digest for digest in dict.fromkeys(hashes) if digest not in there)
    came = {"photos": new, "num_repeated": len(hashes) - len(new)}
    if isinstance(incoming, Command):
        received = incoming.photos or PhotosReceived()
        return incoming.model_copy(update={"photos": received.model_copy(update=came)})
    received = incoming if isinstance(incoming, PhotosReceived) else PhotosReceived()
    return received.model_copy(update=came)
