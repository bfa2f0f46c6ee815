"""Pictures that arrive: kept in a folder, linked, and shown small where colours allow."""

import asyncio
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from bot.conversation.messages import Picture
from bot.frontends.terminal import drawing
from engine.contract.blobs import Blobs

THUMBNAIL_WIDTH = 24


class Album:
    """Saves each picture once under its own name."""

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

    def path_of(self, key: str) -> Path | None:
        """Where a picture was put."""
        return self._kept.get(key)

    async def keep(self, picture: Picture) -> list[RenderableType]:
        """What to print for a picture; nothing for one that was kept before."""
        if picture.key in self._kept:
            return []
        data = await self._blobs.get(picture.key)
        path = await asyncio.to_thread(self._save, self._name_of(picture), data)
        self._kept[picture.key] = path
        link = drawing.link(path, picture.caption)
        shown = thumbnail(data) if self._thumbnails else None
        return [shown, link] if shown else [link]

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


def thumbnail(data: bytes, width: int = THUMBNAIL_WIDTH) -> RenderableType | None:
    """A picture drawn with half blocks, two pixels a character; None for what is no picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as opened:
            height = 2 * max(1, round(width * opened.height / opened.width / 2))
            small = opened.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, OSError):
        return None
    text = Text("", end="")
    for y in range(0, height, 2):
        text.append("  ")
        for x in range(width):
            text.append("▀", style=f"{_colour(small, x, y)} on {_colour(small, x, y + 1)}")
        text.append("\n")
    return text


def _colour(image: object, x: int, y: int) -> str:
    red, green, blue = image.getpixel((x, y))  # type: ignore
    return f"#{red:02x}{green:02x}{blue:02x}"
