"""Messages, put into Telegram's calls: texts, edits, an album to look at, files to keep."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from telegram import (
    InputMediaDocument,
    InputMediaPhoto,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram import (
    Message as Sent,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, ChatMigrated, TelegramError

from bot.conversation.messages import FILES_ONLY, MENU, Message, Picture
from bot.frontends.base import Address, MessageGoneError, MessageRef
from bot.frontends.telegram.client import Client
from bot.frontends.telegram.drawing import fits_caption, keyboard, text_of
from bot.frontends.telegram.faults import is_in_doubt, is_unchanged, translated
from bot.frontends.telegram.files import MIB
from bot.frontends.telegram.presses import Presses
from bot.frontends.telegram.progress import Progress, Progresses
from engine.contract.blobs import BlobMissingError, Blobs

ALBUM_SIZE = 10
PHOTO_LIMIT_MIB = 10
UPLOAD_LIMIT_MIB = 49
"""Of Telegram's own servers: 50 MB, with room for the request around it."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
log = structlog.get_logger()


class Sender:
    """Sends and edits. Raises what `bot.frontends.base` says."""

    def __init__(
        self,
        client: Client,
        blobs: Blobs,
        presses: Presses,
        username: str,
        upload_limit_mib: int = UPLOAD_LIMIT_MIB,
    ) -> None:
        self._client = client
        self._blobs = blobs
        self._presses = presses
        self._username = username
        self._upload_limit = upload_limit_mib * MIB
        self._progresses = Progresses(self._is_healthy)

    async def send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        try:
            return await self._send(address, message, replace)
        except ChatMigrated as error:
            return await self._send({**address, "chat": error.new_chat_id}, message, None)
        except TelegramError as error:
            known = translated(error)
            if known is None:
                log.warning("telegram_refused_message", key=message.key, reason=error.message[:80])
                raise
            raise known from error

    async def _send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        chat_id = int(address["chat"])
        if replace is not None:
            await self._presses.edited(chat_id, int(replace.get("message", 0)))
            return await self._edit(chat_id, message, replace)
        if message.fleeting and await self._presses.toast(chat_id, message.text):
            return {"chat": chat_id}
        progress = self._progresses.of(address, message)
        ref = await self._send_new(address, message, progress)
        self._progresses.close(address, message)
        return ref

    async def _send_new(self, address: Address, message: Message, progress: Progress) -> MessageRef:
        chat_id, thread = int(address["chat"]), address.get("thread")
        own = _is_one_photo(message)
        if message.pictures and not own:
            await self._send_pictures(chat_id, thread, message, progress)
        picture = await self._photo_of(message.pictures[0]) if own else None
        markup = keyboard(message, self._username, in_group=bool(address.get("group")))
        common: dict[str, Any] = {
            "chat_id": chat_id,
            "message_thread_id": thread,
            "parse_mode": ParseMode.HTML,
            "reply_markup": markup,
            "reply_parameters": _answered(address, message),
        }

        async def call() -> Sent:
            if picture is not None:
                caption = text_of(message)
                return await self._client.send_photo(photo=picture, caption=caption, **common)
            return await self._client.send_message(
                text=text_of(message), link_preview_options=NO_PREVIEW, **common
            )

        sent = await progress.step("text", call)
        if sent is None:
            return {"chat": chat_id}
        shown = message.pictures[0].key if picture is not None else ""
        return {"chat": chat_id, "message": sent.message_id, "photo": shown}

    # Pictures.

    async def _send_pictures(
        self, chat_id: int, thread: int | None, message: Message, progress: Progress
    ) -> None:
        """First what is nice to look at, then what keeps every bit."""
        files = [picture for picture in message.pictures if picture.as_file]
        shown = [p for p in message.pictures if _is_image(p) and message.key not in FILES_ONLY]
        if shown:
            await self._act(chat_id, ChatAction.UPLOAD_PHOTO)
        for number, batch in enumerate(_batches(shown)):
            await self._step(progress, f"album {number}", self._album(chat_id, thread, batch))
        if files:
            await self._act(chat_id, ChatAction.UPLOAD_DOCUMENT)
        parts = [part for picture in files for part in await self._parts(picture)]
        for number, batch in enumerate(_batches(parts)):
            await self._step(progress, f"files {number}", self._files(chat_id, thread, batch))

    async def _step(
        self, progress: Progress, name: str, call: Callable[[], Awaitable[Any]]
    ) -> None:
        """What Telegram cannot show as a photo still comes as a file."""
        try:
            await progress.step(name, call)
        except BadRequest as error:
            if not name.startswith("album") or translated(error) is not None:
                raise
            log.warning("telegram_refused_photo", reason=error.message[:80])
            progress.done[name] = None

    def _album(
        self, chat_id: int, thread: int | None, pictures: Sequence[Picture]
    ) -> Callable[[], Awaitable[Any]]:
        async def call() -> Any:
            photos = [(picture, await self._blobs.get(picture.key)) for picture in pictures]
            photos = [(p, data) for p, data in photos if len(data) <= PHOTO_LIMIT_MIB * MIB]
            silently: dict[str, Any] = {"disable_notification": True, "message_thread_id": thread}
            if len(photos) > 1:
                media = [
                    InputMediaPhoto(data, caption=p.caption or None, filename=p.filename)
                    for p, data in photos
                ]
                return await self._client.send_media_group(chat_id, media, **silently)
            for p, data in photos:
                await self._client.send_photo(
                    chat_id, data, caption=p.caption or None, filename=p.filename, **silently
                )
            return True

        return call

    def _files(
        self, chat_id: int, thread: int | None, parts: Sequence[tuple[str, bytes]]
    ) -> Callable[[], Awaitable[Any]]:
        async def call() -> Any:
            silently: dict[str, Any] = {"disable_notification": True, "message_thread_id": thread}
            if len(parts) > 1:
                media = [
                    InputMediaDocument(data, filename=name, disable_content_type_detection=True)
                    for name, data in parts
                ]
                return await self._client.send_media_group(chat_id, media, **silently)
            ((name, data),) = parts
            return await self._client.send_document(
                chat_id, data, filename=name, disable_content_type_detection=True, **silently
            )

        return call

    async def _parts(self, picture: Picture) -> list[tuple[str, bytes]]:
        """The file, or its pieces where it is larger than Telegram takes."""
        data = await self._blobs.get(picture.key)
        if len(data) <= self._upload_limit:
            return [(picture.filename, data)]
        starts = range(0, len(data), self._upload_limit)
        return [
            (f"{picture.filename}.{number:03}", data[start : start + self._upload_limit])
            for number, start in enumerate(starts, start=1)
        ]

    async def _photo_of(self, picture: Picture) -> bytes | None:
        """A preview that is gone meanwhile is no reason to say nothing."""
        try:
            data = await self._blobs.get(picture.key)
        except BlobMissingError:
            return None
        return data if len(data) <= PHOTO_LIMIT_MIB * MIB else None

    # Edits.

    async def _edit(self, chat_id: int, message: Message, ref: MessageRef) -> MessageRef:
        if "message" not in ref:
            raise MessageGoneError
        photo = str(ref.get("photo", ""))
        wanted = message.pictures[0].key if _is_one_photo(message) else ""
        if photo and not fits_caption(message):
            await self._remove(ref)
            raise MessageGoneError
        try:
            if wanted and wanted != photo:
                photo = await self._edit_photo(message, ref) or photo
            else:
                await self._edit_text(message, ref)
        except TelegramError as error:
            if not is_unchanged(error):
                raise
        return {**ref, "photo": photo}

    async def _edit_text(self, message: Message, ref: MessageRef) -> None:
        markup = keyboard(message, self._username, in_group=int(ref["chat"]) < 0)
        where: dict[str, Any] = {
            "chat_id": ref["chat"],
            "message_id": ref["message"],
            "parse_mode": ParseMode.HTML,
            "reply_markup": markup,
        }
        if ref.get("photo"):
            await self._client.edit_message_caption(caption=text_of(message), **where)
        else:
            await self._client.edit_message_text(
                text_of(message), link_preview_options=NO_PREVIEW, **where
            )

    async def _edit_photo(self, message: Message, ref: MessageRef) -> str:
        """Puts a picture on, or in place of another. Returns its key, if it came to be."""
        picture = message.pictures[0]
        data = await self._photo_of(picture)
        if data is None:
            await self._edit_text(message, ref)
            return ""
        try:
            await self._client.edit_message_media(
                InputMediaPhoto(
                    data,
                    caption=text_of(message),
                    parse_mode=ParseMode.HTML,
                    filename=picture.filename,
                ),
                chat_id=ref["chat"],
                message_id=ref["message"],
                reply_markup=keyboard(message, self._username, in_group=int(ref["chat"]) < 0),
            )
        except BadRequest as error:
            if is_unchanged(error) or translated(error) is not None:
                raise
            # Servers of old cannot add a picture to a text: it comes as a new message.
            await self._remove(ref)
            raise MessageGoneError from error
        return picture.key

    async def _remove(self, ref: MessageRef) -> None:
        try:
            await self._client.delete_message(ref["chat"], ref["message"])
        except TelegramError as error:
            log.debug("telegram_message_not_removed", error=type(error).__name__)

    async def _act(self, chat_id: int, action: ChatAction) -> None:
        try:
            await self._client.send_chat_action(chat_id, action)
        except TelegramError as error:
            log.debug("telegram_action_not_shown", error=type(error).__name__)

    async def _is_healthy(self) -> bool:
        try:
            await self._client.get_me(read_timeout=10)
        except TelegramError as error:
            return not is_in_doubt(error)
        return True


def _is_image(picture: Picture) -> bool:
    return picture.filename.casefold().endswith((".jpg", ".jpeg", ".png", ".webp"))


def _is_one_photo(message: Message) -> bool:
    """A picture that the message itself can carry."""
    if len(message.pictures) != 1 or message.pictures[0].as_file or message.card == MENU:
        return False
    return fits_caption(message)


def _answered(address: Address, message: Message) -> ReplyParameters | None:
    """The photo that is spoken of, or the command in a group."""
    origins = [line.origin for line in message.photos if line.number == message.reply_to]
    if origins and origins[0] is not None and origins[0].get("chat") == address["chat"]:
        number = origins[0].get("message")
    else:
        number = address.get("message")
    if number is None:
        return None
    return ReplyParameters(int(number), allow_sending_without_reply=True)


def _batches(items: Sequence[Any]) -> list[Sequence[Any]]:
    """Albums of two to ten; one that is left over stands alone."""
    return [items[start : start + ALBUM_SIZE] for start in range(0, len(items), ALBUM_SIZE)]
