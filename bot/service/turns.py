"""One turn of talk: the conversation is asked, its session and messages are saved, its effects
are done, and what they lead to is announced, all within one transaction.
"""

from collections.abc import Sequence

from bot.conversation import effects as e
from bot.conversation.flow import announce, respond
from bot.conversation.incoming import (
    CollectionChanged,
    Happening,
    Incoming,
    JobCancelled,
    OrderQueued,
    PhotoJudged,
    Pressed,
)
from bot.conversation.messages import MENU
from bot.conversation.reply import Reply
from bot.conversation.situation import Situation
from bot.database import errands, outbox, people
from bot.database.tables import Meta, Order
from bot.service import collecting, follow, ordering, privacy, shelf
from bot.service.follow import Follow
from bot.service.rules import Rules
from bot.service.situations import PAUSED, Situations
from bot.service.visits import Visit

MAX_DEPTH = 8
"""Announcements that lead to announcements; a real turn has two or three."""


class Turns:
    def __init__(self, situations: Situations, rules: Rules) -> None:
        self._situations = situations
        self._rules = rules

    async def respond(self, visit: Visit, incoming: Incoming) -> None:
        """A person did something."""
        if not isinstance(incoming, Pressed):
            await outbox.forget_cards(visit.tx, visit.person.id, MENU)
        situation = await self._situations.load(visit, incoming)
        await self._take(visit, situation, respond(incoming, situation), MAX_DEPTH)

    async def announce(self, visit: Visit, happening: Happening, depth: int = MAX_DEPTH) -> None:
        """Something happened that concerns the person."""
        situation = await self._situations.load(visit, happening)
        visit.announced = True
        await self._take(visit, situation, announce(happening, situation), depth)

    async def _take(self, visit: Visit, situation: Situation, reply: Reply, depth: int) -> None:
        assert depth > 0, "announcements without end"
        is_leaving = any(isinstance(effect, e.EraseEverything) for effect in reply.effects)
        for message in reply.messages:
            await visit.post(message, is_last_word=is_leaving)
        if is_leaving:
            await privacy.erase(visit, situation)
            return
        state = reply.session.model_dump(mode="json")
        await people.save_session(visit.tx, visit.person.id, state)
        await self.perform(visit, reply.effects, depth)

    async def perform(
        self, visit: Visit, effects: Sequence[e.Effect], depth: int = MAX_DEPTH
    ) -> None:
        """Does what was decided, and announces what it leads to."""
        todo: list[Follow] = []
        for effect in effects:
            todo += await self._do(visit, effect)
        await self.follow(visit, todo, depth)

    async def follow(self, visit: Visit, todo: Sequence[Follow], depth: int = MAX_DEPTH) -> None:
        """Announces what effects have led to."""
        for item in dict.fromkeys(todo):
            happening = await self._happening(visit, item)
            if happening is not None:
                await self.announce(visit, happening, depth - 1)

    async def _do(self, visit: Visit, effect: e.Effect) -> list[Follow]:
        match effect:
            case e.OpenCollection():
                return await collecting.open_(visit, effect, self._rules)
            case e.AddPhotos():
                return await collecting.add(visit, effect, self._rules)
            case e.DiscardPhotos():
                collecting.discard(visit, effect.photos)
            case e.RemovePhoto():
                return await collecting.remove(visit, effect)
            case e.ClearCollection():
                return await collecting.clear(visit, effect)
            case e.CloseCollection():
                return await collecting.close(visit, effect)
            case e.ShowCollection():
                return await collecting.show(visit, effect)
            case e.StartTraining():
                return await ordering.train(visit, effect, self._rules)
            case e.Generate():
                return await ordering.generate(visit, effect, self._rules)
            case e.CancelOrder():
                return await ordering.cancel(visit, effect)
            case e.ChooseModel():
                return await shelf.choose(visit, effect)
            case e.RenameModel():
                return await shelf.rename(visit, effect)
            case e.DeleteModel():
                return await shelf.delete_model(visit, effect)
            case e.DeleteHeadshots():
                return await shelf.delete_headshots(visit, effect)
            case e.HandOver():
                await shelf.hand_over(visit, effect)
            case e.ExportEverything():
                account = {"account_id": visit.account.id}
                errands.leave(visit.tx, errands.EXPORT, visit.person.id, account, visit.now)
            case e.SetPaused():
                await visit.tx.merge(Meta(name=PAUSED, value={"value": effect.paused}))
            case e.SetAccess():
                person = await people.named(visit.tx, effect.person)
                if person is not None:
                    person.banned = effect.banned
            case e.SetQuota():
                person = await people.named(visit.tx, effect.person)
                if person is not None:
                    person.headshots_per_day = effect.headshots_per_day
                    person.trainings_per_day = effect.trainings_per_day
            case e.EraseEverything():
                raise AssertionError("done before all others")
        return []

    async def _happening(self, visit: Visit, item: Follow) -> Happening | None:
        match item:
            case follow.ShowCollection():
                return CollectionChanged(collection_id=item.collection_id)
            case follow.ShowVerdict():
                return PhotoJudged(collection_id=item.collection_id, number=item.number)
            case follow.ShowQueued() | follow.ShowCancelled():
                row = await visit.tx.get(Order, item.order_id)
                if row is None or not row.job:
                    return None
                order = await self._situations.order(visit.tx, row, visit.now)
                if isinstance(item, follow.ShowCancelled):
                    return JobCancelled(order=order)
                return OrderQueued(order=order)
