"""Letters to chats: in order for each chat, at the pace of each platform, at least once.

A letter goes out of the outbox after the platform took it. Of a card only the newest text is
sent, and none that the chat shows already.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

import structlog

from bot.conversation.messages import Message
from bot.database import outbox
from bot.database.connection import Database
from bot.database.tables import Card, Letter
from bot.frontends.base import Frontend, MessageGoneError, TryLaterError, UnreachableError
from bot.service.bells import Bells
from bot.service.faults import facts
from engine.contract.blobs import BlobMissingError

MAX_TRIES = 10
MAX_BACKOFF_S = 300.0
SEND_TIMEOUT_S = 120.0
LAST_SEND_S = 5.0
MAX_AT_ONCE = 32
LOOK_AROUND_EVERY_S = 1.0
log = structlog.get_logger()


class Delivery:
    def __init__(
        self,
        database: Database,
        frontends: Mapping[str, Frontend],
        bells: Bells,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._frontends = frontends
        self._bells = bells
        self._clock = clock
        self._busy: set[tuple[str, str]] = set()
        self._wake_at: dict[tuple[str, str], datetime] = {}
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)

    async def run(self) -> None:
        """Starts with whatever lies in the outbox; then looks where letters were posted."""
        async with self._database.reading() as tx:
            self._bells.stirred_chats |= set(await outbox.chats_waiting(tx))
        self._busy.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_around())
            while True:
                for chat in self._chats_to_serve():
                    self._busy.add(chat)
                    tasks.create_task(self._serve(chat))
                await self._bells.letters.wait(self._until_next_s())

    async def _look_around(self) -> None:
        """Another process on the same database may post letters for our chats; it rings no bell."""
        while True:
            await asyncio.sleep(LOOK_AROUND_EVERY_S)
            async with self._database.reading() as tx:
                waiting = set(await outbox.chats_waiting(tx))
            known = self._busy | self._wake_at.keys()
            news = {chat for chat in waiting - known if chat[0] in self._frontends}
            if news:
                self._bells.stirred_chats |= news
                self._bells.letters.ring()

    def _chats_to_serve(self) -> list[tuple[str, str]]:
        now = self._clock()
        due = {chat for chat, at in self._wake_at.items() if at <= now}
        chats = (due | self._bells.stirred_chats) - self._busy
        self._bells.stirred_chats -= chats
        for chat in chats:
            self._wake_at.pop(chat, None)
        return sorted(chat for chat in chats if chat[0] in self._frontends)

    def _until_next_s(self) -> float | None:
        waiting = [at for chat, at in self._wake_at.items() if chat not in self._busy]
        if not waiting:
            return None
        return max(0.0, (min(waiting) - self._clock()).total_seconds())

    async def _serve(self, chat: tuple[str, str]) -> None:
        """Sends what can be sent now; notes when to look again."""
        platform, key = chat
        wake_at: datetime | None = None
        try:
            async with self._slots:
                wake_at = await self._send_all(self._frontends[platform], key)
        except Exception as error:
            log.error("delivery_failed", platform=platform, **facts(error))
            wake_at = self._clock() + timedelta(seconds=5)
        finally:
            self._busy.discard(chat)
            if wake_at is not None:
                self._wake_at[chat] = wake_at
            self._bells.letters.ring()

    async def _send_all(self, frontend: Frontend, chat: str) -> datetime | None:
        while True:
            async with self._database.reading() as tx:
                letters = await outbox.waiting_for(tx, chat)
                cards = {
                    letter.card: await outbox.card_of(tx, letter.person_id, chat, letter.card)
                    for letter in letters
                    if letter.card is not None
                }
            chosen, wake_at = self._choose(frontend, letters, cards)
            if chosen is None:
                return wake_at
            await self._send(frontend, chosen, cards.get(chosen.card or ""))

    def _choose(
        self, frontend: Frontend, letters: Sequence[Letter], cards: Mapping[str, Card | None]
    ) -> tuple[Letter | None, datetime | None]:
        """The first letter that may go now, or when to look again.

        A letter that must be tried again holds up those behind it; an edit that only waits for
        its pace does not.
        """
        now = self._clock()
        wake_at: datetime | None = None
        for letter in letters:
            if letter.next_try_at > now:
                return None, min(wake_at or letter.next_try_at, letter.next_try_at)
            card = cards.get(letter.card) if letter.card is not None else None
            if card is not None and not letter.urgent and not letter.message["final"]:
                ready_at = card.sent_at + timedelta(seconds=frontend.edit_pace_s)
                if ready_at > now:
                    wake_at = min(wake_at or ready_at, ready_at)
                    continue
            return letter, None
        return None, wake_at

    async def _send(self, frontend: Frontend, letter: Letter, card: Card | None) -> None:
        message = Message.model_validate(letter.message)
        shown = blake2b(message.model_dump_json().encode(), digest_size=16).hexdigest()
        if card is not None and card.shown == shown:
            async with self._database.transaction() as tx:
                await outbox.strike(tx, letter)
            return
        sending = asyncio.ensure_future(self._hand_over(frontend, letter, message, card, shown))
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            # On the way out: what the platform is taking now would else be sent again.
            await asyncio.wait([sending], timeout=LAST_SEND_S)
            sending.cancel()
            raise

    async def _hand_over(
        self, frontend: Frontend, letter: Letter, message: Message, card: Card | None, shown: str
    ) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                ref = await frontend.send(
                    letter.address, message, None if card is None else card.ref
                )
        except Exception as error:
            await self._put_off(letter, error)
            return
        async with self._database.transaction() as tx:
            await outbox.sent(tx, letter, ref, shown, self._clock())
        if letter.person_id is None:
            await self._database.scrub()

    async def _put_off(self, letter: Letter, error: Exception) -> None:
        """Decides by the fault whether, and when, the letter is tried again."""
        now = self._clock()
        about = {"platform": letter.platform, **facts(error)}
        async with self._database.transaction() as tx:
            if isinstance(error, UnreachableError):
                log.info("letter_parked", **about, problem=error.problem)
                await outbox.park(tx, letter.id, error.problem)
            elif isinstance(error, MessageGoneError):
                await outbox.forget_ref(tx, letter)
            elif isinstance(error, TryLaterError):
                until = now + timedelta(seconds=error.after_s)
                await outbox.postpone(tx, letter.id, until, counts=False)
            elif isinstance(error, BlobMissingError):
                log.info("letter_dropped", **about)
                await outbox.strike(tx, letter)
            elif letter.num_tries + 1 >= MAX_TRIES:
                log.error("letter_parked", **about)
                await outbox.park(tx, letter.id, type(error).__name__)
            else:
                log.warning("letter_put_off", **about, num_tries=letter.num_tries + 1)
                backoff_s = min(2.0**letter.num_tries, MAX_BACKOFF_S)
                await outbox.postpone(
                    tx, letter.id, now + timedelta(seconds=backoff_s), counts=True
                )
