"""The gallery of styles: what is drawn already, the page that shows it, examples for the menus."""

import re
from base64 import b64decode
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from bot.commands.faults import CommandError
from bot.commands.gallery import Entry, Shelf, page, smaller
from bot.commands.preview import SUBJECTS, Wish, orders
from bot.service.examples import Examples
from bot.settings import Settings
from engine.contract import keys, styles
from engine.contract.blobs import Blobs
from engine.contract.jobs import GenerateHeadshots
from engine.contract.styles import Style

STYLES = styles.load()


def jpeg(width: int = 60, height: int = 80, **told: bytes) -> bytes:
    data = BytesIO()
    Image.new("RGB", (width, height), "teal").save(data, "JPEG", **told)
    return data.getvalue()


def job_of(job_id: str, style: str = "park") -> GenerateHeadshots:
    return GenerateHeadshots(job_id=job_id, owner="me", style=STYLES[style])


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, tmp_path / "pictures", tmp_path / "gallery.json")


def test_a_shelf_knows_what_its_pictures_were_drawn_from(shelf: Shelf) -> None:
    assert not shelf.holds(job_of("one"))

    shelf.put(job_of("one"), [b"a", b"b"])
    assert shelf.holds(job_of("one"))
    assert not shelf.holds(job_of("two"))
    assert not shelf.holds(job_of("one", "beach"))
    assert shelf.pictures("park") == [b"a", b"b"]

    shelf.put(job_of("two"), [b"c"])
    assert shelf.pictures("park") == [b"c"]
    assert len(list(shelf.pictures_dir.iterdir())) == 1


def test_a_picture_that_is_gone_is_drawn_again(shelf: Shelf) -> None:
    shelf.put(job_of("one"), [b"a", b"b"])
    shelf.paths("park")[1].unlink()

    assert not shelf.holds(job_of("one"))
    assert shelf.pictures("park") == []


def test_a_damaged_record_is_begun_anew(shelf: Shelf) -> None:
    shelf.record.write_text("{")
    assert not shelf.holds(job_of("one"))

    shelf.put(job_of("one"), [b"a"])
    assert shelf.holds(job_of("one"))


def test_a_small_picture_still_says_that_it_was_made_by_ai() -> None:
    small = smaller(jpeg(300, 400, xmp=b"<x>trainedAlgorithmicMedia</x>"), 100)

    with Image.open(BytesIO(small)) as picture:
        assert picture.size == (75, 100)
        assert picture.info["xmp"] == b"<x>trainedAlgorithmicMedia</x>"


def test_the_page_needs_no_other_file_and_shows_text_as_text() -> None:
    strange = STYLES["park"].model_copy(update={"title": "<b>Park</b> & more"})
    shown = page([Entry(STYLES["linkedin"], (jpeg(),)), Entry(strange, (jpeg(), jpeg()))], "2 <i>")

    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', shown)
    assert [b64decode(picture)[:2] for picture in pictures] == [b"\xff\xd8"] * 3
    assert re.findall(r'(?:src|href)="(?!data:|#)', shown) == []
    assert "<script" not in shown
    assert "&lt;b&gt;Park&lt;/b&gt; &amp; more" in shown
    assert "<b>" not in shown
    assert "2 &lt;i&gt;" in shown
    for link in re.findall(r'href="#([^"]+)"', shown):
        assert f'id="{link}"' in shown


def test_a_base_draws_different_people_whom_no_lora_is_needed_for() -> None:
    jobs = orders(STYLES, list(STYLES), Wish(count=2), owner="me", lora_prefix="", base="demo")

    assert [job.style.name for job in jobs] == list(STYLES)
    assert all(job.count == 2 and not job.lora_prefix for job in jobs)
    people = [[s for s in SUBJECTS if s in job.style.prompt] for job in jobs]
    assert all(len(found) == 1 for found in people)
    assert {found[0] for found in people} == set(SUBJECTS)
    assert all(one != following for one, following in pairwise(people))


def test_with_a_lora_the_person_is_left_to_it() -> None:
    wish = Wish(lora="Me")
    (job,) = orders(STYLES, ["park"], wish, owner="me", lora_prefix="people/me/l/", base="demo")

    assert job.style == STYLES["park"]
    assert job.lora_prefix == "people/me/l/"


@pytest.mark.parametrize(
    ("change", "is_new"),
    [
        ({"light": "fog"}, True),
        ({"clothes": ("a cape",)}, True),
        ({"guidance": 3.0}, True),
        ({"description": "Other words", "title": "Garden", "translations": {}}, False),
    ],
)
def test_only_what_decides_how_it_looks_is_drawn_anew(
    change: dict[str, object], is_new: bool
) -> None:
    def job_id(catalogue: dict[str, Style], base: str = "demo", seed: int = 0) -> str:
        (job,) = orders(catalogue, ["park"], Wish(seed=seed), "me", "", base)
        return job.job_id

    changed = {**STYLES, "park": STYLES["park"].model_copy(update=change)}
    assert (job_id(changed) != job_id(STYLES)) is is_new
    assert len({job_id(STYLES), job_id(STYLES, "flux"), job_id(STYLES, seed=1)}) == 3


def test_styles_that_do_not_exist_are_answered_with_the_nearest(tmp_path: Path) -> None:
    from bot.commands.preview import chosen

    assert chosen(STYLES, ()) == list(STYLES)
    assert chosen(STYLES, ("park", "beach", "park")) == ["park", "beach"]
    with pytest.raises(CommandError, match=r"'parc'; did you mean park\?"):
        chosen(STYLES, ("parc",))


async def test_examples_are_what_lies_in_the_blob_store(tmp_path: Path) -> None:
    blobs = Blobs.from_url(Settings(data_dir=tmp_path).blobs_url)
    await blobs.put(keys.style_example("park"), jpeg())
    examples = Examples(blobs)
    assert await examples.by_style() == {"park": "styles/park.jpg"}

    await blobs.put(keys.style_example("beach"), jpeg())
    assert set(await examples.by_style()) == {"park"}
    await examples.look()
    assert set(await examples.by_style()) == {"park", "beach"}


async def test_menus_do_without_examples_where_there_are_none(tmp_path: Path) -> None:
    assert await Examples(Blobs.from_url(f"file://{tmp_path}/new")).by_style() == {}
