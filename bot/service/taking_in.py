"""A LoRA file becomes a model of a person. Knows rows and blobs; what the file holds is others'."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncSession

from bot.database import models
from bot.database.tables import Model
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.jobs import derive_id
from engine.contract.manifests import LoraManifest


async def store(blobs: Blobs, owner: str, lora: bytes, manifest: LoraManifest) -> str:
    """Puts the file where models lie. Returns the model's id: the same file is the same model."""
    model_id = derive_id("lora_file", owner, sha256(lora).hexdigest())
    prefix = keys.lora(owner, model_id)
    told = manifest.model_copy(update={"job_id": model_id})
    await blobs.put(prefix + keys.LORA, lora)
    await blobs.put(prefix + keys.MANIFEST, told.model_dump_json().encode())
    return model_id


async def enter(
    tx: AsyncSession,
    owner: str,
    model_id: str,
    name: str,
    manifest: LoraManifest,
    now: datetime,
) -> None:
    """Makes what was stored known, unless it is."""
    if await models.own(tx, owner, model_id) is not None:
        return
    tx.add(
        Model(
            id=model_id,
            person_id=owner,
            name=name,
            lora_prefix=keys.lora(owner, model_id),
            status=models.READY,
            base=manifest.base,
            num_photos=len(manifest.photos_sha256),
            likeness=manifest.likeness,
            created_at=now,
        )
    )
