"""Messages that we owe to chats, and which of the platform's messages show which card.

Knows order and repetition; knows neither what messages say nor how they are sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database.tables import Card, Json, Letter, Person

WAITING, PARKED = "waiting", "parked"


@dataclass(frozen=True)
class Chat:
    """Where letters go. `key` is the same for the same address."""

    platform: str
    key: str
    address: Json


async def post(
    tx: AsyncSession,
    person_id: str | None,
    chat: Chat,
    message: Json,
    card: str | None,
    now: datetime,
    urgent: bool = False,
) -> None:
    """Puts a message in line. One that waits with the same card is overtaken by it.

    Urgent is what answers a press or a command: it does not wait for the pace of edits.
    """
    if card is not None:
        waiting = await tx.scalar(
            select(Letter).where(
                Letter.person_id == person_id,
                Letter.chat == chat.key,
                Letter.card == card,
                Letter.status == WAITING,
            )
        )
        if waiting is not None:
            waiting.message = message
            waiting.urgent |= urgent
            waiting.version += 1
            return
    letter = Letter(
        person_id=person_id,
        platform=chat.platform,
        chat=chat.key,
        address=chat.address,
        message=message,
        card=card,
        urgent=urgent,
        next_try_at=now,
        created_at=now,
    )
    tx.add(letter)
    await tx.flush()


async def chats_waiting(tx: AsyncSession) -> Sequence[tuple[str, str]]:
    """Platform and chat of everything that waits."""
    found = await tx.execute(
        select(Letter.platform, Letter.chat).where(Letter.status == WAITING).distinct()
    )
    return [(platform, chat) for platform, chat in found]


async def waiting_for(tx: AsyncSession, chat: str) -> Sequence[Letter]:
    found = await tx.scalars(
        select(Letter).where(Letter.status == WAITING, Letter.chat == chat).order_by(Letter.id)
    )
    return found.all()


async def card_of(tx: AsyncSession, person_id: str | None, chat: str, card: str) -> Card | None:
    return await tx.scalar(
        select(Card).where(Card.person_id == person_id, Card.chat == chat, Card.card == card)
    )


async def sent(tx: AsyncSession, letter: Letter, ref: Json, shown: str, now: datetime) -> None:
    """Strikes a letter off, unless its card has been written anew meanwhile."""
    await tx.execute(delete(Letter).where(Letter.id == letter.id, Letter.version == letter.version))
    if letter.card is None or letter.person_id is None:
        return
    if await tx.get(Person, letter.person_id) is None:
        return  # had everything erased while it was sent
    card = await card_of(tx, letter.person_id, letter.chat, letter.card)
    if card is None:
        tx.add(
            Card(
                person_id=letter.person_id,
                chat=letter.chat,
                card=letter.card,
                ref=ref,
                shown=shown,
                sent_at=now,
            )
        )
    else:
        card.ref, card.shown, card.sent_at = ref, shown, now


async def strike(tx: AsyncSession, letter: Letter) -> None:
    """Drops a letter that says nothing new."""
    await tx.execute(delete(Letter).where(Letter.id == letter.id, Letter.version == letter.version))


async def forget_ref(tx: AsyncSession, letter: Letter) -> None:
    """The card's message was deleted by somebody: the next one is sent anew."""
    await tx.execute(
        delete(Card).where(
            Card.person_id == letter.person_id,
            Card.chat == letter.chat,
            Card.card == letter.card,
        )
    )


async def forget_cards(tx: AsyncSession, person_id: str, card: str) -> None:
    """What shows this card next is a new message at the foot of the chat."""
    await tx.execute(delete(Card).where(Card.person_id == person_id, Card.card == card))


async def postpone(tx: AsyncSession, letter_id: int, until: datetime, counts: bool) -> None:
    letter = await tx.get(Letter, letter_id)
    if letter is not None:
        letter.next_try_at = until
        letter.num_tries += int(counts)


async def park(tx: AsyncSession, letter_id: int, problem: str) -> None:
    """Keeps what cannot be delivered now until the person shows up again."""
    letter = await tx.get(Letter, letter_id)
    if letter is not None:
        letter.status = PARKED
        letter.problem = problem


async def revive(tx: AsyncSession, person_id: str, now: datetime) -> None:
    """The person is back: what was parked is in line again."""
    await tx.execute(
        update(Letter)
        .where(Letter.person_id == person_id, Letter.status == PARKED)
        .values(status=WAITING, problem=None, num_tries=0, next_try_at=now)
    )
