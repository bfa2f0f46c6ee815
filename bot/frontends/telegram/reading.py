"""An update, understood: who did what, where. Pure; touches no network.

In groups only commands count, and only those for us, also under a photo; the photo itself is left:
photos are taken in private chats alone.
"""

from dataclasses import dataclass

from telegram import CallbackQuery, Chat, Message, Update, User

from bot.conversation.actions import decode
from bot.conversation.commands import IN_GROUPS, LINKED, canonical
from bot.conversation.incoming import ChatClosed, Command, Pressed, Said
from bot.frontends.base import Address, Caller, MessageRef

PLATFORM = "telegram"
IMAGE_ENDINGS = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".heic", ".heif")
UNTOLD_KINDS = ("", "application/octet-stream")
"""With a name without an ending, such a file may be a photo: we look into it."""
GROUP_ANONYMOUS_BOT = 1087968824
"""Telegram's stand-in for admins who write in their group's name."""
WITHOUT_MENTION = (*IN_GROUPS, "train")
"""What we answer in groups even when it is not addressed to us by name."""


@dataclass(frozen=True)
class Attachment:
    """A file that can be asked for."""

    file_id: str
    size_bytes: int
    is_image: bool
    is_compressed: bool = False
    """Telegram re-encoded it."""


@dataclass(frozen=True)
class Heard:
    """What one update says."""

    caller: Caller
    origin: MessageRef
    said: Command | Pressed | Said | ChatClosed | None = None
    attachment: Attachment | None = None
    album: str = ""
    press_id: str = ""


def read(update: Update, username: str) -> Heard | None:
    """None for what does not concern us."""
    if update.callback_query is not None:
        return _pressed(update.callback_query)
    message = update.message
    if message is None or message.from_user is None:
        return None
    user = message.from_user
    if user.is_bot and user.id != GROUP_ANONYMOUS_BOT:
        return None
    if message.chat.type == Chat.PRIVATE:
        return _private(message, user)
    return _in_group(message, user, username)


def _private(message: Message, user: User) -> Heard | None:
    caller, origin = _caller(user), _ref(message)
    attachment = _attachment(message)
    if attachment is not None:
        said = _command(message.caption or "")
        return Heard(caller, origin, said, attachment, message.media_group_id or "")
    if message.text is not None:
        return Heard(caller, origin, _command(message.text) or Said(text=message.text))
    if message.location or message.contact or message.poll or message.dice:
        return Heard(caller, origin, Said(text=""))
    return None


def _in_group(message: Message, user: User, username: str) -> Heard | None:
    text = message.text or message.caption or ""
    command = _command(text)
    if command is None:
        return None
    mention = text.split()[0].partition("@")[2]
    if mention and mention.casefold() != username.casefold():
        return None
    if not mention and command.name.casefold() not in WITHOUT_MENTION:
        return None
    here: Address = {**_ref(message), "group": True}
    if message.is_topic_message and message.message_thread_id is not None:
        here["thread"] = message.message_thread_id
    # Who writes as the group has no private chat: a button leads there whoever presses it.
    said = ChatClosed(wish=wish_of(command)) if user.is_bot else command
    return Heard(_caller(user, here), _ref(message), said)


def _pressed(query: CallbackQuery) -> Heard:
    said = Pressed(action=decode(query.data or ""))
    chat = None if query.message is None else query.message.chat
    origin: MessageRef = {}
    here: Address | None = None
    if query.message is not None:
        origin = {"chat": query.message.chat.id, "message": query.message.message_id}
    if chat is not None and chat.type != Chat.PRIVATE:
        here = {**origin, "group": True}
    return Heard(_caller(query.from_user, here), origin, said, press_id=query.id)


def _caller(user: User, here: Address | None = None) -> Caller:
    return Caller(
        platform=PLATFORM,
        user_id=str(user.id),
        address={"chat": user.id},
        here=here,
        locale=(user.language_code or "")[:16],
    )


def _ref(message: Message) -> MessageRef:
    return {"chat": message.chat.id, "message": message.message_id}


def _command(text: str) -> Command | None:
    """`/train@some_bot fast` without its mention; None for plain text."""
    first, _, argument = text.strip().partition(" ")
    first, newline, rest = first.partition("\n")
    if newline:
        argument = f"{rest} {argument}"
    name = first[1:].partition("@")[0]
    if not first.startswith("/") or not name:
        return None
    return Command(name=name, argument=argument.strip())


def wish_of(command: Command) -> str:
    """A command as the payload of a deep link, such as `headshot-linkedin`."""
    name = canonical(command.name) or "start"
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in command.argument.lower())
    wish = "-".join([name, *words.split()])[:32].strip("-")
    return wish if name in LINKED else "start"


def _attachment(message: Message) -> Attachment | None:
    if message.photo:
        # They come smallest first, should a server not say how large they are.
        photo = max(reversed(message.photo), key=lambda size: size.width * size.height)
        return Attachment(photo.file_id, photo.file_size or 0, True, is_compressed=True)
    document = message.document
    if document is not None and message.animation is None:
        kind, name = document.mime_type or "", (document.file_name or "").casefold()
        is_image = kind.startswith("image/") or name.endswith(IMAGE_ENDINGS)
        is_image |= kind in UNTOLD_KINDS and "." not in name
        return Attachment(document.file_id, document.file_size or 0, is_image)
    other = (
        message.animation
        or message.video
        or message.audio
        or message.voice
        or message.video_note
        or message.sticker
    )
    return None if other is None else Attachment(other.file_id, other.file_size or 0, False)
