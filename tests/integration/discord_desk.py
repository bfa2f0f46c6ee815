"""A desk behind the Discord adapter: hears what the inbox would, and answers what a test says."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.conversation.actions import Verb, act
from bot.conversation.incoming import Incoming
from bot.conversation.messages import Button, Message
from bot.frontends.base import Address, Arrival, Caller, MessageRef
from bot.frontends.discord.frontend import DiscordFrontend
from engine.contract import styles
from engine.contract.blobs import Blobs
from engine.contract.photos import PhotoLimits


@dataclass(frozen=True)
class Heard:
    caller: Caller
    incoming: Incoming
    photos: tuple[bytes, ...]


Answer = Callable[[Heard], Awaitable[object]]


async def silence(heard: Heard) -> None:
    pass


@dataclass
class Desk:
    """An inbox in the sense of `bot.frontends.base`."""

    heard: list[Heard] = field(default_factory=list[Heard])
    answer: Answer = silence

    async def receive(
        self,
        caller: Caller,
        incoming: Incoming,
        photos: Sequence[bytes] = (),
        origins: Sequence[MessageRef] = (),
        settles: Sequence[int] = (),
    ) -> None:
        heard = Heard(caller, incoming, tuple(photos))
        self.heard.append(heard)
        await self.answer(heard)

    async def keep(self, source: str, payloads: Sequence[dict[str, Any]]) -> list[Arrival]:
        raise AssertionError("Discord resumes; nothing needs to be kept")

    async def kept(self, source: str) -> list[Arrival]:
        return []

    async def settle(self, ids: Sequence[int]) -> None:
        raise AssertionError("nothing was kept")

    @property
    def last(self) -> Heard:
        return self.heard[-1]


def a_frontend(folder: Path, token: str = "token", **changes: Any) -> DiscordFrontend:
    return DiscordFrontend(
        token,
        Blobs.from_url(f"file://{folder}/blobs"),
        styles.load(),
        changes.pop("limits", PhotoLimits()),
        memory=folder / "discord.json",
        **changes,
    )


def a_message(text: str = "hello", **parts: Any) -> Message:
    return Message(key=parts.pop("key", "test"), text=text, **parts)


def a_button(label: str = "Styles", verb: Verb = Verb.COMMAND, argument: str = "styles") -> Button:
    return Button(label=label, action=act(verb, "", argument))


def home(user_id: int) -> Address:
    return {"user": str(user_id)}
