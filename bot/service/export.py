"""Packs into one ZIP what is kept of a person (photos, models, headshots, facts), or one set.

Files go in byte for byte, so that their content credentials hold.
"""

import asyncio
import json
import tempfile
import zipfile
from contextlib import suppress
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.conversation.incoming import FilesReady
from bot.conversation.situation import HeadshotSet
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
                for key in await blobs.list(f"{keys.person(owner)}{kind}/"):
                    await _add(archive, blobs, key, key.removeprefix(keys.person(owner)))
        return await asyncio.to_thread(_read, file)


def of_set(owner: str, set_id: str) -> str:
    """Where ZIPs of a set lie; they go with it."""
    return f"{keys.person(owner)}exports/{set_id}/"


async def put_set(blobs: Blobs, made: HeadshotSet, prefix: str) -> FilesReady:
    """Packs a set's files under names that say what they are, and lays the ZIP there."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for key, name in await _names(blobs, made):
                await _add(archive, blobs, key, name)
        filename = f"{made.style}-headshots.zip"
        await blobs.put(prefix + filename, await asyncio.to_thread(_read, file))
    return FilesReady(headshots=made, what="zip", key=prefix + filename, filename=filename)


async def _names(blobs: Blobs, made: HeadshotSet) -> list[tuple[str, str]]:
    """Keys of what there is of a set: the pictures as the chat names them, cuts in folders."""
    found: list[tuple[str, str]] = []
    folder = made.shots[0].key.rpartition("/")[0] + "/"
    there = await blobs.list(folder)
    for number, shot in enumerate(made.shots, start=1):
        name = f"{made.file_stem(number)}.jpg"
        cuts = shot.key.removesuffix(".jpg") + "-"
        found.append((shot.key, name))
        found += [
            (key, f"{key.removeprefix(cuts).removesuffix('.jpg')}/{name}")
            for key in there
            if key.startswith(cuts)
        ]
    if folder + keys.SHEET in there:
        found.append((folder + keys.SHEET, "contact-sheet.jpg"))
    return found


async def _add(archive: zipfile.ZipFile, blobs: Blobs, key: str, name: str) -> None:
    """What is gone meanwhile is left out."""
    with suppress(BlobMissingError):
        await asyncio.to_thread(archive.writestr, name, await blobs.get(key))


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
