"""How messages look on Telegram: nothing is taken for markup, everything fits."""

from hypothesis import given
from hypothesis import strategies as st
from telegram_server import plain

from bot.conversation.actions import Verb, act
from bot.conversation.messages import MAX_LABEL, Button, Message
from bot.frontends.telegram.drawing import bar, fits_caption, keyboard, text_of

ID = "0123456789abcdef"


def button(label: str, verb: Verb = Verb.HEADSHOT, argument: str = "x") -> Button:
    return Button(label=label, action=act(verb, ID, argument))


def labels(message: Message, in_group: bool = False) -> list[list[str]]:
    drawn = keyboard(message, "heads_bot", in_group)
    return [] if drawn is None else [[b.text for b in row] for row in drawn.inline_keyboard]


@given(title=st.text(max_size=120), text=st.text(min_size=1, max_size=300))
def test_whatever_people_write_comes_out_as_they_wrote_it(title: str, text: str) -> None:
    shown = plain(text_of(Message(key="k", title=title, text=text)))
    assert shown.replace("\r", "") == "\n\n".join(p for p in (title, text) if p).replace("\r", "")


def test_the_bar_shows_how_far_it_is_and_goes_in_the_end() -> None:
    card = Message(key="k", title="<T>", text="half", progress=0.5)
    assert text_of(card) == "<b>&lt;T&gt;</b>\n\n▰▰▰▰▰▰▱▱▱▱▱▱\n\nhalf"
    assert "▰" not in text_of(card.model_copy(update={"final": True}))
    assert bar(0) == "▱" * 12
    assert bar(1) == "▰" * 12


def test_captions_are_counted_as_telegram_counts() -> None:
    assert fits_caption(Message(key="k", text="x" * 990))
    assert not fits_caption(Message(key="k", text="😀" * 520))


def test_rows_are_broken_so_that_labels_can_be_read() -> None:
    styles = (
        tuple(button(name) for name in ("LinkedIn", "Grey studio", "Black and white")),
        tuple(button(name) for name in ("Founder", "Speaker", "Academic")),
        (button("All styles", Verb.STYLES, ""),),
    )
    message = Message(key="k", text="t", buttons=styles)
    assert labels(message) == [
        ["LinkedIn", "Grey studio"],
        ["Black and white", "Founder"],
        ["Speaker", "Academic"],
        ["All styles"],
    ]
    assert labels(Message(key="k", text="t", buttons=((button("x" * MAX_LABEL),),)))


def test_in_a_group_buttons_lead_to_the_private_chat() -> None:
    open_chat = Button(label="Open", action=act(Verb.COMMAND, "", "headshot-linkedin"))
    delete = button("Delete", Verb.DELETE_SET, "")
    message = Message(key="k", text="t", buttons=((open_chat, delete),))
    drawn = keyboard(message, "heads_bot", in_group=True)
    assert drawn is not None
    first, second = drawn.inline_keyboard[0]
    assert first.url == "https://t.me/heads_bot?start=headshot-linkedin"
    assert second.url == "https://t.me/heads_bot?start=start"
    assert first.callback_data is second.callback_data is None
    private = keyboard(message, "heads_bot", in_group=False)
    assert private is not None
    assert all(len(str(b.callback_data)) <= 64 for b in private.inline_keyboard[0])
