"""The photos of a collection as one picture: numbered, with a green or a red frame.

A message takes ten files and a collection holds more, so the card shows one contact sheet. Knows
pixels and numbers; photos that this process cannot decode show their number alone. HEIC needs
pillow-heif, which comes with the engine.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from bot.conversation.messages import PhotoLine

CELL_PX = 150
FRAME_PX = 5
COLUMNS = 5
MAX_CELLS = 40
MAX_PIXELS_SHRINKING = 80_000_000
"""Of a JPEG that can be decoded small; anything else is decoded whole first."""
MAX_PIXELS_WHOLE = 16_000_000
KEPT = 3000
"""Small copies, 5 kB each: of those who collect now."""
KEPT_S = 1800.0
"""Nobody's copy stays for long after they were done, or had everything erased."""
PAPER, BLANK, INK = "#2b2d31", "#4e5058", "#ffffff"
FRAMES = {"accepted": "#23a559", "refused": "#f23f43", "pending": "#80848e"}


class Sheets:
    """Draws sheets; remembers small copies, never whole photos."""

    def __init__(
        self,
        find: Callable[[str], Awaitable[bytes | Path]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._clock = clock
        self._small: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def draw(self, photos: Sequence[PhotoLine]) -> bytes:
        """A JPEG of the latest photos, with the refused ones among them."""
        shown = photos[-MAX_CELLS:]
        copies = [await self._copy(photo) for photo in shown]
        return await asyncio.to_thread(_sheet, shown, copies)

    async def _copy(self, photo: PhotoLine) -> bytes:
        if not photo.key:
            return b""
        if photo.sha256 not in self._small:
            async with self._one_at_a_time:  # a decoded photo is large
                if photo.sha256 not in self._small:
                    small = await asyncio.to_thread(shrunk, await self._find(photo.key))
                    self._small[photo.sha256] = (0.0, small)
        _, small = self._small[photo.sha256]
        self._small[photo.sha256] = (self._clock(), small)
        self._small.move_to_end(photo.sha256)
        self._forget()
        return small

    def _forget(self) -> None:
        while len(self._small) > KEPT or self._oldest_s() < self._clock() - KEPT_S:
            self._small.popitem(last=False)

    def _oldest_s(self) -> float:
        used_s, _ = next(iter(self._small.values()))
        return used_s


def shrunk(photo: bytes | Path) -> bytes:
    """A small square JPEG of a photo; empty where it cannot be decoded in little memory."""
    try:
        if _begins(photo)[4:8] == b"ftyp":
            _learn_heic()
        with Image.open(BytesIO(photo) if isinstance(photo, bytes) else photo) as opened:
            if opened.width * opened.height > _most_pixels(opened):
                return b""
            opened.draft("RGB", (2 * CELL_PX, 2 * CELL_PX))
            small = ImageOps.fit(
                ImageOps.exif_transpose(opened).convert("RGB"),
                (CELL_PX, CELL_PX),
                centering=(0.5, 0.35),
            )
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b""
    return _jpeg(small, 80)


def _begins(photo: bytes | Path) -> bytes:
    if isinstance(photo, bytes):
        return photo[:12]
    with photo.open("rb") as file:
        return file.read(12)


@cache
def _learn_heic() -> None:
    """Loaded for the first such photo: it takes memory that many servers never need."""
    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)  # pyright: ignore[reportUnknownMemberType]


def _most_pixels(photo: Image.Image) -> int:
    shrinks = photo.format == "JPEG" and not photo.info.get("progressive")
    return MAX_PIXELS_SHRINKING if shrinks else MAX_PIXELS_WHOLE


def _sheet(photos: Sequence[PhotoLine], copies: Sequence[bytes]) -> bytes:
    columns = min(COLUMNS, len(photos))
    rows = -(-len(photos) // COLUMNS)
    side = CELL_PX + 2 * FRAME_PX
    sheet = Image.new("RGB", (columns * side, rows * side), PAPER)
    for index, (photo, copy) in enumerate(zip(photos, copies, strict=True)):
        row, column = divmod(index, COLUMNS)
        sheet.paste(_cell(photo, copy), (column * side, row * side))
    return _jpeg(sheet, 82)


def _cell(photo: PhotoLine, copy: bytes) -> Image.Image:
    side = CELL_PX + 2 * FRAME_PX
    colour = FRAMES[photo.verdict]
    cell = Image.new("RGB", (side, side), colour)
    picture = Image.open(BytesIO(copy)) if copy else Image.new("RGB", (CELL_PX, CELL_PX), BLANK)
    cell.paste(picture, (FRAME_PX, FRAME_PX))
    drawing = ImageDraw.Draw(cell)
    drawing.rectangle((0, 0, 40, 32), fill=colour)
    drawing.text(
        (20, 17), str(photo.number), fill=INK, font=ImageFont.load_default(22), anchor="mm"
    )
    if photo.verdict == "refused":
        far = side - FRAME_PX - 2
        drawing.line((FRAME_PX, far, far, FRAME_PX), fill=colour, width=5)
    return cell


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    data = BytesIO()
    picture.save(data, "JPEG", quality=quality)
    return data.getvalue()
