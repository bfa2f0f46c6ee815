"""What updates mean: commands, files, presses; what is none of our business."""

from typing import Any

import pytest
from telegram import Update

from bot.conversation.incoming import ChatClosed, Command, Pressed, Said
from bot.frontends.telegram.reading import GROUP_ANONYMOUS_BOT, Heard, read, wish_of

USER = {"id": 7, "is_bot": False, "first_name": "Ann", "language_code": "pt-br"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100, "type": "supergroup", "title": "Us"}
SIZE = {"file_unique_id": "u", "file_size": 5}


def heard(
    chat: dict[str, Any] = PRIVATE, user: dict[str, Any] = USER, **content: Any
) -> Heard | None:
    message = {"message_id": 5, "date": 1, "chat": chat, "from": user, **content}
    return read(Update.de_json({"update_id": 1, "message": message}, None), "Heads_Bot")


def said(text: str, chat: dict[str, Any] = PRIVATE) -> object:
    found = heard(chat, text=text)
    return None if found is None else found.said


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/train", Command(name="train")),
        ("/train@heads_bot fast", Command(name="train", argument="fast")),
        ("/headshot  linkedin 4 ", Command(name="headshot", argument="linkedin 4")),
        ("/headshot\nlinkedin", Command(name="headshot", argument="linkedin")),
        ("/start headshot-linkedin", Command(name="start", argument="headshot-linkedin")),
    ],
)
def test_commands(text: str, command: Command) -> None:
    assert said(text) == command


def test_text_that_is_no_command() -> None:
    assert said("hello / there") == Said(text="hello / there")
    assert said("/ ") == Said(text="/ ")


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        ("/headshot linkedin", True),
        ("/headshot@HEADS_bot", True),
        ("/models@heads_bot", True),
        ("/models", False),
        ("/stop", False),
        ("/headshot@other_bot", False),
        ("look at this", False),
    ],
)
def test_in_groups_only_what_is_meant_for_us(text: str, is_ours: bool) -> None:
    assert (said(text, GROUP) is not None) == is_ours


def test_where_to_answer() -> None:
    private, group = heard(text="hi"), heard(GROUP, text="/styles")
    assert private is not None
    assert (private.caller.address, private.caller.here) == ({"chat": 7}, None)
    assert private.caller.locale == "pt-br"
    assert group is not None
    assert group.caller.address == {"chat": 7}
    assert group.caller.here == {"chat": -100, "message": 5, "group": True}
    assert not group.caller.here_is_private


def test_photos_count_in_private_chats_alone() -> None:
    photo = [
        {"file_id": "small", **SIZE, "width": 9, "height": 9},
        {"file_id": "large", **SIZE, "width": 90, "height": 90},
    ]
    found = heard(photo=photo, caption="/train best", media_group_id="g")
    assert found is not None
    assert found.attachment is not None
    assert (found.attachment.file_id, found.attachment.is_compressed) == ("large", True)
    assert (found.said, found.album) == (Command(name="train", argument="best"), "g")
    assert heard(GROUP, photo=photo) is None
    asked = heard(GROUP, photo=photo, caption="/train")
    assert asked is not None
    assert (asked.said, asked.attachment) == (Command(name="train"), None)
    forwarded = {"type": "hidden_user", "sender_user_name": "Bob", "date": 1}
    assert heard(photo=photo, forward_origin=forwarded) is not None


@pytest.mark.parametrize(
    ("facts", "is_image"),
    [
        ({"mime_type": "image/heic", "file_name": "a"}, True),
        ({"file_name": "IMG.HEIC"}, True),
        ({"mime_type": "application/octet-stream", "file_name": "a.webp"}, True),
        ({"mime_type": "application/pdf", "file_name": "a.pdf"}, False),
        ({"mime_type": "video/mp4", "file_name": "a"}, False),
        ({"mime_type": "application/octet-stream"}, True),
        ({"mime_type": "application/octet-stream", "file_name": "a.zip"}, False),
        ({}, True),
    ],
)
def test_files_are_known_by_their_kind(facts: dict[str, str], is_image: bool) -> None:
    found = heard(document={"file_id": "d", **SIZE, **facts})
    assert found is not None
    assert found.attachment is not None
    assert found.attachment.is_image == is_image
    assert not found.attachment.is_compressed


def test_what_is_nobodys_doing() -> None:
    assert heard(new_chat_title="Us") is None
    assert heard(user={**USER, "is_bot": True}, text="/help") is None
    assert heard(GROUP, {**USER, "is_bot": True}, text="/help") is None
    assert read(Update.de_json({"update_id": 1}, None), "heads_bot") is None
    sticker = {"file_id": "s", **SIZE, "width": 1, "height": 1, "is_animated": False}
    found = heard(sticker={**sticker, "is_video": False, "type": "regular"})
    assert found is not None
    assert found.attachment is not None
    assert not found.attachment.is_image


def test_a_press_of_an_unknown_button() -> None:
    query = {"id": "q", "from": USER, "chat_instance": "c", "data": "who:knows"}
    found = read(Update.de_json({"update_id": 1, "callback_query": query}, None), "heads_bot")
    assert found is not None
    assert (found.said, found.press_id) == (Pressed(action=None), "q")


def test_who_writes_as_the_group_is_shown_the_way() -> None:
    stand_in = {"id": GROUP_ANONYMOUS_BOT, "is_bot": True, "first_name": "Group"}
    found = heard(GROUP, stand_in, text="/headshot linkedin")
    assert found is not None
    assert found.said == ChatClosed(wish="headshot-linkedin")


def test_a_language_that_is_not_told_is_no_language() -> None:
    untold = {name: fact for name, fact in USER.items() if name != "language_code"}
    found = heard(user=untold, text="/help")
    assert found is not None
    assert found.caller.locale == ""


@pytest.mark.parametrize(
    ("name", "argument", "wish"),
    [
        ("headshot", "LinkedIn", "headshot-linkedin"),
        ("headshot", "black & white", "headshot-black-white"),
        ("styles", "", "styles"),
        ("models", "", "models"),
        ("share", "", "start"),
        ("headshot", "ü" * 80, "headshot"),
    ],
)
def test_what_a_deep_link_can_carry(name: str, argument: str, wish: str) -> None:
    assert wish_of(Command(name=name, argument=argument)) == wish
