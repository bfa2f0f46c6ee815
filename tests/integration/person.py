"""A person for tests: a dataset as the photo processes leave it, and the jobs about it."""

from hashlib import sha256
from io import BytesIO

from PIL import Image

from engine.contract import keys, styles
from engine.contract.blobs import Blobs
from engine.contract.jobs import GenerateHeadshots, PhotoRef, TrainLora
from engine.contract.manifests import DatasetManifest, Example
from engine.contract.photos import Face, PhotoReport

NUM_PHOTOS = 6
SIDE_PX = 64


def train(job_id: str, owner: str = "ann", attempt: int = 1) -> TrainLora:
    digests = [photo_sha256(number) for number in range(NUM_PHOTOS)]
    photos = tuple(
        PhotoRef(photo_key=keys.photo(owner, digest), report_key=keys.report(owner, digest))
        for digest in digests
    )
    return TrainLora(job_id=job_id, attempt=attempt, owner=owner, photos=photos)


def headshots(job_id: str, lora: TrainLora, attempt: int = 1, count: int = 2) -> GenerateHeadshots:
    return GenerateHeadshots(
        job_id=job_id,
        attempt=attempt,
        owner=lora.owner,
        lora_prefix=keys.lora(lora.owner, lora.job_id),
        style=styles.load()["linkedin"],
        count=count,
    )


def photo_sha256(number: int) -> str:
    return sha256(f"photo {number}".encode()).hexdigest()


async def store_dataset(job: TrainLora, blobs: Blobs) -> None:
    """As if the photos had been judged and cut already."""
    prefix = keys.dataset(job.owner, job.job_id)
    examples: list[Example] = []
    for number, ref in enumerate(job.photos):
        digest = photo_sha256(number)
        key = f"{prefix}{digest[:16]}.png"
        await blobs.put(key, _png(number))
        await blobs.put(ref.report_key, _report(number).model_dump_json().encode())
        examples.append(
            Example(
                key=key,
                photo_sha256=digest,
                view="face",
                width_px=SIDE_PX,
                height_px=SIDE_PX,
                caption="photo of TOK person",
                plain_caption="photo of a person",
            )
        )
    manifest = DatasetManifest(trigger="TOK", class_word="person", examples=tuple(examples))
    await blobs.put(prefix + keys.DATASET, manifest.model_dump_json().encode())


def _png(number: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (SIDE_PX, SIDE_PX), (40 * number, 120, 200 - 30 * number)).save(file, "PNG")
    return file.getvalue()


def _report(number: int) -> PhotoReport:
    face = Face(
        box=(16, 16, 48, 48),
        score=1.0,
        landmarks=((20.0, 24.0),) * 5,
        embedding=tuple(0.05 * ((number + i) % 3) for i in range(128)),
        yaw_deg=0,
        pitch_deg=0,
        roll_deg=0,
    )
    return PhotoReport(sha256=photo_sha256(number), width_px=SIDE_PX, height_px=SIDE_PX, face=face)
