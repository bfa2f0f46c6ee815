"""People, their accounts and sessions. Knows nothing of what they send or order."""

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database.tables import Account, Json, Person, SessionRow


async def account_of(tx: AsyncSession, platform: str, platform_user_id: str) -> Account | None:
    return await tx.scalar(
        select(Account).where(
            Account.platform == platform, Account.platform_user_id == platform_user_id
        )
    )


async def welcome(
    tx: AsyncSession,
    platform: str,
    platform_user_id: str,
    address: Json,
    locale: str,
    now: datetime,
) -> tuple[Person, Account]:
    """Who this is, made known on first sight; their address is kept fresh."""
    account = await account_of(tx, platform, platform_user_id)
    if account is None:
        person = Person(id=secrets.token_hex(16), locale=locale, created_at=now)
        tx.add(person)
        await tx.flush()
        account = Account(
            person_id=person.id,
            platform=platform,
            platform_user_id=platform_user_id,
            address=address,
            seen_at=now,
        )
        tx.add(account)
        await tx.flush()
        return person, account
    account.address = address
    account.seen_at = now
    person = await tx.get_one(Person, account.person_id)
    return person, account


async def latest_account(tx: AsyncSession, person_id: str) -> Account | None:
    """Where the person was seen last."""
    return await tx.scalar(
        select(Account)
        .where(Account.person_id == person_id)
        .order_by(Account.seen_at.desc(), Account.id.desc())
        .limit(1)
    )


async def named(tx: AsyncSession, name: str) -> Person | None:
    """Whom `platform:user id` means."""
    platform, _, user_id = name.partition(":")
    account = await account_of(tx, platform, user_id)
    return None if account is None else await tx.get(Person, account.person_id)


async def session_of(tx: AsyncSession, person_id: str) -> Json | None:
    row = await tx.get(SessionRow, person_id)
    return None if row is None else row.state


async def save_session(tx: AsyncSession, person_id: str, state: Json) -> None:
    await tx.merge(SessionRow(person_id=person_id, state=state))
