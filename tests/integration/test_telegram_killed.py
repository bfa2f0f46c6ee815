"""The bot's process, killed without a word again and again while a person talks to it."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from service_house import until
from telegram_house import TelegramHouse, a_telegram_house
from telegram_server import TOKEN

ROOT = Path(__file__).parents[2]
NUM_KILLS = 2


@asynccontextmanager
async def process(house: TelegramHouse) -> AsyncIterator[None]:
    """`headshot-bot bot`, ended by SIGKILL."""
    environment = {
        **{name: value for name, value in os.environ.items() if "HEADSHOT" not in name},
        "HEADSHOT_TELEGRAM__TOKEN": TOKEN,
        "HEADSHOT_TELEGRAM__API_URL": house.server.url,
        "HEADSHOT_REDIS_URL": house.redis_url,
        "PYTHONPATH": str(ROOT),
    }
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "--data", str(house.folder), "bot"),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        program.kill()
        await program.wait()


async def test_nothing_is_lost_and_nothing_comes_more_than_twice(
    tmp_path: Path, redis_url: str
) -> None:
    dice = random.Random(11)
    async with a_telegram_house(tmp_path, redis_url) as house:
        ann, num_said = house.ann, 0
        parts = ann.album([f"good {n}".encode() for n in range(3)], as_files=True)
        for life in range(NUM_KILLS + 1):
            num_asked = len(house.server.called("getUpdates"))
            async with process(house):
                for _ in range(4):
                    ann.says("what?")
                    num_said += 1
                ann.send([parts[life]])
                await until(lambda n=num_asked: len(house.server.called("getUpdates")) > n)
                if life < NUM_KILLS:
                    await asyncio.sleep(dice.uniform(0.0, 0.4))
                    continue
                await until(lambda n=num_said: answers(ann.sees) >= n, lambda: str(ann.sees))
                await until(lambda: house.engine.num_taken("check_photo") == 3)
        assert num_said <= answers(ann.sees) <= num_said + NUM_KILLS
        cards = [text for text in ann.sees if text.startswith("Your photos")]
        assert 1 <= len(cards) <= 1 + NUM_KILLS


def answers(seen: list[str]) -> int:
    """To `what?`, with and without photos being collected."""
    return sum("I work with photos" in text or "waiting for photos" in text for text in seen)
