"""Pictures that arrive: kept in a folder, linked, and shown small where colours allow."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from rich.columns import Columns
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.conversation.messages import Picture
from bot.frontends.terminal import drawing
from engine.contract.blobs import Blobs

WIDTH = 24
WIDTH_BESIDE_OTHERS = 17
"""Four of them fit into 80 columns."""


@dataclass(frozen=True)
class Kept:
    path: Path
    caption: str
    data: bytes
    is_new: bool


class Album:
    """Saves each picture once, under a name of its own."""

    def __init__(
        self,
        blobs: Blobs,
        folder: Path,
        thumbnails: bool,
        name_of: Callable[[Picture], str] = lambda picture: Path(picture.filename).name,
    ) -> None:
        self._blobs = blobs
        self._folder = folder
        self._thumbnails = thumbnails
        self._name_of = name_of
        self._kept: dict[str, Path] = {}

    async def keep(self, picture: Picture) -> Kept:
        """Raises BlobMissingError for a picture that is gone."""
        data = await self._blobs.get(picture.key)
        path = self._kept.get(picture.key)
        is_new = path is None
        if path is None:
            path = await asyncio.to_thread(self._save, self._name_of(picture), data)
            self._kept[picture.key] = path
        return Kept(path, picture.caption, data, is_new)

    def show(self, pictures: Sequence[Kept]) -> Iterator[RenderableType]:
        """What to print of them: small pictures side by side, then a line each."""
        if self._thumbnails and pictures:
            width = WIDTH if len(pictures) == 1 else WIDTH_BESIDE_OTHERS
            small = [thumbnail(picture.data, width) for picture in pictures]
            drawn = [picture for picture in small if picture is not None]
            yield Padding(Columns(drawn, padding=(0, 2)), (1, 0, 0, 0))
        for picture in pictures:
            yield drawing.link(picture.path, picture.caption)

    def _save(self, filename: str, data: bytes) -> Path:
        name = self._folder / (filename or "picture")
        name.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, 10_000):
            stem = name.stem if number == 1 else f"{name.stem}-{number}"
            path = name.with_name(f"{stem}{name.suffix}")
            try:
                with path.open("xb") as file:
                    file.write(data)
                return path
            except FileExistsError:
                if path.stat().st_size == len(data) and path.read_bytes() == data:
                    return path
        raise FileExistsError(f"there are 10000 pictures named {name}")


def thumbnail(data: bytes, width: int) -> RenderableType | None:
    """A picture drawn with half blocks, two pixels a character; None for what is no picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as opened:
            height = 2 * max(1, round(width * opened.height / opened.width / 2))
            small = opened.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, OSError):
        return None
    pixels = small.tobytes()
    text = Text(no_wrap=True)
    for y in range(0, height, 2):
        for x in range(width):
            upper, lower = _colour(pixels, width * y + x), _colour(pixels, width * (y + 1) + x)
            text.append("▀", style=f"{upper} on {lower}")
        if y + 2 < height:
            text.append("\n")
    return text


def _colour(pixels: bytes, place: int) -> str:
    red, green, blue = pixels[3 * place : 3 * place + 3]
    return f"#{red:02x}{green:02x}{blue:02x}"
