"""One person's turn within one transaction: who they are, where answers go, what was posted."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.messages import Message
from bot.database import outbox
from bot.database.outbox import Chat
from bot.database.tables import Account, Json, Person


@dataclass
class Visit:
    """`here` is where somebody asks when that is not their private chat."""

    tx: AsyncSession
    person: Person
    account: Account
    now: datetime
    here: Json | None = None
    urgent: bool = False

    posted: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    @property
    def chat(self) -> Chat:
        return chat_of(self.account.platform, self.here or self.account.address)

    async def post(self, message: Message, *, is_last_word: bool = False) -> None:
        """Puts a message in the outbox; last words outlive the person's rows."""
        chat = self.chat
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
