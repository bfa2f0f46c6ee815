"""Hands over to the inbox what belongs together, with its files, and strikes it off thereby."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.conversation.incoming import (
    ChatClosed,
    Command,
    Incoming,
    PhotosReceived,
    Pressed,
    UploadRefused,
)
from bot.frontends.base import Caller, Inbox, MessageRef
from bot.frontends.telegram.client import Client
from bot.frontends.telegram.faults import is_unreachable
from bot.frontends.telegram.files import MIB, Files, TooLargeError
from bot.frontends.telegram.gate import Gate
from bot.frontends.telegram.presses import Presses
from bot.frontends.telegram.reading import Attachment, Heard, wish_of
from bot.frontends.telegram.worklist import Item

MAX_AT_ONCE = 4
PORTION_BYTES = 40 * MIB
"""Photos in memory at once, for one person."""
TYPING_BYTES = 2 * MIB
"""In a crowd only what takes long to fetch is worth a sign of life, which flood control counts."""
log = structlog.get_logger()


class Hand:
    def __init__(
        self, client: Client, inbox: Inbox, files: Files, presses: Presses, gate: Gate
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._files = files
        self._presses = presses
        self._gate = gate
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)
        self._aside: asyncio.Queue[Any] = asyncio.Queue()

    async def run(self) -> None:
        """Does what nobody waits for: shows that we are typing, answers silent presses."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(await self._aside.get())

    async def give(self, batch: Sequence[Item]) -> None:
        heard = batch[0].heard
        settles = [item.arrival_id for item in batch]
        if heard.attachment is not None:
            await self._give_files([item.heard for item in batch], settles)
        elif isinstance(heard.said, Pressed):
            await self._give_press(heard, heard.said, settles)
        elif heard.said is not None:
            await self._receive(heard.caller, await self._asked(heard), settles=settles)

    async def _receive(
        self,
        caller: Caller,
        incoming: Incoming,
        photos: Sequence[bytes] = (),
        origins: Sequence[MessageRef] = (),
        settles: Sequence[int] = (),
    ) -> None:
        """Few at a time: in a crowd, saving what comes must not wait behind all answers."""
        async with self._slots:
            await self._gate.wait()
            await self._inbox.receive(caller, incoming, photos, origins, settles)

    async def _give_press(self, heard: Heard, said: Pressed, settles: Sequence[int]) -> None:
        chat_id = int(heard.origin.get("chat", heard.caller.user_id))
        message_id = int(heard.origin.get("message", 0))
        await self._presses.opened(chat_id, heard.press_id, message_id)
        await self._receive(heard.caller, said, settles=settles)
        self._aside.put_nowait(self._presses.close_in_time(chat_id, heard.press_id))

    async def _asked(self, heard: Heard) -> Incoming:
        """What was said; from a group, only if we may answer privately."""
        assert heard.said is not None
        if heard.caller.here is None or not isinstance(heard.said, Command):
            return heard.said
        if await self._may_write_to(int(heard.caller.address["chat"])):
            return heard.said
        return ChatClosed(wish=wish_of(heard.said))

    async def _may_write_to(self, user_id: int) -> bool:
        try:
            await self._client.send_chat_action(user_id, ChatAction.TYPING)
        except TelegramError as error:
            return not is_unreachable(error)
        return True

    async def _give_files(self, heard: Sequence[Heard], settles: Sequence[int]) -> None:
        """One answer to all of them, unless together they are too much to hold at once."""
        num_bytes = sum(one.attachment.size_bytes for one in heard if one.attachment is not None)
        if num_bytes > TYPING_BYTES or not self._slots.locked():
            self._aside.put_nowait(self._show_typing(int(heard[0].caller.address["chat"])))
        command = next((one.said for one in heard if isinstance(one.said, Command)), None)
        *portions, last = _portions(heard)
        for portion in portions:
            await self._give_portion(portion, command, ())
            command = None
        await self._give_portion(last, command, settles)

    async def _give_portion(
        self, heard: Sequence[Heard], command: Command | None, settles: Sequence[int]
    ) -> None:
        """What cannot be taken is said first."""
        caller = heard[0].caller
        attachments = [one.attachment for one in heard if one.attachment is not None]
        fetched = await asyncio.gather(*[self._fetch(one) for one in attachments])
        good = [
            (data, one.origin, one.attachment)
            for data, one in zip(fetched, heard, strict=True)
            if isinstance(data, bytes)
        ]
        told = [self._refused(reason, heard, fetched) for reason in _reasons(fetched)]
        received = PhotosReceived(compressed=any(a and a.is_compressed for _, _, a in good))
        if command is not None:
            told.append((caller, command.model_copy(update={"photos": received if good else None})))
        elif good:
            told.append((caller, received))
        *first, final = told
        for incoming in first:
            await self._receive(*incoming)
        photos, origins = [data for data, _, _ in good], [origin for _, origin, _ in good]
        await self._receive(*final, photos, origins, settles)

    async def _fetch(self, attachment: Attachment) -> bytes | str:
        """The bytes, or the reason why there are none."""
        if not attachment.is_image:
            return "not_an_image"
        if self._files.is_too_large(attachment.size_bytes):
            return "too_large"
        try:
            data = await self._files.fetch(attachment.file_id)
        except TooLargeError:
            return "too_large"
        return "download_failed" if data is None else data

    def _refused(
        self, reason: str, heard: Sequence[Heard], fetched: Sequence[bytes | str]
    ) -> tuple[Caller, Incoming]:
        """Answered as a reply to the first of these files."""
        these = [one for one, got in zip(heard, fetched, strict=True) if got == reason]
        here = {"here": these[0].origin, "here_is_private": True}
        limit_mib = self._files.limit_mib if reason == "too_large" else None
        facts = {"reason": reason, "num_files": len(these), "limit_mib": limit_mib}
        facts["photos_are_smaller"] = True
        return these[0].caller.model_copy(update=here), UploadRefused.model_validate(facts)

    async def _show_typing(self, chat_id: int) -> None:
        try:
            await self._client.send_chat_action(chat_id, ChatAction.TYPING)
        except TelegramError as error:
            log.debug("telegram_action_not_shown", error=type(error).__name__)


def _portions(heard: Sequence[Heard]) -> list[list[Heard]]:
    """By the sizes that Telegram names; most albums are one portion."""
    portions: list[list[Heard]] = [[]]
    size_bytes = 0
    for one in heard:
        assert one.attachment is not None
        size_bytes += one.attachment.size_bytes
        if portions[-1] and size_bytes > PORTION_BYTES:
            portions.append([])
            size_bytes = one.attachment.size_bytes
        portions[-1].append(one)
    return portions


def _reasons(fetched: Sequence[bytes | str]) -> list[str]:
    return sorted({one for one in fetched if isinstance(one, str)})
