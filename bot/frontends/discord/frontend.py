"""Discord as a chat platform: one connection, what it hears (`hearing`) and says (`sending`)."""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import discord
import structlog

from bot.conversation.incoming import ChatClosed
from bot.conversation.messages import Message
from bot.frontends.base import Address, Inbox, MessageRef, TryLaterError
from bot.frontends.discord.client import Client
from bot.frontends.discord.commands import add_to
from bot.frontends.discord.doors import OPEN_S, Door, Doors
from bot.frontends.discord.hearing import NAME, Hearing
from bot.frontends.discord.homes import Homes
from bot.frontends.discord.intake import Intake
from bot.frontends.discord.sending import Sending
from bot.frontends.discord.sync import Sync
from bot.frontends.discord.words import Translator
from engine.contract.blobs import Blobs
from engine.contract.photos import PhotoLimits
from engine.contract.styles import Style

EDIT_PACE_S = 2.0
"""Five edits in five seconds are allowed to a channel, for all of its cards together."""
NOT_CONNECTED_S = 2.0
MAX_TOLD = 2000
log = structlog.get_logger()


class DiscordFrontend:
    """A frontend in the sense of `bot.frontends.base`."""

    name = NAME
    edit_pace_s = EDIT_PACE_S
    verdict_replies = False
    upload_form = True

    def __init__(
        self,
        token: str,
        blobs: Blobs,
        styles: dict[str, Style],
        limits: PhotoLimits,
        memory: Path,
        admin_role: int | None = None,
        max_count: int = 8,
    ) -> None:
        self._token = token
        self._blobs = blobs
        self._styles = styles
        self._admin_role = admin_role
        self._max_count = max_count
        self._intake = Intake(limits)
        self._sync = Sync(memory)
        self._doors = Doors(time.monotonic)
        self._told_closed: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: Sending | None = None

    async def run(self, inbox: Inbox) -> None:
        client = self.client(inbox)
        try:
            async with client:
                await client.start(self._token)
        except discord.LoginFailure:
            log.error("discord_token_refused", setting="discord.token")
            raise
        finally:
            self._sending = None
            await self._end_tasks()

    def client(self, inbox: Inbox) -> Client:
        """A connection that is yet to be started; messages go out once it is logged in."""
        hearing = Hearing(inbox, self._doors, self._intake, self._spawn, self._admin_role)

        async def begin(client: Client) -> None:
            await client.tree.set_translator(Translator())
            add_to(client.tree, hearing, self._styles, self._max_count)
            homes = Homes(client, time.monotonic)
            hearing.has_come = homes.may_be_open
            self._sending = Sending(
                client,
                self._doors,
                self._blobs,
                lambda: self._sync.command_ids,
                lambda door: self._tell_closed(inbox, door),
                homes,
            )
            self._spawn(self._sync.run(client.tree))

        return Client(hearing, begin)

    async def send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        if self._sending is None:
            raise TryLaterError(NOT_CONNECTED_S)
        return await self._sending.send(address, message, replace)

    def _tell_closed(self, inbox: Inbox, door: Door) -> None:
        """Once while ways stay open, however many messages take them."""
        now, user = self._doors.now(), door.caller.user_id
        if now - self._told_closed.get(user, -OPEN_S) < OPEN_S:
            return
        if len(self._told_closed) > MAX_TOLD:
            self._told_closed.clear()
        self._told_closed[user] = now
        self._spawn(inbox.receive(door.caller, ChatClosed()))

    async def _end_tasks(self) -> None:
        """Those that listened are not done before what they had in hand is put down."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("discord_task_failed", error=type(error).__name__)
