"""One person's turn within one transaction: who they are, where answers go, what was posted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.messages import MENU, Message
from bot.database import outbox
from bot.database.outbox import Chat
from bot.database.tables import Account, Json, Person


@dataclass
class Visit:
    """`here` is where somebody asks when that is not their private chat.

    What others may not read goes to the private chat, unless `here` shows it to nobody else. So do
    cards that live on, and all that is `announced` rather than answered.
    """

    tx: AsyncSession
    person: Person
    account: Account
    now: datetime
    here: Json | None = None
    here_is_private: bool = False
    is_admin: bool = False
    urgent: bool = False
    announced: bool = False
    origins: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """By the hash of a photo, the platform's message that brought it."""

    posted: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    @property
    def home(self) -> Chat:
        """The private chat."""
        return chat_of(self.account.platform, self.account.address)

    def chat_for(self, message: Message) -> Chat:
        lives_on = message.card is not None and message.card != MENU
        may_be_here = self.here_is_private or not message.private
        if self.here is None or self.announced or lives_on or not may_be_here:
            return self.home
        return chat_of(self.account.platform, self.here)

    async def post(self, message: Message, *, is_last_word: bool = False) -> None:
        """Puts a message in the outbox; last words outlive the person's rows."""
        chat = self.chat_for(message)
        await outbox.post(
            self.tx,
            None if is_last_word else self.person.id,
            chat,
            message.model_dump(mode="json"),
            message.card,
            self.now,
            self.urgent,
        )
        self.posted.add((chat.platform, chat.key))


def chat_of(platform: str, address: Json) -> Chat:
    canonical = json.dumps([platform, address], sort_keys=True).encode()
    return Chat(platform, blake2b(canonical, digest_size=16).hexdigest(), address)
