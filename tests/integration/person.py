"""A person for tests: photos as the bot and the engine leave them, and the jobs about them."""

from hashlib import sha256
from io import BytesIO

from PIL import Image

from engine.contract import keys, styles
from engine.contract.blobs import Blobs
from engine.contract.jobs import GenerateHeadshots, PhotoRef, TrainLora
from engine.contract.photos import Face, PhotoReport

NUM_PHOTOS = 6
SIDE_PX = 320


def train(job_id: str, owner: str = "ann", attempt: int = 1) -> TrainLora:
    digests = [photo_sha256(number) for number in range(NUM_PHOTOS)]
    photos = tuple(
        PhotoRef(photo_key=keys.photo(owner, digest), report_key=keys.report(owner, digest))
        for digest in digests
    )
    return TrainLora(job_id=job_id, attempt=attempt, owner=owner, photos=photos, quality="fast")


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


async def store_photos(job: TrainLora, blobs: Blobs) -> None:
    """Pictures of nobody, and reports that call them good photos of one person."""
    for number, ref in enumerate(job.photos):
        await blobs.put(ref.photo_key, _jpeg(number))
        await blobs.put(ref.report_key, _report(number).model_dump_json().encode())


def _jpeg(number: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (SIDE_PX, SIDE_PX), (40 * number, 120, 200 - 30 * number)).save(file, "JPEG")
    return file.getvalue()


def _report(number: int) -> PhotoReport:
    face = Face(
        box=(100, 100, 240, 240),
        score=1.0,
        landmarks=((20.0, 24.0),) * 5,
        embedding=tuple(0.02 * ((number + i) % 3) for i in range(128)),
        yaw_deg=0,
        pitch_deg=0,
        roll_deg=0,
    )
    return PhotoReport(
        sha256=photo_sha256(number),
        width_px=SIDE_PX,
        height_px=SIDE_PX,
        fingerprint=f"{number * 0x1111111111111111:016x}",
        face=face,
    )
