"""Files: pictures of high quality that say they are AI-made, with style and seed and no person."""

from io import BytesIO

import pytest
from PIL import ExifTags, Image, ImageCms, JpegImagePlugin

from engine.contract.provenance import AI_MADE
from engine.generation.finishing import Origin, contact_sheet, to_jpeg

ORIGIN = Origin(style="linkedin", seed=4711, base="demo")


def picture(width_px: int = 96, height_px: int = 128) -> Image.Image:
    gradient = Image.linear_gradient("L").resize((width_px, height_px))
    return Image.merge("RGB", [gradient, gradient.transpose(Image.Transpose.ROTATE_180), gradient])


def reopen(data: bytes) -> JpegImagePlugin.JpegImageFile:
    image = Image.open(BytesIO(data))
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    return image


def test_a_picture_keeps_its_colours_and_size() -> None:
    image = reopen(to_jpeg(picture(), ORIGIN))

    assert image.size == (96, 128)
    assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4
    worst = max(
        abs(a - b)
        for before, after in zip(picture().split(), image.split(), strict=True)
        for a, b in zip(before.tobytes(), after.tobytes(), strict=True)
    )
    assert worst <= 6
    profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
    assert ImageCms.getProfileDescription(profile).startswith("sRGB")


def test_a_file_says_what_made_it() -> None:
    image = reopen(to_jpeg(picture(), ORIGIN))

    xmp = image.info["xmp"].decode()
    assert f'Iptc4xmpExt:DigitalSourceType="{AI_MADE}"' in xmp
    assert 'hb:style="linkedin"' in xmp
    assert 'hb:seed="4711"' in xmp
    exif = image.getexif()
    assert exif[ExifTags.Base.ImageDescription] == "AI-generated; style linkedin, seed 4711"
    assert exif[ExifTags.Base.Software] == "Headshot Bot"


def test_names_cannot_break_out_of_the_metadata() -> None:
    odd = Origin(style='a"><b', seed=1, base="x & y")

    xmp = reopen(to_jpeg(picture(), odd)).info["xmp"].decode()

    assert "hb:style='a\"&gt;&lt;b'" in xmp
    assert 'hb:base="x &amp; y"' in xmp


def test_the_same_picture_is_the_same_file() -> None:
    assert to_jpeg(picture(), ORIGIN) == to_jpeg(picture(), ORIGIN)


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (4, 2, 2), (5, 3, 2)])
def test_a_contact_sheet_holds_all_pictures(count: int, columns: int, rows: int) -> None:
    sheet = reopen(contact_sheet([picture()] * count, ORIGIN))

    assert sheet.width == columns * (96 + 12) + 12
    assert rows * 128 < sheet.height <= rows * (128 + 40)
    assert AI_MADE in sheet.info["xmp"].decode()


def test_large_pictures_make_no_huge_sheet() -> None:
    sheet = reopen(contact_sheet([Image.new("RGB", (1024, 1024))] * 9, ORIGIN))

    assert 3 * 512 < max(sheet.size) < 1700


def test_no_pictures_make_no_sheet() -> None:
    with pytest.raises(ValueError, match="needs a picture"):
        contact_sheet([], ORIGIN)
