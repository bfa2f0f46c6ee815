"""Answers and updates of other makers' servers are read all the same."""

import json
from typing import Any

import pytest
from telegram import Update

from bot.conversation.incoming import Command, Pressed
from bot.frontends.telegram.lenience import honest_status, whole_answer, whole_update
from bot.frontends.telegram.reading import Heard, read

NO = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}


@pytest.mark.parametrize(
    ("status", "body", "honest"),
    [
        (200, {"ok": True, "result": True}, 200),
        (200, NO, 403),
        (200, {"ok": False}, 400),
        (200, {"ok": False, "error_code": "much"}, 400),
        (502, NO, 502),
        (200, ["ok"], 200),
    ],
)
def test_a_no_is_a_no(status: int, body: object, honest: int) -> None:
    assert honest_status(status, json.dumps(body).encode()) == honest


def test_a_file_is_no_answer() -> None:
    assert honest_status(200, b'\xff\xd8 "ok" \x00') == 200


def test_what_was_sent_is_known_by_its_id_alone() -> None:
    telling = {"message_id": 7, "date": 10**13, "chat": {"id": "x"}, "entities": "none"}
    sent = whole_answer("sendMessage", telling)
    assert sent["message_id"] == 7
    assert sent["date"] < 10**9
    assert whole_answer("sendPhoto", True) is True
    assert whole_answer("sendDocument", None) is True
    assert whole_answer("editMessageText", None) is True
    assert whole_answer("sendMediaGroup", None) == []
    assert [one["message_id"] for one in whole_answer("sendMediaGroup", [telling])] == [7]
    assert whole_answer("getMe", {"username": "b"})["is_bot"]
    for nothing in (None, True, {}):
        assert whole_answer("getUpdates", nothing) == []
        assert whole_answer("sendMediaGroup", nothing) == []
        assert whole_answer("getFile", nothing).keys() == {"file_id", "file_unique_id"}


def understood(update: dict[str, Any]) -> Heard | None:
    return read(Update.de_json(whole_update({"update_id": 1, **update}), None), "heads_bot")


def test_a_message_needs_little() -> None:
    message = {"message_id": 3, "chat": {"id": 7}, "from": {"id": 7}, "text": "/help"}
    spoilt = {"date": 10**14, "entities": [{"type": "bot_command"}], "reply_to_message": {}}
    found = understood({"message": {**message, **spoilt}})
    assert found is not None
    assert (found.said, found.origin) == (Command(name="help"), {"chat": 7, "message": 3})
    group = understood({"message": {**message, "chat": {"id": -5}}})
    assert group is not None
    assert group.caller.here is not None


def test_null_is_nothing_and_numbers_may_be_written_out() -> None:
    sender = {"id": "7000000000", "language_code": None, "is_bot": None}
    written = {"message_id": "3", "chat": {"id": "7000000000", "type": None}, "from": sender}
    found = understood({"message": {**written, "text": "/help", "photo": None, "document": None}})
    assert found is not None
    assert found.caller.user_id == "7000000000"
    assert found.origin == {"chat": 7000000000, "message": 3}


def test_a_private_chat_says_who_writes() -> None:
    found = understood({"message": {"message_id": 3, "chat": {"id": 7}, "text": "/help"}})
    assert found is not None
    assert found.caller.user_id == "7"
    posted = {"message_id": 3, "chat": {"id": -5}, "text": "/help"}
    assert understood({"message": posted}) is None


@pytest.mark.parametrize(
    "kind", ["edited_message", "channel_post", "my_chat_member", "message_reaction", "news_of_2031"]
)
def test_other_kinds_are_passed_over(kind: str) -> None:
    message = {"message_id": 3, "chat": {"id": 7}, "from": {"id": 7}, "text": "/help"}
    assert understood({kind: message}) is None


def test_files_need_little() -> None:
    message = {"message_id": 3, "chat": {"id": 7}, "from": {"id": 7}}
    sizes = [{"file_id": "a", "file_size": "5"}, {"file_id": "b", "width": None}]
    photo = understood({"message": {**message, "photo": sizes}})
    file = understood({"message": {**message, "document": {"file_id": "c", "file_name": "c.PNG"}}})
    for found, file_id in ((photo, "b"), (file, "c")):
        assert found is not None
        assert found.attachment is not None
        assert (found.attachment.file_id, found.attachment.is_image) == (file_id, True)


def test_a_press_needs_little() -> None:
    query = {"id": "q", "from": {"id": 7}, "data": "styles::"}
    message = {"message": {"message_id": 3, "chat": {"id": 7}}}
    in_private = {"message": {"message_id": 3, "chat": {"id": 7, "type": "private"}}}
    nowhere = {"message": {"message_id": 3}}
    for pressed in (
        {**query},
        {**query, **message},
        {**query, **nowhere},
        {**query, **in_private, "from": None},
    ):
        found = understood({"callback_query": pressed})
        assert found is not None
        assert (found.caller.user_id, found.caller.here) == ("7", None)
        assert isinstance(found.said, Pressed)
        assert found.said.action is not None
