"""Turns the bytes of a photo, whatever their name, into upright sRGB pixels.

Knows file formats and their traps: orientation, colour profiles, inks, transparency, depth, bombs.
Knows nothing of faces. Bad input is never an exception: it is a reason to refuse the photo.
"""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from threading import Lock
from typing import Literal

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms, ImageFile

from engine.contract.photos import PhotoLimits, Reason, ReasonCode

Problem = Literal["empty_file", "not_an_image", "truncated", "unsupported", "damaged"]
RGB = NDArray[np.uint8]
"""(height, width, 3)"""

ORIENTATION = 0x0112
UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
PAPER = (255, 255, 255)
"""What transparent pixels lie on."""

HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
AVIF_BRANDS = {b"avif", b"avis"}
STILL_BRANDS = {b"mif1", b"msf1", b"miaf"}
UNSUPPORTED_MAGIC = (
    b"GIF8",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"II\x55\0",
    b"FUJIFILM",
    b"8BPS",
    b"\0\0\1\0",
    b"\xff\x0a",
    b"\0\0\0\x0cJXL ",
    b"\0\0\0\x0cjP  ",
)
"""GIF, BMP, TIFF and the camera raws built on it, Photoshop, icons, JPEG XL, JPEG 2000."""


@dataclass(frozen=True)
class Picture:
    """An upright photo."""

    rgb: RGB
    format: str
    """jpeg, png, webp, heic or avif"""


def decode(data: bytes, limits: PhotoLimits) -> Picture | Reason:
    """The photo, or why it cannot be looked at: too large, or unreadable with its problem.

    The number of pixels is read from the header and checked before any pixel is decoded.
    """
    if len(data) > limits.max_bytes:
        return _too_large(len(data), limits.max_bytes, "bytes")
    if not data:
        return _unreadable("empty_file")
    kind = sniff(data)
    if kind in ("not_an_image", "unsupported"):
        return _unreadable(kind)
    with _pillow_without_surprises():
        try:
            return _decode(data, kind, limits.max_pixels)
        except Exception:
            # Decoders meet hostile bytes here and raise whatever they like, even SyntaxError.
            return _unreadable("truncated" if is_truncated(data, kind) else "damaged")


def sniff(data: bytes) -> str:
    """jpeg, png, webp, heic, avif; else unsupported (a picture all the same) or not_an_image."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return _sniff_brands(data)
    return "unsupported" if data.startswith(UNSUPPORTED_MAGIC) else "not_an_image"


def _sniff_brands(data: bytes) -> str:
    """Stills and films share one container (ISO/IEC 14496-12); its brands tell them apart."""
    (length,) = struct.unpack(">I", data[:4])
    box = data[8 : min(length, 256)]
    brands = {box[i : i + 4] for i in range(0, len(box), 4) if i != 4}
    if brands & AVIF_BRANDS:
        return "avif"
    if brands & HEIC_BRANDS:
        return "heic"
    return "unsupported" if brands & STILL_BRANDS or b"crx " in brands else "not_an_image"


def is_truncated(data: bytes, kind: str) -> bool:
    """Whether the end of the file is missing, by the container's own book-keeping."""
    if kind == "jpeg":
        return b"\xff\xd9" not in data[-4096:]
    if kind == "png":
        return b"IEND" not in data[-64:]
    if kind == "webp":
        return len(data) < 12 or len(data) < 8 + int.from_bytes(data[4:8], "little")
    return _box_is_cut(data)


def _box_is_cut(data: bytes) -> bool:
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size == 0:
            return False
        if size < 8:
            return False
        at += size
    return at != len(data)


def _decode(data: bytes, kind: str, max_pixels: int) -> Picture | Reason:
    if kind == "heic":
        _register_heif()
    formats = {"jpeg": ["JPEG", "MPO"], "heic": ["HEIF"]}.get(kind, [kind.upper()])
    with Image.open(BytesIO(data), formats=formats) as image:
        num_pixels = image.width * image.height
        if num_pixels > max_pixels:
            return _too_large(num_pixels, max_pixels, "pixels")
        turn = UPRIGHT.get(_orientation(image))
        image.load()
        flat = _to_srgb(image)
    if turn is not None:
        flat = flat.transpose(turn)
    return Picture(rgb=np.asarray(flat, dtype=np.uint8), format=kind)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        # Broken metadata is no reason to refuse good pixels.
        return 1


def _to_srgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bits(image)
    if image.mode == "CMYK" and "adobe" not in image.info:
        # Pillow undoes Adobe's inversion even where no Adobe marker says that there is one.
        image = ImageChops.invert(image)
    if image.has_transparency_data:
        image = _on_paper(image)
    elif image.mode == "P":
        image = image.convert("RGB")
    return _managed(image).convert("RGB")


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scales 16 bits of grey; Pillow's own conversion clips everything above 255 to white."""
    deep = np.asarray(image).astype(np.float32)
    scale = 255.0 / 65535.0 if deep.max(initial=0.0) > 255.0 else 1.0
    return Image.fromarray(np.clip(deep * scale + 0.5, 0, 255).astype(np.uint8))


def _on_paper(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    paper = Image.new("RGBA", layer.size, (*PAPER, 255))
    paper.alpha_composite(layer)
    flat = paper.convert("RGB")
    flat.info = dict(image.info)
    return flat


def _managed(image: Image.Image) -> Image.Image:
    """Through the embedded profile into sRGB; a broken or foreign profile is left aside."""
    profile = image.info.get("icc_profile")
    if not profile or b"sRGB" in profile[:512]:
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, _srgb(), outputMode="RGB")
    except Exception:
        # littlecms refuses what does not fit the mode; the plain conversion still does.
        return image
    return image if converted is None else converted


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def _register_heif() -> None:
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)


_LOCK = Lock()


@contextmanager
def _pillow_without_surprises() -> Iterator[None]:
    """Our own limits instead of Pillow's global ones, and none of its warnings."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


def _unreadable(problem: Problem | str) -> Reason:
    return Reason.model_validate({"code": ReasonCode.UNREADABLE, "problem": problem})


def _too_large(value: int, limit: int, unit: str) -> Reason:
    return Reason.model_validate(
        {"code": ReasonCode.TOO_LARGE, "value": value, "limit": limit, "unit": unit}
    )
