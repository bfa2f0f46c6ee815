"""The pure parts of the Discord adapter: files, markup, cards, words, links, photos on a sheet."""

import asyncio
import base64
from io import BytesIO
from itertools import count
from pathlib import Path

import discord
import pytest
from discord import app_commands
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.conversation.actions import Verb, act
from bot.conversation.messages import Button, Message, PhotoLine, Picture
from bot.conversation.phrases import LANGUAGES
from bot.frontends.base import Caller
from bot.frontends.discord.cards import action_of, cards, custom_id
from bot.frontends.discord.client import Client
from bot.frontends.discord.commands import add_to, matching
from bot.frontends.discord.doors import OPEN_S, Door, Doors
from bot.frontends.discord.intake import Room
from bot.frontends.discord.invite import application_id, links
from bot.frontends.discord.markup import bar, body
from bot.frontends.discord.parts import MAX_FILES, MAX_REQUEST_BYTES, batches, uploads
from bot.frontends.discord.precedence import Precedence
from bot.frontends.discord.sheet import KEPT_S, MAX_PIXELS_WHOLE, Sheets, shrunk
from bot.frontends.discord.words import Translator
from engine.contract import styles

SAMPLES = Path(__file__).parents[2] / "engine" / "demo" / "samples" / "good"
KIB = 1024


@given(st.lists(st.integers(0, 40), max_size=24))
def test_no_byte_is_lost_whatever_the_sizes(sizes_kib: list[int]) -> None:
    files = [(f"{n}.jpg", bytes([n]) * KIB * size, "") for n, size in enumerate(sizes_kib)]
    packed = batches(uploads(files, 16 * KIB), 40 * KIB)

    flat = [upload for batch in packed for upload in batch]
    assert b"".join(upload.data for upload in flat) == b"".join(data for _, data, _ in files)
    assert len({upload.name for upload in flat}) == len(flat)
    assert all(len(upload.data) <= 16 * KIB for upload in flat)
    assert all(len(batch) <= MAX_FILES for batch in packed)
    assert all(sum(len(upload.data) for upload in batch) <= 40 * KIB for batch in packed)


def test_files_of_one_name_are_kept_apart_and_strange_names_made_plain() -> None:
    found = uploads([("a b/ü.jpg", b"1", ""), ("a b/ü.jpg", b"2", ""), ("…", b"3", "")], 10)
    assert [upload.name for upload in found] == ["a_b_.jpg", "a_b_-2.jpg", "file"]
    assert [upload.is_shown for upload in found] == [True, True, False]
    assert MAX_REQUEST_BYTES < 25 * KIB * KIB


def test_pictures_asked_for_as_files_are_not_drawn_into_a_gallery() -> None:
    files = [("1.jpg", b"1", ""), ("all.zip", b"2", "")]

    assert [upload.is_shown for upload in uploads(files, 10)] == [True, False]
    assert [upload.is_shown for upload in uploads(files, 10, shown=False)] == [False, False]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _it_ `code`", "\\*bold\\* \\_it\\_ \\`code\\`"),
        ("1. first\n- second", "1\\. first\n\\- second"),
        ("# big", "\\# big"),
        ("try /train or /trainer, see a/train", "try </train:5> or /trainer, see a/train"),
    ],
)
def test_text_shows_as_it_is_and_commands_are_links(text: str, shown: str) -> None:
    assert body(text, {"train": 5}) == shown


@pytest.mark.parametrize("text", ["<@1234>", "<#12>", "<t:1:R>", "</train:1>", "[a](https://b.c)"])
def test_nobody_is_mentioned_and_no_link_hides(text: str) -> None:
    assert body(text, {}) != text


def test_a_bar_is_full_only_at_its_end() -> None:
    assert (bar(0), bar(1)) == ("▱" * 12, "▰" * 12)
    assert bar(2) == bar(1)


@pytest.mark.parametrize("verb", Verb)
def test_what_a_button_carries_comes_back(verb: Verb) -> None:
    action = act(verb, "a1" * 16, "linkedin")
    assert action_of(custom_id(action)) == action
    assert action_of(custom_id(action, 3)) == action
    assert len(custom_id(action, 24)) <= 100
    assert action_of("headshot:nonsense") is None
    assert action_of("of another bot") is None


