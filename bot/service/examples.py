"""Example pictures of the styles, which `headshot-bot styles preview` leaves in the blob store."""

import asyncio
from collections.abc import Mapping
from pathlib import PurePosixPath

import structlog

from bot.service.faults import facts
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.failures import EngineError

LOOK_EVERY_S = 60.0
EXAMPLE_PX = 512
"""Longer side of an example: menus show many at once."""
log = structlog.get_logger()


class Examples:
    """What was there at the last look, so that nobody's menu waits for a bucket far away."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.by_style: Mapping[str, str] = {}
        """Blob keys by style."""

    async def run(self) -> None:
        """Looks for new ones until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        try:
            found = await self._blobs.list(keys.STYLE_EXAMPLES)
        except EngineError as error:
            log.warning("examples_not_found", **facts(error))
            return
        self.by_style = {PurePosixPath(key).stem: key for key in found if key.endswith(".jpg")}
