"""A crowd on Telegram: a Bot API server here, the bot in a process of its own.

Everybody sends /train and an album of three photos, all at once; then one person sends ten photos
of nearly 20 MB. Photos are checked by nobody, since no engine runs. Telegram lets a bot send about
thirty messages a second, and the bot keeps to it: that is what answers wait for.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.processes.valkey import embedded
from tests.telegram_server import TOKEN, TelegramServer

ROOT = Path(__file__).parents[1]
PHOTOS_EACH = 3
PATIENCE_S = 300
MIB = 1024 * 1024
LARGE_BYTES = 20 * MIB - 1024
MESSAGES = ("sendMessage", "editMessageText", "sendPhoto", "sendMediaGroup")


@dataclass(frozen=True)
class Figures:
    """`acknowledged_s`: until Telegram may forget what a person did; `answered_s`: until they
    read something. Both for each person.
    """

    people: int
    acknowledged_s: tuple[float, ...]
    answered_s: tuple[float, ...]
    large_acknowledged_s: float
    peak_mib: float
    messages: int
    seconds: float


class Watch:
    """Notes when the bot takes updates and when it first answers each person."""

    def __init__(self, server: TelegramServer) -> None:
        self._server = server
        self.pushed: dict[int, float] = {}
        self.saved: dict[int, float] = {}
        self.answered: dict[int, float] = {}

    async def run(self) -> None:
        num_seen, num_shown = 0, 0
        while True:
            now = time.monotonic()
            for call in self._server.calls[num_seen:]:
                num_seen += 1
                if call.method == "getUpdates" and call.params.get("offset"):
                    offset = int(call.params["offset"])
                    for update_id in [u for u in self.pushed if u < offset]:
                        self.saved.setdefault(update_id, now)
            for shown in self._server.shown[num_shown:]:
                num_shown += 1
                self.answered.setdefault(shown.chat, now)
            await asyncio.sleep(0.01)


async def measure(num_people: int) -> Figures:
    server = TelegramServer()
    await server.start()
    with tempfile.TemporaryDirectory(prefix="load-", dir="/tmp") as folder:
        async with embedded(Path(folder), Path(folder)) as redis_url:
            try:
                return await _measure(server, num_people, folder, redis_url)
            finally:
                await server.stop()


async def _measure(server: TelegramServer, num_people: int, folder: str, redis_url: str) -> Figures:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "--data", folder, "bot"),
        env={
            **os.environ,
            "HEADSHOT_TELEGRAM__TOKEN": TOKEN,
            "HEADSHOT_TELEGRAM__API_URL": server.url,
            "HEADSHOT_REDIS_URL": redis_url,
            "PYTHONPATH": str(ROOT),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    watch = Watch(server)
    watching = asyncio.create_task(watch.run())
    try:
        while not server.called("getUpdates"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return await _crowd(server, watch, psutil.Process(program.pid), num_people)
    finally:
        watching.cancel()
        program.kill()
        await program.wait()


async def _crowd(
    server: TelegramServer, watch: Watch, process: psutil.Process, num_people: int
) -> Figures:
    began = time.monotonic()
    trains: dict[int, int] = {}
    for user_id in range(1000, 1000 + num_people):
        person = server.person(user_id)
        train = person.says("/train")
        trains[train] = user_id
        photos = [f"good {user_id} {n}".encode() for n in range(PHOTOS_EACH)]
        for update_id in (train, *person.send(person.album(photos, as_files=True))):
            watch.pushed[update_id] = time.monotonic()
    peak = 0
    while len(watch.answered) < num_people or len(watch.saved) < len(watch.pushed):
        peak = max(peak, process.memory_info().rss)
        if time.monotonic() - began > PATIENCE_S:
            raise TimeoutError(f"{len(watch.answered)} of {num_people} people were answered")
        await asyncio.sleep(0.1)
    seconds = time.monotonic() - began
    messages = sum(len(server.called(method)) for method in MESSAGES)
    return Figures(
        people=num_people,
        acknowledged_s=tuple(watch.saved[update] - watch.pushed[update] for update in trains),
        answered_s=tuple(
            watch.answered[user] - watch.pushed[update] for update, user in trains.items()
        ),
        large_acknowledged_s=await _large(server, watch),
        peak_mib=peak / MIB,
        messages=messages,
        seconds=seconds,
    )


async def _large(server: TelegramServer, watch: Watch) -> float:
    """Ten photos of nearly 20 MB in one album: until the last is acknowledged."""
    person = server.person(999)
    photos = [bytes([n]) + bytes(LARGE_BYTES) for n in range(10)]
    sent = person.send(person.album(photos, as_files=True))
    began = time.monotonic()
    watch.pushed.update(dict.fromkeys(sent, began))
    while not watch.saved.keys() >= set(sent):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return max(watch.saved[update] for update in sent) - began
