"""Photos on their way in: read at once, since their addresses expire, in bounded memory.

Whoever sends ten large photos while others do the same waits for room, not for an answer: the
interaction is acknowledged before anything is read.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import discord
import structlog

from bot.conversation.incoming import Incoming, PhotosReceived, UploadRefused
from bot.frontends.discord.faults import CONNECTION
from engine.contract.photos import PhotoLimits

MIB = 1024 * 1024
ROOM_BYTES = 32 * MIB
"""Of photos in memory at once, of all people together."""
BATCH_BYTES = 12 * MIB
TRIES = 3
READ_TIMEOUT_S = 120.0
UNKNOWN = "application/octet-stream"
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp", ".tiff")
Receive = Callable[[Incoming, Sequence[bytes]], Awaitable[None]]
log = structlog.get_logger()


class Room:
    """So many bytes may be held; who needs more waits in line."""

    def __init__(self, size_bytes: int = ROOM_BYTES) -> None:
        self._free = size_bytes
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def hold(self, size_bytes: int) -> AsyncGenerator[None]:
        if self._line or self._free < size_bytes:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            place = (size_bytes, turn)
            self._line.append(place)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give(size_bytes)
                else:
                    self._line.remove(place)
                raise
        else:
            self._free -= size_bytes
        try:
            yield
        finally:
            self._give(size_bytes)

    def _give(self, size_bytes: int) -> None:
        self._free += size_bytes
        while self._line and self._line[0][0] <= self._free:
            wanted, turn = self._line.popleft()
            if not turn.cancelled():
                self._free -= wanted
                turn.set_result(None)


class Intake:
    def __init__(self, limits: PhotoLimits, room: Room | None = None) -> None:
        self._limits = limits
        self._room = room or Room()

    async def take(
        self, first: Incoming, attachments: Sequence[discord.Attachment], receive: Receive
    ) -> None:
        """Hands in `first` with the first photos, then the other photos, then what was no photo."""
        pictures = [file for file in attachments if is_picture(file)]
        small = [file for file in pictures if file.size <= self._limits.max_bytes]
        num_lost = 0
        has_begun = False
        for batch in _batches(small):
            async with self._room.hold(min(sum(file.size for file in batch), ROOM_BYTES)):
                read = await asyncio.gather(*(self._read(file) for file in batch))
                photos = [photo for photo in read if photo is not None]
                num_lost += len(batch) - len(photos)
                if photos:
                    await receive(PhotosReceived() if has_begun else first, photos)
                    has_begun = True
        if not has_begun and not isinstance(first, PhotosReceived):
            await receive(first, ())
        await self._refuse(len(attachments) - len(pictures), len(pictures) - len(small), receive)
        if num_lost:
            await receive(UploadRefused(reason="download_failed", num_files=num_lost), ())

    async def _refuse(self, num_others: int, num_large: int, receive: Receive) -> None:
        if num_others:
            await receive(UploadRefused(reason="not_an_image", num_files=num_others), ())
        if num_large:
            limit_mib = self._limits.max_bytes // MIB
            refused = UploadRefused(reason="too_large", limit_mib=limit_mib, num_files=num_large)
            await receive(refused, ())

    async def _read(self, file: discord.Attachment) -> bytes | None:
        """None for a file that does not come, or that is not what it said it would be."""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(0.5 * 2**attempt)
            try:
                async with asyncio.timeout(READ_TIMEOUT_S):
                    data = await file.read()
            except (discord.NotFound, discord.Forbidden) as error:
                log.info("photo_not_read", status=error.status)
                return None
            except (discord.HTTPException, *CONNECTION) as error:
                log.info("photo_not_read", error=type(error).__name__, attempt=attempt)
                continue
            return data if len(data) <= self._limits.max_bytes else None
        return None


def is_picture(file: discord.Attachment) -> bool:
    """By what Discord says it is; HEIC often comes without a type, so its name counts too.

    What has neither a type nor a name that tells is looked at like a photo.
    """
    kind, _, form = (file.content_type or UNKNOWN).lower().partition(";")[0].partition("/")
    if kind == "image" or file.filename.lower().endswith(PICTURES):
        return True
    return f"{kind}/{form}" == UNKNOWN and "." not in file.filename.strip(".")


def _batches(files: Sequence[discord.Attachment]) -> list[list[discord.Attachment]]:
    batches: list[list[discord.Attachment]] = []
    for file in files:
        if not batches or sum(f.size for f in batches[-1]) + file.size > BATCH_BYTES:
            batches.append([])
        batches[-1].append(file)
    return batches
