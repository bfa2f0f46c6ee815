"""What a frontend is to the rest of the bot, and what the bot is to a frontend.

A frontend translates between its platform and the conversation's types and does nothing else. It
keeps nothing: every photo and word is handed to the inbox, which has saved it by the time
`receive` returns; every message comes through `send`, once and in order for each chat. Pictures
are named by blob key; a frontend reads them from the blob store that it was built with.

    FrontendError
    ├── UnreachableError    the person cannot be written to: direct messages closed, bot blocked
    ├── MessageGoneError    the message to be edited is not there any more
    └── TryLaterError       the platform is busy or away; carries seconds to wait
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import Field

from bot.conversation.incoming import Incoming
from bot.conversation.messages import Message
from engine.contract.base import Frozen

Address = dict[str, Any]
"""Where to write to, in JSON. Only its frontend reads it. The same chat gives the same address."""
MessageRef = dict[str, Any]
"""A message that was sent, in JSON, so that it can be edited after a restart."""


class FrontendError(Exception):
    """Root of what `send` may raise on purpose. Anything else counts as a fault to retry."""


class UnreachableError(FrontendError):
    """Trying again would not help. `problem` is a code such as `dm_closed` or `blocked`."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class MessageGoneError(FrontendError):
    """What should be edited was deleted: it will be sent anew."""


class TryLaterError(FrontendError):
    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        super().__init__(f"try again in {after_s} s")


class Caller(Frozen):
    """Who did something, and where to answer."""

    platform: str = Field(pattern=r"^[a-z]{1,16}$")
    user_id: str = Field(min_length=1, max_length=64)
    address: Address = Field(description="of the private chat with this person")
    here: Address | None = Field(
        default=None, description="where it was asked, when that is no private chat"
    )
    here_is_private: bool = Field(
        default=False, description="nobody else sees what is answered there (ephemeral messages)"
    )
    is_admin: bool = Field(
        default=False, description="the platform says so, for example by a role of its server"
    )
    locale: str = Field(
        default="en", max_length=16, description="as the platform tells it; empty: it does not now"
    )


@dataclass(frozen=True)
class Arrival:
    """Something as a platform handed it over, saved before anybody has worked on it."""

    id: int
    payload: dict[str, Any]


class Inbox(Protocol):
    async def receive(
        self,
        caller: Caller,
        incoming: Incoming,
        photos: Sequence[bytes] = (),
        origins: Sequence[MessageRef] = (),
        settles: Sequence[int] = (),
    ) -> None:
        """Takes what a person did. It is saved, and the answer is on its way, when this returns.

        `photos` are the files of a `PhotosReceived`, or of a `Command`, as they came, in order;
        the inbox fills in their hashes. A frontend leaves `PhotosReceived.photos` empty.
        `origins` are the messages that brought them, where answers can refer to messages.
        `settles` are ids of arrivals that are dealt with by this, in the same transaction.
        """
        ...

    async def keep(self, source: str, payloads: Sequence[dict[str, Any]]) -> list[Arrival]:
        """Saves what came from a source; returns those that had not come before.

        For platforms that hand things over once: acknowledge when this has returned.
        """
        ...

    async def kept(self, source: str) -> list[Arrival]:
        """What was saved and not settled yet, oldest first."""
        ...

    async def settle(self, ids: Sequence[int]) -> None:
        """These need no answer."""
        ...


class Frontend(Protocol):
    """One chat platform."""

    @property
    def name(self) -> str:
        """The platform of its callers, such as `telegram`."""
        ...

    @property
    def edit_pace_s(self) -> float:
        """Least seconds between two edits of one card; the newest text wins."""
        ...

    @property
    def verdict_replies(self) -> bool:
        """Wants a message for each refused photo, besides the card."""
        ...

    async def run(self, inbox: Inbox) -> None:
        """Listens until cancelled; cleans up then. Raising means: start me again."""
        ...

    async def send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        """Sends a message, or puts it in place of one that was sent. Returns when it is there.

        Raises:
            FrontendError: see the head of this file.
        """
        ...
