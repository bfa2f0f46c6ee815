"""Example pictures of the styles, which `headshot-bot styles preview` leaves in the blob store."""

import asyncio
from pathlib import PurePosixPath

import structlog

from bot.service.faults import facts
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.failures import EngineError

LOOK_EVERY_S = 60.0
PATIENCE_S = 2.0
EXAMPLE_PX = 512
"""Longer side of an example: menus show many at once."""
log = structlog.get_logger()


class Examples:
    """What was there at the last look: only the first menu of all waits for a bucket far away."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._by_style: dict[str, str] | None = None
        self._looking = asyncio.Lock()

    async def run(self) -> None:
        """Looks for new ones until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def by_style(self) -> dict[str, str]:
        """Blob keys by style."""
        if self._by_style is None:
            await self.look(only_first=True)
        return self._by_style or {}

    async def look(self, only_first: bool = False) -> None:
        async with self._looking:
            if only_first and self._by_style is not None:
                return
            self._by_style = self._by_style or {}
            try:
                async with asyncio.timeout(PATIENCE_S):
                    found = await self._blobs.list(keys.STYLE_EXAMPLES)
            except (EngineError, TimeoutError) as error:
                log.warning("examples_not_found", **facts(error))
                return
            self._by_style = {PurePosixPath(key).stem: key for key in found if key.endswith(".jpg")}
