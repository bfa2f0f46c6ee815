"""From pictures to files: JPEGs that say what made them, and a numbered contact sheet.

Every file says in EXIF and XMP that it was made by AI, and holds what it takes to ask for it again:
style and seed. Never the person, the trigger or the prompt. Signed, it holds content credentials
besides. Knows bytes and pixels; no model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from math import ceil, sqrt

from PIL import ExifTags, Image, ImageCms, ImageDraw, ImageFont

from engine.contract.provenance import AI_MADE, TOOL, xmp
from engine.generation.credentials import Sign, unsigned

_QUALITY = 95
_GAP_PX = 12
_PAPER = (250, 250, 248)
_INK = (70, 70, 70)
_SHEET_PX = 1600
"""Longer side of a contact sheet at most, without its labels and gaps; pictures are reduced by
whole numbers, which is quick and stays sharp."""
_ICC_DATE = slice(24, 36)
_SRGB_TAG = 1


@dataclass(frozen=True)
class Origin:
    """What a file says of how it was made."""

    style: str
    seed: int | None
    """None of a sheet of several."""
    base: str
    """Name of the base model."""


def to_jpeg(image: Image.Image, origin: Origin, sign: Sign = unsigned) -> bytes:
    """The picture as a file of high quality; unsigned, the same picture gives the same bytes."""
    description = f"AI-generated; style {origin.style}, seed {origin.seed}"
    return sign(_encode(image, _exif(description), origin))


def contact_sheet(
    images: Sequence[Image.Image],
    origin: Origin,
    columns: int | None = None,
    sign: Sign = unsigned,
) -> bytes:
    """All pictures on one, numbered from 1 as the buttons of the chats are."""
    if not images:
        raise ValueError("a contact sheet needs a picture")
    columns = columns or ceil(sqrt(len(images)))
    rows = ceil(len(images) / columns)
    widest, tallest = max(i.width for i in images), max(i.height for i in images)
    factor = ceil(max(columns * widest, rows * tallest) / _SHEET_PX)
    small = [image.reduce(factor) for image in images]
    widest, tallest = max(i.width for i in small), max(i.height for i in small)
    label_px = max(16, tallest // 20)
    cell_px = (widest + _GAP_PX, tallest + label_px + _GAP_PX)
    sheet = Image.new("RGB", (columns * cell_px[0] + _GAP_PX, rows * cell_px[1] + _GAP_PX), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=label_px * 0.8)
    for number, image in enumerate(small):
        left = _GAP_PX + number % columns * cell_px[0]
        top = _GAP_PX + number // columns * cell_px[1]
        sheet.paste(image, (left, top))
        below = (left + image.width / 2, top + image.height + label_px / 2)
        draw.text(below, str(number + 1), fill=_INK, font=font, anchor="mm")
    description = f"AI-generated contact sheet; style {origin.style}"
    return sign(_encode(sheet, _exif(description), origin))


def _encode(image: Image.Image, exif: Image.Exif, origin: Origin) -> bytes:
    file = BytesIO()
    image.convert("RGB").save(
        file,
        "JPEG",
        quality=_QUALITY,
        subsampling="4:4:4",
        icc_profile=_srgb(),
        exif=exif,
        xmp=xmp(AI_MADE, **_how(origin)),
    )
    return file.getvalue()


def _exif(description: str) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = description
    exif[ExifTags.Base.Software] = TOOL
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = _SRGB_TAG
    return exif


def _how(origin: Origin) -> dict[str, str]:
    seed = {} if origin.seed is None else {"seed": str(origin.seed)}
    return {"base": origin.base, "style": origin.style, **seed}


@cache
def _srgb() -> bytes:
    """Without the date of its making, which would make no two files equal."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_ICC_DATE] = bytes(12)
    return bytes(profile)
