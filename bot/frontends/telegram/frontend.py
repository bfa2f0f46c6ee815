"""Telegram as a chat platform: updates to what the conversation understands, messages to chats.

    polling or webhook ─► saved ─► worklist ─► inbox        delivery ─► sending

It keeps nothing: updates are saved by the inbox before Telegram may forget them.
"""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from telegram import Update

from bot.conversation.messages import Message
from bot.frontends.base import Address, Arrival, Inbox, MessageRef, TryLaterError
from bot.frontends.telegram import menus, webhook
from bot.frontends.telegram.client import Access, Client
from bot.frontends.telegram.files import CLOUD_LIMIT_MIB, Files
from bot.frontends.telegram.gate import Gate
from bot.frontends.telegram.hand import Hand
from bot.frontends.telegram.lenience import whole_update
from bot.frontends.telegram.lock import alone
from bot.frontends.telegram.pictures import UPLOAD_LIMIT_MIB
from bot.frontends.telegram.polling import Setbacks, patiently, poll
from bot.frontends.telegram.presses import Presses
from bot.frontends.telegram.reactions import Reactions
from bot.frontends.telegram.reading import PLATFORM, Heard, read
from bot.frontends.telegram.sending import Sender
from bot.frontends.telegram.worklist import ALBUM_QUIET_S, Worklist
from engine.contract.blobs import Blobs

NOT_LISTENING_S = 1.0
LAST_SENDS_S = 6.0
LOCAL_UPLOAD_LIMIT_MIB = 1900


class TelegramFrontend:
    """A frontend in the sense of `bot.frontends.base`."""

    name = PLATFORM
    verdict_replies = True

    def __init__(
        self,
        access: Access,
        blobs: Blobs,
        lock_dir: Path,
        admins: Iterable[str] = (),
        photo_limit_mib: int = 30,
        door: webhook.Door | None = None,
        edit_pace_s: float = 5.0,
        album_quiet_s: float = ALBUM_QUIET_S,
    ) -> None:
        self._access = access
        self._blobs = blobs
        self._lock_dir = lock_dir
        self._admins = tuple(admins)
        self._photo_limit_mib = photo_limit_mib
        self._door = door
        self.edit_pace_s = edit_pace_s
        self._album_quiet_s = album_quiet_s
        self._life: Life | None = None

    async def run(self, inbox: Inbox) -> None:
        async with alone(self._lock_dir, self._access.bot_id):
            client = Client(self._access)
            try:
                me = await patiently(client.get_me, Setbacks())
                life = self._begin(client, inbox, me.username or "")
                self._life = life
                await life.run(self._door, self._admins)
            finally:
                life, self._life = self._life, None
                if life is not None:
                    await life.sends_done()
                await client.close_connections()

    async def send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        if self._life is None:
            raise TryLaterError(NOT_LISTENING_S)
        return await self._life.send(address, message, replace)

    def _begin(self, client: Client, inbox: Inbox, username: str) -> "Life":
        is_local = self._access.is_local
        limit_mib = self._photo_limit_mib if is_local else CLOUD_LIMIT_MIB
        upload_limit_mib = LOCAL_UPLOAD_LIMIT_MIB if is_local else UPLOAD_LIMIT_MIB
        presses, gate = Presses(client), Gate()
        sender = Sender(client, self._blobs, presses, username, upload_limit_mib)
        files = Files(client, min(limit_mib, self._photo_limit_mib), gate)
        hand = Hand(client, inbox, files, presses, gate)
        source = self._access.source
        return Life(client, inbox, source, username, sender, hand, gate, self._album_quiet_s)


class Life:
    """From one start to its end."""

    def __init__(
        self,
        client: Client,
        inbox: Inbox,
        source: str,
        username: str,
        sender: Sender,
        hand: Hand,
        gate: Gate,
        album_quiet_s: float,
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._source = source
        self._username = username
        self._sender = sender
        self._reactions = Reactions(client)
        self._hand = hand
        self._gate = gate
        self._worklist = Worklist(hand.give, inbox.settle, self._understand, album_quiet_s)
        self._fresh: asyncio.Queue[Sequence[Arrival]] = asyncio.Queue()
        self._sends: set[asyncio.Future[MessageRef]] = set()

    async def run(self, door: webhook.Door | None, admins: tuple[str, ...]) -> None:
        await self._worklist.add(await self._inbox.kept(self._source))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(menus.register(self._client, admins))
            tasks.create_task(self._worklist.run())
            tasks.create_task(self._sort())
            tasks.create_task(self._hand.run())
            tasks.create_task(self._reactions.run())
            if door is not None:
                self._fresh.put_nowait(())
                await webhook.receive(self._client, door, self._take)
            else:
                await poll(self._client, self._take, self._page_came)

    async def send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        sending = asyncio.ensure_future(self._sender.send(address, message, replace))
        self._sends.add(sending)
        sending.add_done_callback(self._sends.discard)
        try:
            ref = await sending
        finally:
            sending.cancel()
        self._reactions.notice(message)
        return ref

    async def sends_done(self) -> None:
        """What Telegram is taking just now would else be sent again."""
        if self._sends:
            await asyncio.wait(self._sends, timeout=LAST_SENDS_S)

    async def _take(self, updates: list[dict[str, Any]]) -> None:
        fresh = await self._inbox.keep(self._source, updates)
        if fresh:
            self._fresh.put_nowait(fresh)

    def _page_came(self, num_updates: int) -> None:
        self._gate.page_came(num_updates)
        if num_updates == 0:
            self._fresh.put_nowait(())

    async def _sort(self) -> None:
        """Puts what is saved on the worklist; nothing stands for the end of what waited."""
        while True:
            arrivals = await self._fresh.get()
            await self._gate.wait()
            if arrivals:
                await self._worklist.add(arrivals)
            else:
                self._worklist.all_is_here()

    def _understand(self, arrival: Arrival) -> Heard | None:
        update = Update.de_json(whole_update(arrival.payload), self._client)
        return read(update, self._username)
