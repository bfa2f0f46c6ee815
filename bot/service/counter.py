"""Orders over the counter: for commands that train and draw without a conversation.

They stand for a person who also chats, and share their models. What comes of an order is told to
an account of their own, so that no chat misses or repeats anything.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256

from bot.conversation.effects import CancelOrder, DeleteModel, Generate, StartTraining
from bot.conversation.situation import Model, Photo
from bot.database import errands, models, people, photos
from bot.database.connection import Database
from bot.database.tables import Account, Collection, Person
from bot.frontends.base import Address, Caller
from bot.service import collecting, ordering, taking_in
from bot.service.bells import Bells
from bot.service.follow import Follow, ShowQueued
from bot.service.locks import Locks
from bot.service.rules import Rules
from bot.service.situations import Situations, photo_of
from bot.service.turns import Turns
from bot.service.visits import Visit
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.jobs import Quality, derive_id
from engine.contract.manifests import LoraManifest

PLATFORM = "command"
ADDRESS: Address = {"command": "local"}
TIDYING_S = 10.0
LOOK_EVERY_S = 0.05
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""The counter is never where a person was seen last."""


class Counter:
    """For one person: whoever `caller` is in a chat."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        situations: Situations,
        turns: Turns,
        rules: Rules,
        locks: Locks,
        bells: Bells,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._situations = situations
        self._turns = turns
        self._rules = rules
        self._locks = locks
        self._bells = bells
        self._clock = clock

    async def owner(self, caller: Caller) -> str:
        """Who this is, in blob keys; made known on first sight."""
        async with self._database.transaction() as tx:
            now = self._clock()
            person, _ = await people.welcome(
                tx, caller.platform, caller.user_id, caller.address, caller.locale, now
            )
            if await people.account_of(tx, PLATFORM, person.id) is None:
                tx.add(
                    Account(
                        person_id=person.id,
                        platform=PLATFORM,
                        platform_user_id=person.id,
                        address=ADDRESS,
                        seen_at=LONG_AGO,
                    )
                )
            return person.id

    async def models(self, owner: str) -> list[Model]:
        """All models of the person, oldest first."""
        async with self._visit(owner) as visit:
            return list((await self._situations.load(visit)).models)

    async def collect(self, owner: str, files: Sequence[bytes]) -> str:
        """Has photos checked, apart from those collected in a chat. Returns the collection's id."""
        hashes = await asyncio.to_thread(lambda: [sha256(file).hexdigest() for file in files])
        for digest, file in zip(hashes, files, strict=True):
            await self._blobs.put(keys.photo(owner, digest), file)
        async with self._visit(owner) as visit:
            now = visit.now
            collection = Collection(
                id=derive_id("counter", owner, now, *hashes),
                person_id=owner,
                next_number=1,
                created_at=now,
                closed_at=now,
            )
            visit.tx.add(collection)
            await visit.tx.flush()
            await collecting.add_to(visit, collection, hashes, self._rules)
            return collection.id

    async def photos(self, collection_id: str) -> list[Photo]:
        """As far as they have been checked, in the order given."""
        async with self._database.reading() as tx:
            return [photo_of(row) for row in await photos.of_collection(tx, collection_id)]

    async def put_away(self, owner: str, collection_id: str) -> None:
        """Deletes collected photos and what is left of a training, unless a model came of it.

        Returns when that is done: who ordered may leave at once, and nothing of theirs may stay.
        """
        async with self._visit(owner) as visit:
            collection = await visit.tx.get(Collection, collection_id)
            model_id = derive_id("train_lora", owner, collection_id)
            model = await models.own(visit.tx, owner, model_id)
            if model is not None and model.status == models.FAILED:
                await self._turns.perform(visit, [DeleteModel(model_id=model_id)])
            elif model is None and collection is not None and collection.person_id == owner:
                collecting.discard(visit, await photos.drop_collection(visit.tx, collection))
        with suppress(TimeoutError):
            async with asyncio.timeout(TIDYING_S):
                while await self._is_untidy():
                    self._bells.errands.ring()
                    await asyncio.sleep(LOOK_EVERY_S)

    async def _is_untidy(self) -> bool:
        async with self._database.reading() as tx:
            return bool(await errands.due(tx, self._clock()))

    async def train(self, owner: str, collection_id: str, name: str, quality: Quality) -> str:
        """Returns the id of the order, which is the model's, too."""
        effect = StartTraining(collection_id=collection_id, name=name, quality=quality)
        return await self._order(owner, lambda visit: ordering.train(visit, effect, self._rules))

    async def generate(self, owner: str, wish: Generate) -> str:
        """Returns the id of the order. The same wish with the same seed is the same order."""
        return await self._order(owner, lambda visit: ordering.generate(visit, wish, self._rules))

    async def cancel(self, owner: str, order_id: str) -> None:
        async with self._visit(owner) as visit:
            await self._turns.perform(visit, [CancelOrder(order_id=order_id)])

    async def take_in(self, owner: str, name: str, lora: bytes, manifest: LoraManifest) -> str:
        """Makes a LoRA file a model of the person. The same file is the same model."""
        model_id = await taking_in.store(self._blobs, owner, lora, manifest)
        async with self._visit(owner) as visit:
            await taking_in.enter(visit.tx, owner, model_id, name, manifest, visit.now)
        return model_id

    async def _order(
        self, owner: str, place: Callable[[Visit], Awaitable[Sequence[Follow]]]
    ) -> str:
        async with self._visit(owner) as visit:
            (queued,) = await place(visit)
            assert isinstance(queued, ShowQueued)
            await self._turns.follow(visit, [queued])
            return queued.order_id

    @asynccontextmanager
    async def _visit(self, owner: str) -> AsyncGenerator[Visit]:
        async with self._locks.of(owner), self._database.transaction() as tx:
            account = await people.account_of(tx, PLATFORM, owner)
            assert account is not None, "owner() comes first"
            person = await tx.get_one(Person, owner)
            visit = Visit(tx, person, account, self._clock(), urgent=True)
            yield visit
            stirred = {(visit.home.platform, visit.home.key)} | visit.posted
        self._bells.ring(stirred)
