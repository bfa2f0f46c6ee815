"""What `generate --cuts` writes beside the headshots."""

from bot.commands.generate import files_beside
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.events import Headshot
from engine.contract.manifests import HeadshotsManifest

PREFIX = keys.headshots("owner", "job")


def manifest(*seeds: int) -> HeadshotsManifest:
    shots = tuple(
        Headshot(key=f"{PREFIX}{number:02}.jpg", seed=seed, width_px=8, height_px=8)
        for number, seed in enumerate(seeds, start=1)
    )
    return HeadshotsManifest(
        job_id="job",
        lora_job_id="lora",
        base="demo",
        style="linkedin",
        prompt="",
        guidance=1.0,
        num_inference_steps=1,
        strength=1.0,
        headshots=shots,
        seconds=1.0,
    )


async def test_cuts_lie_in_folders_under_the_name_of_their_picture() -> None:
    blobs, made = Blobs.from_url("memory://"), manifest(7, 8)
    for number, shot in enumerate(made.headshots):
        await blobs.put(shot.key, b"picture")
        await blobs.put(keys.cut(shot.key, keys.PROFILE), b"profile %d" % number)
        await blobs.put(keys.cut(shot.key, "square"), b"square %d" % number)
    await blobs.put(PREFIX + keys.SHEET, b"sheet")
    await blobs.put(PREFIX + keys.MANIFEST, b"{}")

    assert await files_beside(blobs, PREFIX, made) == {
        "profile/linkedin-7.jpg": b"profile 0",
        "profile/linkedin-8.jpg": b"profile 1",
        "square/linkedin-7.jpg": b"square 0",
        "square/linkedin-8.jpg": b"square 1",
        "linkedin-7-sheet.jpg": b"sheet",
    }


async def test_an_older_set_has_nothing_beside_it() -> None:
    blobs, made = Blobs.from_url("memory://"), manifest(7)
    await blobs.put(made.headshots[0].key, b"picture")

    assert await files_beside(blobs, PREFIX, made) == {}
