"""What servers answer, made whole.

Telegram's own answers hold all that the library insists on. Bot API servers of other makers leave
things out, say no under HTTP 200, or show dates of another kind. None of that is a reason to miss
what somebody wrote, or to send again what has been sent: what we never look at is filled in.
"""

import json
from typing import Any, cast

Json = dict[str, Any]
SENDS = ("sendMessage", "sendPhoto", "sendDocument")
EDITS = ("editMessageText", "editMessageCaption", "editMessageMedia")
FILES = ("animation", "video", "audio", "voice", "video_note", "sticker")
LOOKED_AT = (
    *("message_id", "text", "caption", "media_group_id", "is_topic_message", "message_thread_id"),
    *("photo", "document", *FILES, "location", "contact", "poll", "dice"),
)
"""Of a message, besides who, where and when. What is not among them cannot spoil it."""
SOME_DATE = 1
"""Nobody here looks at dates; 0 would mean a message that is out of reach."""


def honest_status(status: int, body: bytes) -> int:
    """The code of a refusal that comes with HTTP 200."""
    if status != 200 or b'"ok"' not in body[:4096]:
        return status
    try:
        answer: object = json.loads(body)
    except ValueError:
        return status
    if not isinstance(answer, dict) or cast("Json", answer).get("ok") is not False:
        return status
    code = cast("Json", answer).get("error_code")
    return code if isinstance(code, int) and 400 <= code <= 599 else 400


def whole_answer(endpoint: str, answer: Any) -> Any:
    """The result of a method. A message is cut down to its id, all that is wanted of it."""
    facts: Json = cast("Json", answer) if isinstance(answer, dict) else {}
    many: list[Any] = cast("list[Any]", answer) if isinstance(answer, list) else []
    if endpoint == "getMe":
        return {"id": 0, "first_name": "", **facts, "is_bot": True}
    if endpoint == "getFile":
        return {"file_id": "", "file_unique_id": "", **facts}
    if endpoint == "getUpdates":
        return many
    if endpoint == "sendMediaGroup":
        return [_sent(one) for one in many if isinstance(one, dict)]
    if endpoint in SENDS:
        return _sent(answer)
    return True if endpoint in EDITS else cast("Any", answer)


def _sent(answer: Any) -> Any:
    """True for a message that was sent and will never be found again."""
    if not isinstance(answer, dict) or "message_id" not in answer:
        return True
    number = int(cast("Json", answer)["message_id"])
    return {"message_id": number, "date": SOME_DATE, "chat": {"id": 0, "type": "private"}}


def whole_update(update: Json) -> Json:
    """What we look at of it, as the library can read it."""
    whole: Json = {"update_id": update.get("update_id", 0)}
    if isinstance(update.get("message"), dict):
        whole["message"] = _message(update["message"])
    query = update.get("callback_query")
    if isinstance(query, dict):
        pressed: Json = {"chat_instance": "", **cast("Json", query)}
        whole["callback_query"] = pressed
        message: Json = pressed.get("message") or {}
        presser = _user(pressed.get("from") or _alone_in(message.get("chat") or {}))
        pressed["from"] = presser
        if message:
            chat = message.get("chat") or {"id": presser["id"], "type": "private"}
            pressed["message"] = _message({**message, "chat": chat})
    return whole


def _message(message: Json) -> Json:
    whole: Json = _known({name: message[name] for name in LOOKED_AT if name in message})
    whole["message_id"] = int(whole.get("message_id", 0))
    whole["date"] = SOME_DATE
    whole["chat"] = chat = _known(message.get("chat"))
    chat["id"] = int(chat.get("id", 0))
    chat.setdefault("type", "private" if chat["id"] > 0 else "supergroup")
    sender = message.get("from") or _alone_in(chat)
    if sender:
        whole["from"] = _user(sender)
    if isinstance(message.get("photo"), list):
        sizes = cast("list[Any]", message["photo"])
        whole["photo"] = [_file(size, width=0, height=0) for size in sizes]
    if isinstance(message.get("document"), dict):
        whole["document"] = _file(message["document"])
    return whole


def _alone_in(chat: Json) -> Json:
    """A private chat's other side."""
    return {"id": chat["id"]} if chat.get("type") == "private" and chat.get("id") else {}


def _user(user: Any) -> Json:
    known = _known(user)
    return {"is_bot": False, "first_name": "", **known, "id": int(known.get("id", 0))}


def _file(facts: Any, **least: int) -> Json:
    known = _known(facts)
    if not isinstance(known.get("file_size", 0), int):
        del known["file_size"]
    return {"file_unique_id": "", **least, **known}


def _known(facts: Any) -> Json:
    """Without what is null: Telegram leaves such things out."""
    named = cast("Json", facts) if isinstance(facts, dict) else {}
    return {name: value for name, value in named.items() if value is not None}
