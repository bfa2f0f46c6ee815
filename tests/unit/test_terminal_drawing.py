"""How messages read in a terminal of 80 columns."""

from io import StringIO
from pathlib import Path

from rich.console import Console, RenderableType

from bot.conversation.actions import Verb, act
from bot.conversation.messages import Button, Message, PhotoLine
from bot.frontends.terminal import drawing
from bot.frontends.terminal.frontend import Offered
from bot.frontends.terminal.pictures import thumbnail
from bot.frontends.terminal.screen import PlainScreen


def shown(what: RenderableType, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, legacy_windows=False)
    console.print(what)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in output.splitlines())


def buttons(*labels: str) -> tuple[tuple[Button, ...], ...]:
    ids = ("".join(filter(str.isalnum, label))[-12:] for label in labels)
    row = (
        Button(label=label, action=act(Verb.MODEL, id))
        for label, id in zip(labels, ids, strict=True)
    )
    return (tuple(row),)


def test_a_message_with_title_bar_text_and_choices() -> None:
    rows = buttons("start training", "over")
    said = Message(key="k", title="Your photos", text="Well done.", buttons=rows, progress=0.5)
    numbers = {button.action: n for n, button in enumerate(rows[0], 1)}
    assert shown(drawing.message(said, numbers)) == (
        f"● Your photos\n  {'█' * 20}{'░' * 20}\n  Well done.\n\n   1  start training    2  over"
    )


def test_choices_stay_in_one_piece_at_the_edge() -> None:
    rows = buttons(*(f"style number {n}" for n in range(9)))
    numbers = {button.action: n for n, button in enumerate(rows[0], 1)}
    lines = shown(drawing.Choices(rows, numbers)).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert sum(line.count("style number") for line in lines) == 9


def test_names_cannot_steer_the_terminal() -> None:
    said = Message(key="k", title="“\x1b[2Jme”", text="a\x07b\x1b]0;evil\x07")
    assert "\x1b" not in shown(drawing.message(said, {}))
    assert "\x07" not in shown(drawing.message(said, {}))


def test_reasons_that_were_told_are_not_told_again() -> None:
    text = "Two I can't use:\n• Photo 1 is blurred.\n• Photo 2 is dark.\n\nSend more."
    said = Message(key="k", text=text)
    both = shown(drawing.message(said, {}, ["Photo 1 is blurred.", "Photo 2 is dark."]))
    assert both == "● Send more."
    one = shown(drawing.message(said, {}, ["Photo 1 is blurred."]))
    assert "Two I can't use:" in one
    assert "Photo 2 is dark." in one


def test_a_path_is_a_link() -> None:
    console = Console(file=StringIO(), width=80, force_terminal=True, legacy_windows=False)
    console.print(drawing.link(Path("/tmp/a b.jpg"), "seed 7"))
    assert "file:///tmp/a%20b.jpg" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_picture_is_drawn_with_half_blocks_and_no_picture_with_none() -> None:
    from io import BytesIO

    from PIL import Image

    data = BytesIO()
    Image.new("RGB", (40, 50), "#ff0000").save(data, "PNG")
    drawn = thumbnail(data.getvalue(), 8)
    assert drawn is not None
    assert shown(drawn) == "\n".join(["▀" * 8] * 5)
    assert thumbnail(b"no picture", 8) is None


def test_numbers_belong_to_the_newest_message_until_another_changes_its_buttons() -> None:
    offered = Offered()
    card, news = buttons("stop"), buttons("one", "two")
    offered.offer(1, Message(key="k", text="", buttons=card), is_new=True)
    offered.offer(2, Message(key="k", text="", buttons=news), is_new=True)
    offered.offer(1, Message(key="k", text="on", buttons=card), is_new=False)
    assert offered.find("1") == news[0][0], "a card that goes on does not take the numbers"
    assert offered.find("STOP") == card[0][0]
    changed = buttons("start")
    offered.offer(1, Message(key="k", text="on", buttons=changed), is_new=False)
    assert offered.find("1") == changed[0][0]
    assert offered.find("2") is None


def test_in_a_pipe_a_card_speaks_only_when_it_has_news() -> None:
    console = Console(file=StringIO(), width=80)
    screen = PlainScreen(console)

    def card(progress: float, photos: tuple[PhotoLine, ...] = ()) -> bool:
        said = Message(key="k", title="Training", text="on it", progress=progress, photos=photos)
        return screen.card("order:1", said, lambda message: drawing.message(message, {}))

    in_full = [card(step / 100) for step in range(100)]
    assert in_full == [True] + 99 * [False], "its pictures need not be shown once more"
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert output.count("on it") == 10
