"""One picture that tells the whole story: selfies, previews from training, headshots.

It says of itself that it holds what AI made, among other pictures; it is not signed, because the
key is the engine's. Knows bytes, labels and pixels; nothing of where pictures come from.
"""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# (Pillow declares nothing of what its colour profiles are)

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageCms, ImageDraw, ImageFont, ImageOps

from engine.contract.provenance import AI_COMPOSED, xmp

WIDTH_PX = 1600
MARGIN_PX = 40
GAP_PX = 16
PAPER, INK, FAINT = "#ffffff", "#1b1b1f", "#74747c"


@dataclass(frozen=True)
class Row:
    """Pictures side by side, each with a caption of its own."""

    label: str
    pictures: Sequence[tuple[bytes, str]]
    columns: int
    """So many fit beside each other; more go below."""


def contact_sheet(title: str, rows: Sequence[Row]) -> bytes:
    """A JPEG of all rows that have pictures."""
    blocks = [_heading(title, 44, INK), *(b for row in rows if row.pictures for b in _blocks(row))]
    height = 2 * MARGIN_PX + sum(block.height for block in blocks)
    sheet = Image.new("RGB", (WIDTH_PX, height), PAPER)
    top = MARGIN_PX
    for block in blocks:
        sheet.paste(block, (MARGIN_PX, top))
        top += block.height
    data = BytesIO()
    sheet.save(
        data,
        "JPEG",
        quality=95,
        optimize=True,
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        xmp=xmp(AI_COMPOSED),
    )
    return data.getvalue()


def _blocks(row: Row) -> Iterator[Image.Image]:
    yield _heading(row.label, 26, FAINT)
    side = (WIDTH_PX - 2 * MARGIN_PX - GAP_PX * (row.columns - 1)) // row.columns
    cells = [_cell(data, caption, side) for data, caption in row.pictures]
    for start in range(0, len(cells), row.columns):
        line = cells[start : start + row.columns]
        block = Image.new("RGB", (WIDTH_PX - 2 * MARGIN_PX, max(c.height for c in line)), PAPER)
        for column, cell in enumerate(line):
            block.paste(cell, (column * (side + GAP_PX), 0))
        yield block


def _heading(text: str, size_px: int, colour: str) -> Image.Image:
    block = Image.new("RGB", (WIDTH_PX - 2 * MARGIN_PX, size_px * 2), PAPER)
    font = ImageFont.load_default(size_px)
    ImageDraw.Draw(block).text((0, size_px * 0.4), text, fill=colour, font=font)
    return block


def _cell(data: bytes, caption: str, side_px: int) -> Image.Image:
    """The picture, its middle cut to the cell's shape, over its caption."""
    with Image.open(BytesIO(data)) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    tall = upright.height > upright.width * 1.05
    height = round(side_px * 1.25) if tall else side_px
    fitted = ImageOps.fit(upright, (side_px, height), centering=(0.5, 0.4))
    font_px = 18 if side_px > 150 else 14
    cell = Image.new("RGB", (side_px, height + font_px * 2), PAPER)
    cell.paste(fitted, (0, 0))
    font = ImageFont.load_default(font_px)
    ImageDraw.Draw(cell).text((2, height + font_px * 0.3), caption, fill=FAINT, font=font)
    return cell
