"""Messages on their way out: by direct message, or through the door that an interaction opened.

asked in a server     → through the interaction, for that person's eyes only
everything else       → by direct message; where those are closed, through an open door
no open door          → UnreachableError: the service keeps the message until they come back
"""

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import discord
from discord import ui

from bot.conversation.messages import FILES_ONLY, Message
from bot.frontends.base import (
    Address,
    MessageGoneError,
    MessageRef,
    TryLaterError,
    UnreachableError,
)
from bot.frontends.discord.cards import cards
from bot.frontends.discord.doors import Door, Doors
from bot.frontends.discord.faults import ENDED_TOKENS, DoorShutError, TooLargeError, translated
from bot.frontends.discord.homes import Homes
from bot.frontends.discord.parts import (
    DEFAULT_LIMIT_BYTES,
    MAX_REQUEST_BYTES,
    Upload,
    batches,
    uploads,
)
from bot.frontends.discord.sheet import Sheets
from engine.contract.blobs import Blobs

SHEET = "photos.jpg"
TOO_LARGE = "too_large"
MAX_KEPT = 2000
SAID_PRIVATELY = frozenset({"train.privately", "headshot.privately"})
NOWHERE = 0
SOON_S = 3.0
LOOK_AGAIN_S = 0.3
"""Whether a direct message arrived is known soon; a word that says so waits a little for it."""

Way = TypeVar("Way")


@dataclass(frozen=True)
class Draft:
    """A message as files and limits; drawn anew for each try, since files are read once."""

    message: Message
    files: list[list[Upload]]
    command_ids: Mapping[str, int]

    def cards(self) -> list[tuple[ui.LayoutView, list[discord.File]]]:
        drawn = cards(self.message, self.files, self.command_ids)
        return [
            (view, [discord.File(BytesIO(file.data), filename=file.name) for file in batch])
            for view, batch in zip(drawn, self.files, strict=True)
        ]


