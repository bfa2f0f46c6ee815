"""Messages, put into Telegram's calls: texts, and cards that are edited in place."""

import asyncio
from functools import partial
from hashlib import blake2b
from typing import Any

import structlog
from telegram import InputMediaPhoto, LinkPreviewOptions, ReplyParameters
from telegram import Message as Sent
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, NetworkError, TelegramError

from bot.conversation.actions import Verb
from bot.conversation.messages import MENU, Message
from bot.frontends.base import Address, MessageGoneError, MessageRef
from bot.frontends.telegram.client import Client
from bot.frontends.telegram.collage import collage
from bot.frontends.telegram.drawing import fits_caption, keyboard, text_of
from bot.frontends.telegram.faults import is_refused, is_unchanged, translated
from bot.frontends.telegram.files import MIB
from bot.frontends.telegram.pictures import PHOTO_LIMIT_MIB, UPLOAD_LIMIT_MIB, Pictures
from bot.frontends.telegram.presses import Presses
from bot.frontends.telegram.progress import Progress, Progresses
from engine.contract.blobs import BlobMissingError, Blobs

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
        self._pictures = Pictures(client, blobs, upload_limit_mib * MIB)
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
        own = _own_photo(message)
        if message.pictures and not own and message.card != MENU:
            await self._pictures.send(chat_id, thread, message, progress)
        picture = await self._photo_of(message) if own else None
        markup = keyboard(message, self._username, in_group=bool(address.get("group")))
        common: dict[str, Any] = {
            "chat_id": chat_id,
            "message_thread_id": thread,
            "parse_mode": ParseMode.HTML,
            "reply_markup": markup,
            "reply_parameters": _answered(address, message),
        }

        async def with_photo() -> Any:
            caption = text_of(message)
            return await self._client.send_photo(photo=picture or b"", caption=caption, **common)

        async def call() -> Any:
            return await self._client.send_message(
                text=text_of(message), link_preview_options=NO_PREVIEW, **common
            )

        shown, refused = own if picture is not None else "", ""
        try:
            sent = await progress.step("text", call if picture is None else with_photo)
        except TelegramError as error:
            if picture is None or not is_refused(error):
                raise
            log.warning("telegram_refused_photo", reason=error.message[:80])
            sent = await progress.step("text", call)
            shown, refused = "", shown
        if not isinstance(sent, Sent):
            return {"chat": chat_id}
        ref = {"chat": chat_id, "message": sent.message_id, "photo": shown}
        return {**ref, "refused": refused} if refused else ref

    async def _photo_of(self, message: Message) -> bytes | None:
        """A picture that is gone meanwhile is no reason to say nothing."""
        there: list[tuple[bytes, str]] = []
        for picture in message.pictures:
            try:
                there.append((await self._blobs.get(picture.key), picture.caption))
            except BlobMissingError:
                continue
        if message.card == MENU:
            return await asyncio.to_thread(collage, there)
        data = there[0][0] if there else b""
        return data if 0 < len(data) <= PHOTO_LIMIT_MIB * MIB else None

    # Edits.

    async def _edit(self, chat_id: int, message: Message, ref: MessageRef) -> MessageRef:
        if "message" not in ref or await self._has_scrolled_away(chat_id, message, ref):
            raise MessageGoneError
        photo = str(ref.get("photo", ""))
        wanted = _own_photo(message)
        is_stale = message.card == MENU and not wanted
        if photo and (is_stale or not fits_caption(message)):
            await self._remove(ref)
            raise MessageGoneError
        place = {"chat": chat_id, "edited": ref["message"]}
        progress = self._progresses.of(place, message)
        try:
            if wanted and wanted not in (photo, ref.get("refused")):
                edit = partial(self._edit_photo, message, ref)
                photo = await progress.step("edit", edit) or photo
            else:
                await progress.step("edit", partial(self._edit_text, message, ref))
        except TelegramError as error:
            if is_refused(error):
                await self._remove(ref)
                raise MessageGoneError from error
            if not is_unchanged(error):
                raise
        self._progresses.close(place, message)
        return {**ref, "photo": photo}

    async def _has_scrolled_away(self, chat_id: int, message: Message, ref: MessageRef) -> bool:
        """Whether what should be edited stands where nobody looks: it is sent anew instead.

        A menu is looked for below the button that called it, the Start button below the photos.
        """
        if message.card == MENU:
            return self._presses.last_pressed(chat_id) > int(ref["message"])
        is_below = any(
            _number(line.origin, chat_id) > int(ref["message"]) for line in message.photos
        )
        return is_below and _can_start(message) and await self._remove(ref)

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
        data = await self._photo_of(message)
        if data is None:
            await self._edit_text(message, ref)
            return ""
        try:
            await self._client.edit_message_media(
                InputMediaPhoto(
                    data,
                    caption=text_of(message),
                    parse_mode=ParseMode.HTML,
                    filename=message.pictures[0].filename,
                ),
                chat_id=ref["chat"],
                message_id=ref["message"],
                reply_markup=keyboard(message, self._username, in_group=int(ref["chat"]) < 0),
            )
        except TelegramError as error:
            if not is_refused(error):
                raise
            # Servers of old cannot add a picture to a text: it comes as a new message.
            await self._remove(ref)
            raise MessageGoneError from error
        return _own_photo(message)

    async def _remove(self, ref: MessageRef) -> bool:
        try:
            return await self._client.delete_message(ref["chat"], ref["message"])
        except TelegramError as error:
            log.debug("telegram_message_not_removed", error=type(error).__name__)
            return False

    async def _is_healthy(self) -> bool:
        try:
            await self._client.get_me(read_timeout=10)
        except BadRequest:
            return True
        except NetworkError:
            return False
        return True


def _own_photo(message: Message) -> str:
    """The key of the picture that the message itself carries: its only one, or a menu's collage."""
    pictures = message.pictures
    if not pictures or any(picture.as_file for picture in pictures) or not fits_caption(message):
        return ""
    if message.card == MENU:
        shown = repr([(picture.key, picture.caption) for picture in pictures])
        return f"menu:{blake2b(shown.encode(), digest_size=8).hexdigest()}"
    return pictures[0].key if len(pictures) == 1 else ""


def _answered(address: Address, message: Message) -> ReplyParameters | None:
    """The photo that is spoken of, or the command in a group."""
    origins = [line.origin for line in message.photos if line.number == message.reply_to]
    number = _number(origins[0] if origins else None, int(address["chat"]))
    number = number or int(address.get("message") or 0)
    return ReplyParameters(number, allow_sending_without_reply=True) if number else None


def _number(origin: MessageRef | None, chat_id: int) -> int:
    """Of a message in that chat; 0 where there is none."""
    if origin is None or origin.get("chat") != chat_id:
        return 0
    return int(origin.get("message") or 0)


def _can_start(message: Message) -> bool:
    buttons = [button for row in message.buttons for button in row]
    return any(button.action.verb is Verb.START_TRAINING for button in buttons)
