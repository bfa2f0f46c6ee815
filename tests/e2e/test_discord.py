"""From `/train` with real photos to delivered headshots, on Discord: through the real queue,
database, blob store and engine, with a tiny base that draws noise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pillow_heif
import pytest
from discord_server import DiscordServer, Said, a_discord, until
from PIL import Image

from bot import app
from bot.commands.origin import Verdict, read
from bot.processes.engine import engine_part
from bot.settings import Settings

SAMPLES = Path(__file__).parents[2] / "engine" / "demo" / "samples"
GOOD = [(file.name, file.read_bytes()) for file in sorted((SAMPLES / "good").glob("*.jpg"))[:4]]
PHONE = "IMG_0002.HEIC"
DARK = ("dark.jpg", (SAMPLES / "bad" / "dark.jpg").read_bytes())
ANN, EVE, SERVER = 21, 22, 7
PATIENCE_S = 90.0


def of_a_phone(photo: bytes) -> bytes:
    """The same photo as an iPhone keeps it."""
    data = BytesIO()
    with Image.open(BytesIO(photo)) as opened:
        pillow_heif.from_pillow(opened.convert("RGB")).save(data, quality=90)
    return data.getvalue()


@asynccontextmanager
async def an_engine(settings: Settings, redis_url: str) -> AsyncIterator[None]:
    part = engine_part(settings.engine_settings(redis_url), None)
    process = await asyncio.create_subprocess_exec(*part.command, stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(part.stdin)
    process.stdin.close()
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def a_bot(settings: Settings, redis_url: str, server: DiscordServer) -> AsyncIterator[None]:
    server.identified.clear()
    running = asyncio.create_task(app.run(settings, redis_url))
    try:
        await asyncio.wait_for(server.identified.wait(), 30)
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def sees(server: DiscordServer, user: int, *words: str) -> Said:
    """The newest message that this person sees with these words, or buttons, in it."""

    def found() -> Said | None:
        for said in reversed(server.seen_by(user)):
            shown = said.text + "\n".join(said.buttons)
            if all(word in shown for word in words):
                return said
        return None

    def all_seen() -> str:
        return "\n---\n".join(said.text for said in server.seen_by(user))

    try:
        return await until(found, " ".join(words), PATIENCE_S)
    except AssertionError as error:
        raise AssertionError(f"{error} in {all_seen()}") from None


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.glob("blobs/people/**/*") if path.is_file()]


@pytest.mark.timeout(240)
async def test_from_photos_to_headshots(tmp_path: Path, redis_url: str, tiny_base: Path) -> None:
    settings = Settings.model_validate(
        {
            "data_dir": tmp_path,
            "discord": {"token": "MTAwMA.x.y"},
            "engine": {"base": str(tiny_base), "device": "cpu", "steps": 4, "photo_processes": 1},
            "photos": {"min_photos": 4, "max_photos": 6},
        }
    )
    async with a_discord() as server, an_engine(settings, redis_url):
        async with a_bot(settings, redis_url, server):
            await until(lambda: server.commands)
            await server.command(ANN, "train", [*GOOD[:2], (PHONE, of_a_phone(GOOD[2][1]))])
            await sees(server, ANN, "3 of 4")
            await server.write(ANN, "", GOOD[3], DARK, ("cv.pdf", b"%PDF-1.7"))
            await sees(server, ANN, "not a picture")
            card = await sees(server, ANN, "too dark", "Start training")
            assert card.channel == ANN * 10
            assert list(card.files) == ["photos.jpg"]
            assert card.num_edits > 0, "one card, edited in place"
            await server.press(EVE, card, "Start training")
            await sees(server, EVE, "not open any more")

        async with a_bot(settings, redis_url, server):
            await asyncio.gather(*(server.press(ANN, card, "Start training") for _ in range(2)))
            await sees(server, ANN, "is ready", "LinkedIn")
            training = [said for said in server.seen_by(ANN) if "Training is done" in said.text]
            assert len(training) == 1, "pressed twice, trained once"
            await server.command(ANN, "headshot", style="doctor", count="2")
            made = await sees(server, ANN, "Your 2 headshots · Doctor", "Delete")
            assert made.channel == ANN * 10
            assert made.num_edits == 0
            stored = {file.read_bytes() for file in kept(tmp_path) if file.suffix == ".jpg"}
            assert set(made.files.values()) <= stored, "byte for byte what the engine made"
            for data in made.files.values():
                Image.open(BytesIO(data)).load()
                origin = read(data, certificates="")
                assert origin.verdict is Verdict.MADE_BY_ANOTHER, "signed, whole on arrival"

            await server.command(ANN, "share")
            mine = await sees(server, ANN, "Share here")
            assert mine.to == ANN
            await server.press(ANN, mine, "Share here")
            shared = await sees(server, EVE, "2 headshots · Doctor")
            assert (shared.channel, shared.to) == (SERVER, None)

            await server.command(ANN, "forget", private=True)
            asked = await sees(server, ANN, "Yes, erase everything")
            await server.press(ANN, asked, "Yes, erase everything")
            await sees(server, ANN, "1 model", "2 headshots", "files were deleted")
            assert kept(tmp_path) == []
