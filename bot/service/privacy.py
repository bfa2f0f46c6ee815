"""Leaving: all of a person is forgotten, or packed up for them to take along.

Rows go at once, in the transaction that was asked for; an errand takes care of the blobs, of
what an engine is still working on, and of the last words to the person.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.incoming import EverythingErased
from bot.conversation.session import Session
from bot.conversation.situation import Situation
from bot.database import errands, orders
from bot.database.tables import Json
from bot.service.visits import Visit
from engine.contract.jobs import derive_id

PATIENCE_S = 120.0
"""Somebody whose training ran is told without the engine's word after this."""


async def erase(visit: Visit, situation: Situation) -> None:
    """Deletes every row of the person; they are a stranger from here on."""
    running = await orders.unfinished(visit.tx, visit.person.id)
    chat = visit.home
    payload: Json = {
        "owner": visit.person.id,
        "runs": [[order.id, order.attempt] for order in running],
        "chat": {"platform": chat.platform, "key": chat.key, "address": chat.address},
        "session": Session(locale=situation.session.locale).model_dump(mode="json"),
        "platform_locale": situation.platform_locale,
        "kept": situation.kept.model_dump(mode="json"),
        "num_blobs": 0,
        "is_told": False,
        "is_confirmed": False,
    }
    await visit.tx.delete(visit.person)
    await visit.tx.flush()
    errands.leave(visit.tx, errands.ERASE, None, payload, visit.now)


async def confirm_erasure(tx: AsyncSession, owner: str, num_blobs: int) -> None:
    """An engine has deleted its part; nobody will write there any more."""
    errand = await errands.erasure_of(tx, owner)
    if errand is not None:
        errand.payload = {
            **errand.payload,
            "is_confirmed": True,
            "num_blobs": errand.payload["num_blobs"] + num_blobs,
        }
        errand.next_try_at = errand.created_at


def proof(payload: Json) -> EverythingErased:
    kept = payload["kept"]
    return EverythingErased(
        num_photos=kept["num_photos"],
        num_models=kept["num_models"],
        num_headshots=kept["num_headshots"],
        num_blobs=payload["num_blobs"],
        receipt=receipt_of(payload["owner"]),
    )


def receipt_of(owner: str) -> str:
    """Tells erasures apart in the log, and nothing else."""
    return derive_id("receipt", owner)[:8]


async def erase_leftovers(tx: AsyncSession, owner: str, now: datetime) -> None:
    """An engine has ended something for a person who left meanwhile; nobody need be told."""
    errand = await errands.erasure_of(tx, owner)
    if errand is None:
        payload: Json = {"owner": owner, "runs": [], "is_told": True, "is_confirmed": True}
        errands.leave(tx, errands.ERASE, None, {**payload, "num_blobs": 0}, now)
    else:
        errand.next_try_at = now