async def test_the_largest_message_keeps_to_discords_limits() -> None:
    row = tuple(Button(label=f"b{n}", action=act(Verb.COMMAND, "", "help")) for n in range(5))
    pictures = tuple(Picture(key="k", filename=f"{n}.jpg", caption="c" * 40) for n in range(4))
    message = Message(
        key="k", title="*" * 120, text="_" * 3600, buttons=(row,) * 5, pictures=pictures, progress=1
    )
    (view,) = cards(message, [uploads([("a.jpg", b"1", "")], 10)], {})
    assert view.total_children_count <= 40
    assert view.content_length() <= 4000
    components = [c.to_component_dict() for c in view.walk_children()]
    ids = [c["custom_id"] for c in components if "custom_id" in c]
    assert len(set(ids)) == len(ids) == 25


async def test_words_come_first_and_buttons_last() -> None:
    button = Button(label="Again", action=act(Verb.AGAIN, "a1"))
    message = Message(key="k", text="Done", buttons=((button,),))
    first, second = cards(message, [[], []], {})
    assert "Done" in str(first.to_components())
    assert "Again" not in str(first.to_components())
    assert "Done" not in str(second.to_components())
    assert "Again" in str(second.to_components())


class NoEars:
    def __getattr__(self, name: str) -> object:
        raise AssertionError(name)


async def the_commands() -> list[dict[str, object]]:
    """All commands as Discord is told them."""
    client = Client(NoEars(), begin=NoEars())  # type: ignore[arg-type]
    add_to(client.tree, NoEars(), styles.load(), 8)  # type: ignore[arg-type]
    translator = Translator()
    return [
        await command.get_translated_payload(client.tree, translator)
        for command in client.tree.get_commands()
    ]


def told(payload: object) -> list[dict[str, object]]:
    """Everything with a name: commands, options, choices."""
    if isinstance(payload, list):
        return [found for item in payload for found in told(item)]
    if not isinstance(payload, dict):
        return []
    own = [payload] if "name" in payload else []
    return own + told(payload.get("options")) + told(payload.get("choices"))


async def test_every_word_of_a_command_is_translated() -> None:
    languages = {language for language in LANGUAGES if language != "en"}
    for item in told(await the_commands()):
        if item["name"] in ("English", "Deutsch"):
            continue
        names = item["name_localizations"]
        assert isinstance(names, dict)
        assert {locale.split("-")[0] for locale in names} == languages, item["name"]
        if item.get("description"):
            assert isinstance(item["description_localizations"], dict)
            assert item["description_localizations"].keys() == names.keys()


async def test_commands_work_everywhere_and_in_both_installations() -> None:
    for command in await the_commands():
        assert command["contexts"] == [0, 1, 2], command["name"]
        assert command["integration_types"] == [0, 1], command["name"]


async def test_names_keep_to_discords_rules() -> None:
    for command in await the_commands():
        names = [command["name"], *dict(command["name_localizations"]).values()]  # type: ignore[call-overload]
        if command["type"] == 1:
            for name in names:
                assert app_commands.commands.validate_name(str(name)) == str(name).lower()
    assert len(await the_commands()) == 13


def test_every_style_can_be_found_by_its_title() -> None:
    catalogue = styles.load()
    for style in catalogue.values():
        assert style in matching(catalogue, style.title), style.name
        assert matching(catalogue, style.title.upper())[0].title.startswith(style.title)


def test_the_invite_links_come_from_the_token() -> None:
    head = base64.urlsafe_b64encode(b"123456789012345678").decode().rstrip("=")
    assert application_id(f"{head}.x.y") == 123456789012345678
    assert all("client_id=123456789012345678" in link for link in links(f"{head}.x.y").values())
    assert links("nonsense") == {}
    assert links("") == {}


