"""The sheet that the demo ends with: everything on it, and what it is."""

from io import BytesIO

from PIL import Image, ImageCms

from bot.commands.contact_sheet import Row, contact_sheet
from bot.commands.origin import Verdict, read


def picture(colour: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (64, 80), colour).save(file, "JPEG")
    return file.getvalue()


def test_it_shows_every_row_that_has_pictures() -> None:
    rows = [
        Row("selfies", [(picture("red"), "one"), (picture("red"), "two")], columns=2),
        Row("previews", [], columns=4),
        Row("headshots", [(picture("blue"), "1 · seed 7")], columns=2),
    ]

    sheet = Image.open(BytesIO(contact_sheet("Me", rows)))

    colours = {sheet.getpixel((400, y)) for y in range(0, sheet.height, 20)}
    seen = {(r > 200 and b < 50, b > 200 and r < 50) for r, _, b in colours}  # type: ignore[misc]
    assert {(True, False), (False, True)} <= seen


def test_it_says_that_ai_made_some_of_it() -> None:
    data = contact_sheet("Me", [Row("headshots", [(picture("blue"), "1")], columns=1)])

    assert b"compositeWithTrainedAlgorithmicMedia" in data
    assert read(data, "").verdict is Verdict.MADE_BY_AI
    profile = ImageCms.ImageCmsProfile(BytesIO(Image.open(BytesIO(data)).info["icc_profile"]))
    assert ImageCms.getProfileDescription(profile).startswith("sRGB")
