"""Packs what is kept of a person into one ZIP: photos, models, headshots, and the facts as JSON."""

import asyncio
import json
import tempfile
import zipfile
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.database.connection import Database
from bot.database.tables import Account, HeadshotRow, Model, Person, Photo
from engine.contract import keys
from engine.contract.blobs import BlobMissingError, Blobs

FILENAME = "my-headshots.zip"
IN_MEMORY_BYTES = 8 * 1024 * 1024
KINDS = ("photos", "loras", "headshots")
"""Folders of a person's blobs that are theirs to take; the rest is the engine's scratch."""


async def pack(database: Database, blobs: Blobs, owner: str) -> bytes:
    async with database.reading() as tx:
        facts = await _facts(tx, owner)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("about-me.json", json.dumps(facts, indent=2, default=str))
            for kind in KINDS:
                await _add(archive, blobs, f"{keys.person(owner)}{kind}/", owner)
        return await asyncio.to_thread(_read, file)


async def _add(archive: zipfile.ZipFile, blobs: Blobs, prefix: str, owner: str) -> None:
    for key in await blobs.list(prefix):
        try:
            data = await blobs.get(key)
        except BlobMissingError:
            continue
        await asyncio.to_thread(archive.writestr, key.removeprefix(keys.person(owner)), data)


async def _facts(tx: AsyncSession, owner: str) -> dict[str, Any]:
    person = await tx.get_one(Person, owner)
    accounts = await tx.scalars(select(Account).where(Account.person_id == owner))
    photos = await tx.scalars(select(Photo).where(Photo.person_id == owner).order_by(Photo.id))
    models = await tx.scalars(select(Model).where(Model.person_id == owner))
    shots = await tx.scalars(select(HeadshotRow).where(HeadshotRow.person_id == owner))
    return {
        "since": person.created_at,
        "locale": person.locale,
        "accounts": [
            {"platform": account.platform, "user_id": account.platform_user_id}
            for account in accounts
        ],
        "photos": [
            {"sha256": photo.sha256, "sent": photo.created_at, "report": photo.report}
            for photo in photos
        ],
        "models": [
            {"name": model.name, "likeness": model.likeness, "created": model.created_at}
            for model in models
        ],
        "headshots": [
            {"key": shot.key.removeprefix(keys.person(owner)), "seed": shot.seed} for shot in shots
        ],
    }


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
