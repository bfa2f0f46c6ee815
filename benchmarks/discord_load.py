"""A crowd on Discord: a server on real sockets here, the bot in a process of its own.

What the crowd does: everybody begins, within one second, with `/train` and three photos, sends two
more messages with two photos each, and looks at `/status`, waiting for nothing in between. Once all
see their status and a card with seven photos, one person sends ten photos of 20 MB, and others ask
for `/help` meanwhile. Photos are checked by nobody, since no engine runs.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.processes.valkey import embedded
from tests.discord_server import MIB, DiscordServer, a_discord, until

PHOTO_BYTES = 300_000
LARGE_BYTES = 20 * MIB
BEGIN_WITHIN_S = 1.0
NUM_OTHERS = 20
PATIENCE_S = 600.0
CHILD = """
import asyncio, sys
from pathlib import Path
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL
from bot import app
from bot.settings import Settings
port, data, redis_url = sys.argv[1:]
Route.BASE = f"http://127.0.0.1:{port}/api/v10"
DiscordWebSocket.DEFAULT_GATEWAY = URL(f"ws://127.0.0.1:{port}/gateway")
settings = Settings.model_validate({"data_dir": data, "discord": {"token": "MTAwMA.x.y"}})
asyncio.run(app.run(settings, redis_url))
"""


@dataclass(frozen=True)
class Figures:
    people: int
    seconds: float
    acknowledged_s: Sequence[float]
    """From the gateway's event to the request that acknowledges it."""
    large_acknowledged_s: float
    """The slowest of the one with the large photos and of those who ask meanwhile."""
    peak_mib: float
    messages: int
    """That the bot sent or edited."""


async def measure(people: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        data = Path(folder)
        async with (
            a_discord() as server,
            embedded(data, data) as redis_url,
            _bot(server, data, redis_url) as process,
        ):
            await asyncio.wait_for(server.identified.wait(), 60)
            await until(lambda: server.commands)
            peak = asyncio.create_task(_watch(process))
            began = asyncio.get_running_loop().time()
            calls = len(server.calls)
            crowd = {100 + n: asyncio.Event() for n in range(people)}
            seeing = asyncio.create_task(_see(server, crowd))
            waits = await asyncio.gather(
                *(_person(server, user, event, people) for user, event in crowd.items())
            )
            await seeing
            seconds = asyncio.get_running_loop().time() - began
            num_sent = sum(
                "/messages" in call or call.startswith("POST /webhooks")
                for call in server.calls[calls:]
            )
            large = await _large(server, 50)
            peak.cancel()
            await asyncio.wait([peak])
    flat = [wait for some in waits for wait in some]
    return Figures(people, seconds, flat, large, _PEAK[0], num_sent)


@asynccontextmanager
async def _bot(server: DiscordServer, data: Path, redis_url: str) -> AsyncIterator[psutil.Process]:
    arguments = (str(server.port), str(data), redis_url)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHILD, *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        await child.wait()


_PEAK = [0.0]


async def _watch(process: psutil.Process) -> None:
    while True:
        _PEAK[0] = max(_PEAK[0], process.memory_info().rss / MIB)
        await asyncio.sleep(0.05)


async def _person(
    server: DiscordServer, user: int, served: asyncio.Event, people: int
) -> list[float]:
    await asyncio.sleep((user - 100) / people * BEGIN_WITHIN_S)
    first = await _command(server, user, "train", [_photo(user, n) for n in range(3)])
    for number in (3, 5):
        await server.write(user, "", _photo(user, number), _photo(user, number + 1))
    second = await _command(server, user, "status", [])
    await asyncio.wait_for(served.wait(), PATIENCE_S)
    return [server.acknowledged[number] - asked for number, asked in (first, second)]


async def _see(server: DiscordServer, crowd: dict[int, asyncio.Event]) -> None:
    """Lets everybody know who has their answer; one look for all, so that looking costs little."""
    while not all(event.is_set() for event in crowd.values()):
        await asyncio.sleep(0.5)
        told, shown = set[int](), set[int]()
        for said in list(server.messages.values()):
            if "How things stand" in said.text:
                told.add(said.to or said.channel // 10)
            elif "7 more photos" in said.text:
                shown.add(said.to or said.channel // 10)
        for user in told & shown:
            crowd[user].set()


async def _large(server: DiscordServer, user: int) -> float:
    """One person's ten large photos, and what others wait meanwhile."""
    photos = [(f"{n}.jpg", os.urandom(1024) + bytes(LARGE_BYTES)) for n in range(10)]
    asked = [await _command(server, user, "train", photos)]
    for other in range(NUM_OTHERS):
        await asyncio.sleep(0.1)
        asked.append(await _command(server, 60 + other, "help", []))
    await until(
        lambda: all(number in server.acknowledged for number, _ in asked),
        "acknowledgements",
        PATIENCE_S,
    )
    await until(
        lambda: any("10 more photos" in said.text for said in server.seen_by(user)),
        "a card",
        PATIENCE_S,
    )
    return max(server.acknowledged[number] - moment for number, moment in asked)


async def _command(
    server: DiscordServer, user: int, name: str, photos: list[tuple[str, bytes]]
) -> tuple[int, float]:
    """The interaction, and when it was told to the bot."""
    asked = asyncio.get_running_loop().time()
    token = await server.command(user, name, photos)
    return token.interaction, asked


def _photo(user: int, number: int) -> tuple[str, bytes]:
    return f"{user}-{number}.jpg", f"{user}-{number}".encode().ljust(64) + bytes(PHOTO_BYTES)
