"""Decoding: every format upright and in sRGB, every bad file a reason, no byte an exception."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_samples import encoded
from PIL import Image, ImageChops, ImageCms

from engine.contract.photos import PhotoLimits, Reason
from engine.photos.decoding import Picture, decode

LIMITS = PhotoLimits()
KINDS = {"JPEG": "jpeg", "PNG": "png", "WEBP": "webp", "HEIF": "heic", "AVIF": "avif"}
CORNERS = ((200, 40, 40), (40, 160, 60), (40, 70, 190), (220, 210, 60))


def corners(width: int = 96, height: int = 64) -> Image.Image:
    """Four colours, so that any turn or mirroring shows."""
    image = Image.new("RGB", (width, height))
    for i, colour in enumerate(CORNERS):
        image.paste(colour, (i % 2 * width // 2, i // 2 * height // 2, width, height))
    return image


def decoded(data: bytes, limits: PhotoLimits = LIMITS) -> Picture:
    picture = decode(data, limits)
    assert isinstance(picture, Picture), picture
    return picture


def refused(data: bytes, limits: PhotoLimits = LIMITS) -> Reason:
    reason = decode(data, limits)
    assert isinstance(reason, Reason)
    return reason


def assert_alike(picture: Picture, expected: Image.Image, tolerance: float = 6.0) -> None:
    assert picture.rgb.shape == (expected.height, expected.width, 3)
    difference = np.abs(picture.rgb.astype(int) - np.asarray(expected.convert("RGB"), dtype=int))
    assert difference.mean() < tolerance


@pytest.mark.parametrize("kind", KINDS)
def test_reads_the_bytes_whatever_their_name(kind: str) -> None:
    picture = decoded(encoded(corners(), kind))

    assert picture.format == KINDS[kind]
    assert_alike(picture, corners())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_stands_upright(kind: str, orientation: int) -> None:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    lying = corners() if turn is None else corners().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation

    assert_alike(decoded(encoded(lying, kind, exif=exif.tobytes())), corners())


def test_broken_metadata_is_no_reason_to_refuse() -> None:
    assert_alike(decoded(encoded(corners(), exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")), corners())


def test_cmyk_with_and_without_adobes_inversion() -> None:
    cmyk = corners().convert("CMYK")
    with_marker = encoded(cmyk)
    inverted = encoded(ImageChops.invert(cmyk))
    at = inverted.index(b"\xff\xee")
    (length,) = struct.unpack(">H", inverted[at + 2 : at + 4])
    without_marker = inverted[:at] + inverted[at + 2 + length :]

    assert b"Adobe" in with_marker
    assert b"Adobe" not in without_marker
    assert_alike(decoded(with_marker), corners())
    assert_alike(decoded(without_marker), corners())


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None, :].repeat(8, axis=0)

    picture = decoded(encoded(Image.fromarray(ramp), "PNG"))

    assert np.abs(picture.rgb[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_sixteen_bit_colour() -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    row = b"\0" + struct.pack(">3H", 0x8000, 0xFFFF, 0x0100) * 4
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 2, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(row * 2))
        + chunk(b"IEND", b"")
    )

    assert decoded(data).rgb[1, 3].tolist() == [0x80, 0xFF, 0x01]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "HEIF"])
def test_what_is_transparent_lies_on_white(kind: str) -> None:
    image = corners().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 32, 32))

    rgb = decoded(encoded(image, kind)).rgb

    assert rgb[:24, :24].min() >= 245
    assert rgb[50, 80].tolist() == pytest.approx(CORNERS[3], abs=12)


def test_palettes_and_their_transparency() -> None:
    flat = corners().quantize(8)
    holed = flat.copy()
    holed.info["transparency"] = holed.getpixel((0, 0))

    assert_alike(decoded(encoded(flat, "PNG")), corners())
    assert decoded(encoded(holed, "PNG")).rgb[5, 5].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grey(mode: str) -> None:
    image = corners().convert(mode)

    rgb = decoded(encoded(image, "PNG")).rgb

    assert (rgb[..., 0] == rgb[..., 2]).all()
    assert_alike(Picture(rgb, "png"), image)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_of_a_moving_picture_the_first_frame(kind: str) -> None:
    later = [Image.new("RGB", (96, 64), colour) for colour in ("black", "white")]

    data = encoded(corners(), kind, save_all=True, append_images=later, duration=100)

    assert_alike(decoded(data), corners())


def test_colour_profiles_lead_to_srgb() -> None:
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    in_lab = ImageCms.profileToProfile(corners(), srgb, lab, outputMode="LAB")
    assert in_lab is not None
    swapped = Image.frombytes("RGB", in_lab.size, in_lab.tobytes())
    profile = ImageCms.ImageCmsProfile(lab).tobytes()

    # A profile that does not fit the pixels is left aside, like a broken one.
    assert_alike(decoded(encoded(swapped, "PNG", icc_profile=profile)), swapped)
    assert_alike(decoded(encoded(corners(), icc_profile=b"no profile at all")), corners())


def test_a_wide_gamut_profile_changes_the_pixels() -> None:
    # Halving the gamma of an sRGB profile (curve type 'para') brightens what it describes.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    at = profile.index(b"para", 128)
    gamma = struct.pack(">i", int(1.2 * 65536))
    other = profile[: at + 12] + gamma + profile[at + 16 :]
    other = other.replace(b"sRGB", b"mine").replace(b"s\0R\0G\0B", b"m\0i\0n\0e")

    grey = Image.new("RGB", (32, 32), (100, 100, 100))

    assert decoded(encoded(grey, "PNG", icc_profile=profile)).rgb[0, 0, 0] == 100
    assert decoded(encoded(grey, "PNG", icc_profile=other)).rgb[0, 0, 0] > 130


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty_file"),
        (b"\0", "not_an_image"),
        (b"a letter to someone", "not_an_image"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image"),
        (b"PK\x03\x04" + bytes(40), "not_an_image"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(40), "not_an_image"),
        (b"\x1aE\xdf\xa3" + bytes(40), "not_an_image"),
        (b"RIFF\x40\0\0\0AVI LIST" + bytes(60), "not_an_image"),
        (b"GIF89a" + bytes(40), "unsupported"),
        (b"II*\0" + bytes(40), "unsupported"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "unsupported"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 60 + b"IEND\xaeB`\x82", "damaged"),
    ],
)
def test_what_is_no_photo(data: bytes, problem: str) -> None:
    assert refused(data).facts == {"problem": problem}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.75, 0.98])
def test_truncated(kind: str, kept: float) -> None:
    noise = Image.effect_noise((96, 96), 90).convert("RGB")
    data = encoded(noise, kind)

    reason = refused(data[: max(16, int(len(data) * kept))])

    assert reason.facts == {"problem": "truncated"}


def test_too_many_bytes() -> None:
    data = encoded(corners())

    reason = refused(data, PhotoLimits(max_bytes=len(data) - 1))

    assert reason.facts == {"value": len(data), "limit": len(data) - 1, "unit": "bytes"}
    assert isinstance(decode(data, PhotoLimits(max_bytes=len(data))), Picture)


def test_a_bomb_is_defused_by_its_header() -> None:
    """65,500 x 65,500 px would take 13 GB; the file has no pixels at all, so none was decoded."""
    header = struct.pack(">IIBBBBB", 65500, 65500, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )

    reason = refused(data)

    assert reason.facts == {"value": 65500**2, "limit": LIMITS.max_pixels, "unit": "pixels"}


def test_our_limit_counts_and_not_pillows() -> None:
    data = encoded(Image.new("1", (10_000, 9_000)), "PNG")

    assert decoded(data).rgb.shape == (9_000, 10_000, 3)


def overwrite(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def cut(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new


def insert(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at:]


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    change=st.sampled_from([overwrite, cut, insert]),
    where=st.floats(0, 1),
    in_header=st.booleans(),
    new=st.binary(max_size=12),
)
def test_no_bytes_raise(
    kind: str,
    change: Callable[[bytes, int, bytes], bytes],
    where: float,
    in_header: bool,
    new: bytes,
) -> None:
    data = SMALL[kind]
    at = int(where * (min(len(data), 400) if in_header else len(data)))

    result = decode(change(data, at, new), PhotoLimits(max_pixels=1_000_000))

    if isinstance(result, Picture):
        assert result.rgb.ndim == 3
        assert result.rgb.dtype == np.uint8
    else:
        assert result.code.value in {"unreadable", "too_large"}


@given(
    st.binary(max_size=200), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b""])
)
@settings(max_examples=200, deadline=None)
def test_no_garbage_raises(tail: bytes, head: bytes) -> None:
    decode(head + tail, LIMITS)


SMALL = {
    kind: encoded(
        corners(40, 32),
        kind,
        exif=Image.Exif().tobytes(),
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    )
    for kind in KINDS
}
