"""What is said: messages that know no platform. A frontend draws them with what it has.

Text is plain: paragraphs are parted by an empty line, list lines begin with "• ". There is no
markup in it, and names people chose may hold anything, so a frontend escapes all of it. A title
is the line to show in bold above the text.
"""

from typing import Any, Literal

from pydantic import Field

from bot.conversation.actions import Action
from engine.contract.base import Frozen

MAX_TEXT = 3800
"""Characters of title and text together: Telegram takes 4096, a Discord card 4000."""
MAX_BUTTONS = 25
MAX_BUTTONS_IN_ROW = 5
MAX_LABEL = 40
FILES_ONLY = ("headshots.full_size", "headshots.packed", "export.ready")
"""Keys of messages whose pictures were asked for as files: nothing is previewed."""
MENU = "menu"
"""A card for pickers: a press on one of its buttons edits that message, a command sends anew."""


class Button(Frozen):
    label: str = Field(min_length=1, max_length=MAX_LABEL)
    action: Action
    look: Literal["plain", "primary", "danger"] = "plain"


class Picture(Frozen):
    key: str = Field(description="in the blob store")
    filename: str
    caption: str = Field(default="", max_length=200)
    as_file: bool = Field(
        default=False, description="must arrive byte for byte: send the file, not a re-encoding"
    )


class PhotoLine(Frozen):
    """A photo on the status card, for frontends that draw a gallery."""

    number: int
    sha256: str
    key: str
    verdict: Literal["pending", "accepted", "refused"]
    reason: str = Field(default="", description="why refused and what to do, one or two sentences")
    origin: dict[str, Any] | None = Field(
        default=None, description="the platform's message that brought it; its frontend reads it"
    )


class Message(Frozen):
    """One message. Those with the same `card` are one message edited in place."""

    key: str = Field(description="of the phrase that it is built on: for tests and logs")
    title: str = ""
    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    pictures: tuple[Picture, ...] = ()
    card: str | None = Field(
        default=None, description='what is edited in place: "collection:<id>", "order:<id>", …'
    )
    photos: tuple[PhotoLine, ...] = Field(
        default=(), description="of a collection's card, or the one that is answered"
    )
    progress: float | None = Field(default=None, ge=0, le=1, description="of a bar to draw")
    private: bool = Field(default=True, description="False: others may read it")
    reply_to: int | None = Field(
        default=None, description="number of the photo that this answers, where replies exist"
    )
    fleeting: bool = Field(
        default=False, description="may be shown as a toast; nothing is lost when it goes"
    )
    final: bool = Field(
        default=False, description="of a card: nothing follows, so show it at once and keep it"
    )