async def test_so_many_bytes_at_once_and_in_order_of_asking() -> None:
    room, entered = Room(10), list[int]()
    release = asyncio.Event()

    async def hold(number: int, size: int) -> None:
        async with room.hold(size):
            entered.append(number)
            await release.wait()

    tasks = [asyncio.create_task(hold(n, size)) for n, size in enumerate((6, 4, 8, 1))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert entered == [0, 1], "the small one does not overtake the large one"
    tasks[2].cancel()
    release.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert entered == [0, 1, 3]
    async with asyncio.timeout(1), room.hold(10):
        pass


async def test_work_stands_back_while_somebody_waits_for_an_acknowledgement() -> None:
    precedence, done = Precedence(many=2, max_works=1), list[str]()

    async def work(name: str) -> None:
        async with precedence.working():
            done.append(name)

    with precedence.acknowledging():
        await work("while one waits")
        with precedence.acknowledging():
            tasks = [asyncio.create_task(work(name)) for name in ("first", "second")]
            await asyncio.sleep(0.01)
            assert done == ["while one waits"]
        await asyncio.gather(*tasks)
    assert done == ["while one waits", "first", "second"]


async def test_work_does_not_stand_back_for_ever() -> None:
    precedence = Precedence(patience_s=0.01, many=1)
    with precedence.acknowledging():
        async with asyncio.timeout(5), precedence.working():
            pass


PRIVATE = 10


class HookOnly:
    """Stands where a door needs a webhook that this test never uses."""


def a_door(doors: Doors, user: int, channel: int, shows: int | None = None) -> Door:
    hook: discord.Webhook = HookOnly()  # type: ignore[assignment]
    here = None if channel == PRIVATE else {"channel": channel}
    caller = Caller(platform="discord", user_id=str(user), address={}, here=here)
    return doors.add(Door(caller, user, channel, hook, doors.now(), 1, shows))


def test_doors_shut_after_a_quarter_of_an_hour() -> None:
    now = [0.0]
    doors = Doors(lambda: now[0])
    old = a_door(doors, 1, 7, shows=99)
    now[0] = 60.0
    new = a_door(doors, 1, 7)
    assert doors.of(1, 7) is new
    assert doors.to(1, 99) is old
    assert doors.of(2, 7) is None
    assert doors.outside(1) is new
    a_door(doors, 1, PRIVATE)
    assert doors.outside(1) is new, "a door in private leads nowhere else"
    now[0] = OPEN_S + 1
    assert doors.to(1, 99) is None
    assert doors.of(1, 7) is new
    doors.shut(new)
    assert doors.of(1, 7) is None


async def test_a_sheet_shows_each_photo_and_what_cannot_be_read() -> None:
    good = sorted(SAMPLES.glob("*.jpg"))[0].read_bytes()
    reads = count()

    async def read(key: str) -> bytes:
        next(reads)
        return good if key == "good" else b"HEIC, perhaps"

    now = [0.0]
    sheets = Sheets(read, lambda: now[0])
    lines = [
        PhotoLine(number=1, sha256="a", key="good", verdict="accepted"),
        PhotoLine(number=2, sha256="b", key="bad", verdict="refused", reason="dark"),
    ]
    drawn = await sheets.draw(lines)
    again = await sheets.draw(lines)
    assert drawn == again
    assert next(reads) == 2, "each photo is read once"
    now[0] = KEPT_S + 1
    await sheets.draw(lines[1:])
    await sheets.draw(lines[:1])
    assert next(reads) == 4, "what nobody looked at for long is forgotten"
    with Image.open(BytesIO(drawn)) as sheet:
        green, red = sheet.getpixel((80, 2)), sheet.getpixel((240, 2))
    assert isinstance(green, tuple)
    assert isinstance(red, tuple)
    assert green[1] > green[0]
    assert red[0] > red[1]
    assert shrunk(b"no picture") == b""


def a_picture(side: int, ending: str, **options: object) -> bytes:
    data = BytesIO()
    Image.new("L", (side, side)).save(data, ending, **options)
    return data.getvalue()


def test_a_photo_that_would_take_much_memory_shows_its_number_alone(tmp_path: Path) -> None:
    side = int(MAX_PIXELS_WHOLE**0.5)
    large = tmp_path / "large.jpg"
    large.write_bytes(a_picture(side + 1, "JPEG"))
    assert shrunk(large) != b"", "a JPEG is decoded small"
    assert shrunk(a_picture(side + 1, "JPEG", progressive=True)) == b""
    assert shrunk(a_picture(side + 1, "PNG")) == b""
    assert shrunk(a_picture(300, "PNG")) != b""
    assert shrunk(tmp_path / "gone.jpg") == b""


def test_a_photo_of_a_phone_is_shown() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    data = BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (640, 480), "#a03020")).save(data)
    with Image.open(BytesIO(shrunk(data.getvalue()))) as small:
        red, green, _ = small.convert("RGB").getpixel((75, 75))  # type: ignore[misc]
    assert red > green
    assert shrunk(b"....ftypheic, cut off") == b""
