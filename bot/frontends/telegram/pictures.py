"""A message's pictures: albums to look at, then the files that keep every bit.

Each call is a step of the message's progress, so that a second try goes on from there.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from telegram import InputMediaDocument, InputMediaPhoto
from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.conversation.messages import FILES_ONLY, Message, Picture
from bot.frontends.telegram.client import Client
from bot.frontends.telegram.faults import is_refused
from bot.frontends.telegram.files import MIB
from bot.frontends.telegram.progress import Progress
from engine.contract.blobs import Blobs

ALBUM_SIZE = 10
PHOTO_LIMIT_MIB = 10
UPLOAD_LIMIT_MIB = 47
"""Of Telegram's own servers: 50 MB a request, in the smaller units, less what is around files."""
log = structlog.get_logger()


@dataclass(frozen=True)
class Part:
    """A file, or a piece of one that is too large for one message."""

    name: str
    data: bytes
    caption: str | None = None


class Pictures:
    def __init__(self, client: Client, blobs: Blobs, upload_limit_bytes: int) -> None:
        self._client = client
        self._blobs = blobs
        self._upload_limit_bytes = upload_limit_bytes

    async def send(
        self, chat_id: int, thread: int | None, message: Message, progress: Progress
    ) -> None:
        """First what is nice to look at, then what keeps every bit."""
        where: dict[str, Any] = {
            "chat_id": chat_id,
            "message_thread_id": thread,
            "disable_notification": True,
        }
        shown = [p for p in message.pictures if _is_image(p) and message.key not in FILES_ONLY]
        files = [picture for picture in message.pictures if picture.as_file]
        number = 0
        if shown:
            await self._act(chat_id, ChatAction.UPLOAD_PHOTO)
        async for batch in self._batches(self._photos(shown)):
            await self._show(f"album {number}", batch, where, progress)
            number += 1
        if files:
            await self._act(chat_id, ChatAction.UPLOAD_DOCUMENT)
        async for batch in self._batches(self._pieces(files)):
            await self._hand_over(f"files {number}", batch, where, progress)
            number += 1

    async def _show(
        self, name: str, photos: Sequence[Part], where: dict[str, Any], progress: Progress
    ) -> None:
        """What Telegram cannot show as a photo spoils no album, and still comes as a file."""
        media = [InputMediaPhoto(p.data, caption=p.caption, filename=p.name) for p in photos]
        if len(photos) > 1 and await self._together(name, media, where, progress):
            return
        for number, photo in enumerate(photos):
            step = f"{name}, photo {number}"
            call = partial(
                self._client.send_photo,
                photo=photo.data,
                caption=photo.caption,
                filename=photo.name,
                **where,
            )
            try:
                await progress.step(step, call)
            except TelegramError as error:
                if not is_refused(error):
                    raise
                log.warning("telegram_refused_photo", reason=error.message[:80])
                progress.done[step] = None

    async def _hand_over(
        self, name: str, parts: Sequence[Part], where: dict[str, Any], progress: Progress
    ) -> None:
        as_it_is: dict[str, Any] = {"disable_content_type_detection": True}
        media = [InputMediaDocument(p.data, filename=p.name, **as_it_is) for p in parts]
        if len(parts) > 1 and await self._together(name, media, where, progress):
            return
        for number, part in enumerate(parts):
            call = partial(
                self._client.send_document,
                document=part.data,
                filename=part.name,
                **as_it_is,
                **where,
            )
            await progress.step(f"{name}, file {number}", call)

    async def _together(
        self, name: str, media: Sequence[Any], where: dict[str, Any], progress: Progress
    ) -> bool:
        """As one album; False where the server does not take it."""
        try:
            await progress.step(name, partial(self._client.send_media_group, media=media, **where))
        except TelegramError as error:
            if not is_refused(error):
                raise
            log.warning("telegram_refused_album", reason=error.message[:80])
            return False
        return True

    async def _photos(self, pictures: Sequence[Picture]) -> AsyncGenerator[Part]:
        for picture in pictures:
            data = await self._blobs.get(picture.key)
            if len(data) <= PHOTO_LIMIT_MIB * MIB:
                yield Part(picture.filename, data, picture.caption or None)

    async def _pieces(self, pictures: Sequence[Picture]) -> AsyncGenerator[Part]:
        """Pieces are named as archivers expect it: `.001`, `.002`, …"""
        for picture in pictures:
            data = await self._blobs.get(picture.key)
            starts = range(0, len(data), self._upload_limit_bytes)
            if len(starts) < 2:
                yield Part(picture.filename, data)
                continue
            for number, start in enumerate(starts, start=1):
                piece = data[start : start + self._upload_limit_bytes]
                yield Part(f"{picture.filename}.{number:03}", piece)

    async def _batches(self, parts: AsyncGenerator[Part]) -> AsyncGenerator[list[Part]]:
        """Albums of up to ten that fit into one request."""
        batch: list[Part] = []
        async for part in parts:
            num_bytes = sum(len(one.data) for one in (*batch, part))
            if batch and (len(batch) == ALBUM_SIZE or num_bytes > self._upload_limit_bytes):
                yield batch
                batch = []
            batch.append(part)
        if batch:
            yield batch

    async def _act(self, chat_id: int, action: ChatAction) -> None:
        try:
            await self._client.send_chat_action(chat_id, action)
        except TelegramError as error:
            log.debug("telegram_action_not_shown", error=type(error).__name__)


def _is_image(picture: Picture) -> bool:
    return picture.filename.casefold().endswith((".jpg", ".jpeg", ".png", ".webp"))
