"""A menu's pictures as one, for a message that carries one picture and changes in place. Pixels."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

CELL_PX = (320, 400)
CAPTION_PX = 44
GAP_PX = 8
PAPER, INK = "#ffffff", "#2b2b30"


def collage(pictures: Sequence[tuple[bytes, str]]) -> bytes | None:
    """A JPEG of all that can be decoded, each over its caption; None where there is nothing."""
    cells = [cell for data, caption in pictures if (cell := _cell(data, caption)) is not None]
    if not cells:
        return None
    columns = _columns(len(cells))
    width, height = CELL_PX[0] + GAP_PX, CELL_PX[1] + CAPTION_PX
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * width + GAP_PX, rows * height + GAP_PX), PAPER)
    for number, cell in enumerate(cells):
        place = (GAP_PX + number % columns * width, GAP_PX + number // columns * height)
        sheet.paste(cell, place)
    data = BytesIO()
    sheet.save(data, "JPEG", quality=88)
    return data.getvalue()


def _columns(num_cells: int) -> int:
    """Neither a ribbon nor a tower: phones are narrow."""
    return num_cells if num_cells < 4 else 2 if num_cells == 4 else 3 if num_cells < 10 else 4


def _cell(data: bytes, caption: str) -> Image.Image | None:
    try:
        with Image.open(BytesIO(data)) as picture:
            fitted = ImageOps.fit(picture.convert("RGB"), CELL_PX, centering=(0.5, 0.3))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
    cell = Image.new("RGB", (CELL_PX[0], CELL_PX[1] + CAPTION_PX), PAPER)
    cell.paste(fitted)
    font = ImageFont.load_default(CAPTION_PX * 0.55)
    ImageDraw.Draw(cell).text((2, CELL_PX[1] + CAPTION_PX * 0.1), caption, fill=INK, font=font)
    return cell
