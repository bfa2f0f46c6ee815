"""What reaches the conversation: a person's doings, and happenings in the engine.

Frontends build `Incoming`; the service builds `Happening` from engine events and from what its
own effects did. Photos are stored before they arrive here, so only their hashes do.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bot.conversation.actions import Action
from bot.conversation.situation import HeadshotSet, Model, Order
from engine.contract.base import Frozen
from engine.contract.failures import Failure


class PhotosReceived(Frozen):
    """Photos of one message, album or command, stored and known by their hashes."""

    kind: Literal["photos"] = "photos"
    photos: tuple[str, ...] = Field(default=(), description="sha256, new to the collection")
    num_repeated: int = Field(default=0, description="byte for byte already in the collection")
    compressed: bool = Field(default=False, description="the platform re-encoded them")


class Command(Frozen):
    """A slash command. Frontends with typed options fill `options`, others `argument`.

    Options of `headshot`: style, count, aspect, model, prompt. Photos sent along with `/train`
    (attachments, a caption) come inside.
    """

    kind: Literal["command"] = "command"
    name: str
    argument: str = ""
    options: dict[str, str] = Field(default={})
    photos: PhotosReceived | None = None


class UploadRefused(Frozen):
    """A file that could not be taken."""

    kind: Literal["upload_refused"] = "upload_refused"
    reason: Literal["too_large", "not_an_image", "download_failed"]
    limit_mib: int | None = Field(default=None, description="of the platform, for too_large")
    num_files: int = 1
    photos_are_smaller: bool = Field(
        default=False, description="the platform shrinks what is sent as a photo, not as a file"
    )


class ChatClosed(Frozen):
    """The person asked where others read along, and their private chat takes no messages."""

    kind: Literal["chat_closed"] = "chat_closed"
    wish: str = Field(
        default="start",
        pattern=r"^[a-z0-9-]{1,32}$",
        description="what they asked for, to go on with there: `headshot-linkedin`",
    )


class Pressed(Frozen):
    """A button; None stands for one that nobody knows any more (`actions.decode`)."""

    kind: Literal["pressed"] = "pressed"
    action: Action | None


class Said(Frozen):
    """Text that is no command."""

    kind: Literal["said"] = "said"
    text: str


Incoming = Annotated[
    Command | PhotosReceived | UploadRefused | ChatClosed | Pressed | Said,
    Field(discriminator="kind"),
]
INCOMING: TypeAdapter[Incoming] = TypeAdapter(Incoming)
"""Reads an incoming back, for frontends that save before they acknowledge."""


class CollectionChanged(Frozen):
    """Photos were added, removed or cleared, or a collection was opened: show its card."""

    collection_id: str


class PhotoJudged(Frozen):
    """A check is done (or has failed); the collection in the situation shows its outcome."""

    collection_id: str
    number: int


class OrderQueued(Frozen):
    """An order was accepted or went back into line."""

    order: Order


class OrderProgress(Frozen):
    """An order started or went on."""

    order: Order


class PreviewReady(Frozen):
    """`order.preview_key` is new."""

    order: Order


class TrainingFinished(Frozen):
    order: Order
    model: Model
    seconds: float | None = None


class HeadshotsReady(Frozen):
    order: Order
    headshots: HeadshotSet


class JobFailed(Frozen):
    order: Order
    failure: Failure


class JobCancelled(Frozen):
    order: Order


class EverythingErased(Frozen):
    """The proof: what was there and is gone."""

    num_photos: int
    num_models: int
    num_headshots: int
    num_blobs: int
    receipt: str = Field(default="", description="short id under which the erasure is logged")


class ExportReady(Frozen):
    key: str
    filename: str


class FilesReady(Frozen):
    """Of a set: its profile pictures lie where `keys.cut` says, or all of it is in one ZIP."""

    headshots: HeadshotSet
    what: Literal["profiles", "zip"]
    is_there: bool = Field(default=True, description="False for sets made before there were any")
    key: str = Field(default="", description="of the ZIP")
    filename: str = ""


class EngineAway(Frozen):
    """No engine has shown itself for a while, and this person waits for one."""


class EngineBack(Frozen):
    """It came back; told only to those who were told that it was away."""


Happening = (
    CollectionChanged
    | PhotoJudged
    | OrderQueued
    | OrderProgress
    | PreviewReady
    | TrainingFinished
    | HeadshotsReady
    | JobFailed
    | JobCancelled
    | EverythingErased
    | ExportReady
    | FilesReady
    | EngineAway
    | EngineBack
)
