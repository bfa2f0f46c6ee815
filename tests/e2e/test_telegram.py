"""The program as an admin runs it, and a person on Telegram: from an album to headshots."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from pillow_heif import register_heif_opener
from telegram_server import TOKEN, TelegramServer

from bot.commands.origin import Verdict, read

SAMPLES = Path(__file__).parents[2] / "engine" / "demo" / "samples"
GOOD = sorted((SAMPLES / "good").glob("*.jpg"))[:4]
BAD = (SAMPLES / "bad" / "blurred.jpg").read_bytes()
BY_BOB = {"type": "hidden_user", "sender_user_name": "Bob", "date": 1_700_000_000}
PATIENCE_S = 90


def as_phones_send_them() -> list[bytes]:
    """Photos in all formats that are taken."""
    register_heif_opener()
    found: list[bytes] = []
    for file, kind in zip(GOOD, ("JPEG", "HEIF", "WEBP", "PNG"), strict=True):
        buffer = BytesIO()
        with Image.open(file) as picture:
            picture.save(buffer, kind, quality=92)
        found.append(file.read_bytes() if kind == "JPEG" else buffer.getvalue())
    return found


async def until(condition: Any, what: Any = str) -> Any:
    for _ in range(PATIENCE_S * 20):
        if found := condition():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"never came: {what()}")


def environment(base: Path, api_url: str) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if "HEADSHOT" not in name},
        "HEADSHOT_TELEGRAM__TOKEN": TOKEN,
        "HEADSHOT_TELEGRAM__API_URL": api_url,
        "HEADSHOT_ENGINE__BASE": str(base),
        "HEADSHOT_ENGINE__STEPS": "2",
        "HEADSHOT_ENGINE__PHOTO_PROCESSES": "1",
        "HEADSHOT_PHOTOS__MIN_PHOTOS": "3",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "OMP_NUM_THREADS": "1",
    }


@asynccontextmanager
async def running(tmp_path: Path, base: Path, api_url: str) -> AsyncIterator[None]:
    """`headshot-bot run`, and its end by SIGTERM, which must be clean and in time."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "--data", str(tmp_path / "data"), "run"),
        env=environment(base, api_url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        program.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(program.wait(), 30) in (0, -signal.SIGTERM)
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


async def test_from_an_album_to_headshots(tiny_base: Path, tmp_path: Path) -> None:
    server = TelegramServer()
    await server.start()
    ann = server.person(language="de")
    try:
        async with running(tmp_path, tiny_base, server.url):
            good = as_phones_send_them()
            photos = [*good[:2], BAD, *good[2:]]
            updates = ann.album(photos, caption="/train", as_files=True)
            kinds = {update["message"]["document"]["mime_type"] for update in updates}
            assert kinds == {"image/jpeg", "image/heic", "image/webp", "image/png"}
            updates[4]["message"]["forward_origin"] = BY_BOB
            ann.send(updates)
            verdict = await until(
                lambda: next((m for m in server.visible(7) if m.reply_to), None), lambda: ann.sees
            )
            assert verdict.text.startswith("Foto 3")
            assert verdict.reply_to == updates[2]["message"]["message_id"]
            await until(lambda: len(server.reactions) == 4)
            data, card = await until(lambda: ann.offered("Training starten"), lambda: ann.sees)
            ann.presses(data, card)
            await until(ann.reads("ist bereit!"), lambda: ann.sees)
            ann.says("/headshot founder 2")
            await until(ann.reads("Deine 2 Porträts"), lambda: ann.sees)
        files = [message for message in server.visible(7) if message.kind == "document"]
        assert [message.filename.split("-")[0] for message in files] == ["founder", "founder"]
        for message in files:
            with Image.open(BytesIO(message.data)) as picture:
                picture.load()
                assert picture.format == "JPEG"
            origin = read(message.data, certificates="")
            assert origin.verdict is Verdict.MADE_BY_ANOTHER, "signed, and whole when it arrives"
    finally:
        await server.stop()