class Sending:
    def __init__(
        self,
        client: discord.Client,
        doors: Doors,
        blobs: Blobs,
        command_ids: Callable[[], Mapping[str, int]],
        tell_closed: Callable[[Door], None],
        homes: Homes,
    ) -> None:
        self._client = client
        self._doors = doors
        self._blobs = blobs
        self._sheets = Sheets(self._find)
        self._command_ids = command_ids
        self._tell_closed = tell_closed
        self._homes = homes
        self._nonces: OrderedDict[str, str] = OrderedDict()

    async def send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        user_id, channel_id = int(address["user"]), int(address.get("channel") or 0)
        door = self._doors.of(user_id, channel_id)
        if door is not None:
            if message.key in SAID_PRIVATELY and not self._is_true(door):
                return {"door": door.channel_id, "message": NOWHERE}
            try:
                return await self._through(door, message, replace)
            except DoorShutError:
                self._doors.shut(door)
        return await self._privately(user_id, message, replace)

    def _is_true(self, door: Door) -> bool:
        """That something was written privately; whoever is closed to it is told so instead.

        Raises:
            TryLaterError: it is on its way, so nobody knows yet.
        """
        if self._homes.is_closed(door.user_id):
            return False
        is_early = self._doors.now() - door.opened_at < SOON_S
        if is_early and not self._homes.reached_since(door.user_id, door.opened_at):
            raise TryLaterError(LOOK_AGAIN_S)
        return True

    # Through an interaction.

    async def _through(
        self, door: Door, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        if replace is not None and "door" in replace:
            maker = self._doors.to(door.user_id, int(replace["message"]))
            if maker is not None:
                return await self._edit_through(maker, message, replace)
        return await self._each_size(message, door.limit_bytes, self._new_through, door)

    async def _new_through(self, draft: Draft, door: Door) -> MessageRef:
        is_public = door.may_be_public and not draft.message.private
        sent: discord.Message | None = None
        for view, files in draft.cards():
            with translated():
                if not is_public:
                    sent = await self._end_thinking(door, view, files)
                    if sent is not None:
                        continue
                sent = await door.hook.send(
                    view=view, files=files, ephemeral=not is_public, wait=True
                )
            self._doors.made(sent.id, door)
        assert sent is not None
        self._doors.made(sent.id, door)
        return {"door": door.channel_id, "message": sent.id}

    async def _edit_through(self, door: Door, message: Message, ref: MessageRef) -> MessageRef:
        async def edit(draft: Draft, door: Door) -> MessageRef:
            with translated():
                view, files = _only(draft)
                await door.hook.edit_message(int(ref["message"]), view=view, attachments=files)
            return ref

        return await self._each_size(message, door.limit_bytes, edit, door)

    async def _end_thinking(
        self, door: Door, view: ui.LayoutView, files: list[discord.File]
    ) -> discord.InteractionMessage | None:
        """The first answer takes the place of "thinking"; None where that is gone."""
        interaction, door.thinking = door.thinking, None
        if interaction is None:
            return None
        try:
            return await interaction.edit_original_response(view=view, attachments=files)
        except discord.HTTPException as error:
            if error.status != 404 and error.code not in ENDED_TOKENS:
                raise
            for file in files:
                file.reset(seek=True)
            return None

    # By direct message.

    async def _privately(
        self, user_id: int, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        if replace is not None and "channel" in replace:
            ref = await self._edit_private(message, replace)
            self._homes.found_open(user_id)
            return ref
        if replace is not None:
            maker = self._doors.to(user_id, int(replace["message"]))
            if maker is not None:
                try:
                    return await self._edit_through(maker, message, replace)
                except DoorShutError:
                    self._doors.shut(maker)
        try:
            return await self._new_private(user_id, message)
        except UnreachableError as error:
            if error.problem == TOO_LARGE:
                raise
            self._homes.found_closed(user_id)
            return await self._around(user_id, message, error)

    async def _around(self, user_id: int, message: Message, error: UnreachableError) -> MessageRef:
        """Direct messages are closed: for a quarter of an hour there may be another way."""
        door = self._doors.outside(user_id)
        if door is None:
            raise error
        self._tell_closed(door)
        try:
            return await self._through(door, message, None)
        except DoorShutError:
            self._doors.shut(door)
            raise error from None

    async def _new_private(self, user_id: int, message: Message) -> MessageRef:
        channel_id = await self._homes.of(user_id)
        door = self._doors.of(user_id, channel_id)
        if door is not None and message.fleeting and door.thinking is None:
            try:
                return await self._through(door, message, None)
            except DoorShutError:
                self._doors.shut(door)
        home = (user_id, channel_id)
        return await self._each_size(message, DEFAULT_LIMIT_BYTES, self._to_channel, home)

    async def _to_channel(self, draft: Draft, home: tuple[int, int]) -> MessageRef:
        user_id, channel_id = home
        channel = self._client.get_partial_messageable(channel_id)
        sent: discord.Message | None = None
        nonce = self._nonce(channel_id, draft.message)
        for number, (view, files) in enumerate(draft.cards()):
            door = self._doors.that_thinks(user_id, channel_id)
            with translated():
                if door is not None:
                    sent = await self._end_thinking(door, view, files)
                    if sent is not None:
                        continue
                sent = await channel.send(view=view, files=files, nonce=f"{nonce}{number}")
        self._homes.found_open(user_id)
        self._nonces.pop(_key(channel_id, draft.message), None)
        assert sent is not None
        return {"channel": channel_id, "message": sent.id}

    async def _edit_private(self, message: Message, ref: MessageRef) -> MessageRef:
        async def edit(draft: Draft, partial: discord.PartialMessage) -> MessageRef:
            view, files = _only(draft)
            try:
                with translated():
                    await partial.edit(view=view, attachments=files)
            except UnreachableError as error:
                if error.problem == "dm_closed":
                    raise
                raise MessageGoneError from error  # the channel is another one now
            return ref

        channel = self._client.get_partial_messageable(int(ref["channel"]))
        partial = channel.get_partial_message(int(ref["message"]))
        return await self._each_size(message, DEFAULT_LIMIT_BYTES, edit, partial)

    # Drawing.

    async def _each_size(
        self,
        message: Message,
        limit_bytes: int,
        use: Callable[[Draft, Way], Awaitable[MessageRef]],
        way: Way,
    ) -> MessageRef:
        """Sends in ever smaller parts, should Discord take less than it says."""
        files = [(p.filename, await self._blobs.get(p.key), p.caption) for p in message.pictures]
        if message.photos:
            files.insert(0, (SHEET, await self._sheets.draw(message.photos), ""))
        for squeeze in (1, 2, 4, 8):
            shown = message.key not in FILES_ONLY
            parts = uploads(files, limit_bytes // squeeze, shown)
            packed = batches(parts, MAX_REQUEST_BYTES // squeeze)
            try:
                return await use(Draft(message, packed, self._command_ids()), way)
            except TooLargeError:
                continue
        raise UnreachableError(TOO_LARGE)

    async def _find(self, key: str) -> bytes | Path:
        """A photo for the sheet; one that lies in a folder need not be read whole."""
        return self._blobs.path_of(key) or await self._blobs.get(key)

    def _nonce(self, channel_id: int, message: Message) -> str:
        """The same for each try of one message, so that one that did arrive does not come twice."""
        nonce = self._nonces.setdefault(_key(channel_id, message), secrets.token_hex(8))
        while len(self._nonces) > MAX_KEPT:
            self._nonces.popitem(last=False)
        return nonce


def _key(channel_id: int, message: Message) -> str:
    return f"{channel_id}:{blake2b(message.model_dump_json().encode(), digest_size=16).hexdigest()}"


def _only(draft: Draft) -> tuple[ui.LayoutView, list[discord.File]]:
    """An edit is one message; what needs several is sent anew."""
    drawn = draft.cards()
    if len(drawn) > 1:
        raise MessageGoneError
    return drawn[0]
