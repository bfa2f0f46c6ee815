"""Photos in their collections. Knows reports as JSON; what they mean is judged elsewhere."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database.tables import Collection, Json, Photo


async def open_collection(tx: AsyncSession, person_id: str) -> Collection | None:
    return await tx.scalar(
        select(Collection).where(Collection.person_id == person_id, Collection.closed_at.is_(None))
    )


async def begin_collection(
    tx: AsyncSession, person_id: str, now: datetime, refreshes: str | None = None
) -> Collection:
    """A new open collection; the caller has seen to it that none is open."""
    collection = Collection(
        id=secrets.token_hex(16),
        person_id=person_id,
        refreshes=refreshes,
        next_number=1,
        created_at=now,
    )
    tx.add(collection)
    await tx.flush()
    return collection


async def add(
    tx: AsyncSession,
    collection: Collection,
    sha256: str,
    now: datetime,
    origin: Json | None = None,
) -> Photo:
    """The next photo of a collection. One that was judged before brings its report along."""
    report = await tx.scalar(
        select(Photo.report)
        .where(
            Photo.person_id == collection.person_id,
            Photo.sha256 == sha256,
            Photo.report.is_not(None),
        )
        .limit(1)
    )
    photo = Photo(
        person_id=collection.person_id,
        collection_id=collection.id,
        number=collection.next_number,
        sha256=sha256,
        report=report,
        origin=origin,
        created_at=now,
    )
    collection.next_number += 1
    tx.add(photo)
    await tx.flush()
    return photo


async def of_collection(tx: AsyncSession, collection_id: str) -> Sequence[Photo]:
    """By number."""
    found = await tx.scalars(
        select(Photo).where(Photo.collection_id == collection_id).order_by(Photo.number)
    )
    return found.all()


async def settle(
    tx: AsyncSession,
    person_id: str,
    sha256: str,
    report: Json | None,
    failure: str | None = None,
) -> Sequence[Photo]:
    """Writes what a check found to all pending photos of those bytes; returns them."""
    found = await tx.scalars(
        select(Photo).where(
            Photo.person_id == person_id,
            Photo.sha256 == sha256,
            Photo.report.is_(None),
            Photo.failure.is_(None),
        )
    )
    photos = found.all()
    for photo in photos:
        photo.report = report
        photo.failure = failure
    return photos


async def drop(tx: AsyncSession, photos: Sequence[Photo]) -> list[str]:
    """Deletes rows; returns the hashes whose bytes may now lie unused."""
    await tx.execute(delete(Photo).where(Photo.id.in_([photo.id for photo in photos])))
    return sorted({photo.sha256 for photo in photos})


async def drop_collection(tx: AsyncSession, collection: Collection) -> list[str]:
    """Deletes a collection with its photos; returns the hashes whose bytes may lie unused."""
    hashes = await drop(tx, await of_collection(tx, collection.id))
    await tx.delete(collection)
    await tx.flush()
    return hashes


async def used(tx: AsyncSession, person_id: str, hashes: Sequence[str]) -> set[str]:
    """Those of the hashes that any photo of the person has."""
    found = await tx.scalars(
        select(Photo.sha256).where(Photo.person_id == person_id, Photo.sha256.in_(hashes))
    )
    return set(found)
