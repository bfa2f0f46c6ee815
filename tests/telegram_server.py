"""A small Bot API server with real HTTP: strict like Telegram's, and out of order on demand."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from aiohttp import web

TOKEN = "4242:AAtestTOKENtestTOKENtestTOKENtest00"
BOT = {"id": 4242, "is_bot": True, "first_name": "Heads", "username": "heads_bot"}
CLOUD_LIMIT_BYTES = 20 * 1024 * 1024
REQUEST_LIMIT_BYTES = 50 * 1000 * 1000
MAGIC = ((0, b"\x89PNG", "png"), (8, b"WEBP", "webp"), (4, b"ftyphei", "heic"))
Json = dict[str, Any]


class Refused(Exception):  # noqa: N818 (an answer, not an accident)
    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


@dataclass
class Fault:
    """What the next calls of a method meet. `answer_lost`: done, but nobody is told."""

    method: str
    times: int = 1
    refused: Refused | None = None
    answer_lost: bool = False
    hangs: bool = False


@dataclass
class Call:
    method: str
    params: Json
    files: dict[str, bytes]


@dataclass
class Shown:
    """A message as it stands in a chat."""

    chat: int
    id: int
    kind: str
    text: str = ""
    keyboard: list[list[Json]] = field(default_factory=list[list[Json]])
    data: bytes = b""
    filename: str = ""
    reply_to: int | None = None
    group: str = ""
    num_edits: int = 0

    @property
    def buttons(self) -> list[Json]:
        return [button for row in self.keyboard for button in row]


class TelegramServer:
    def __init__(self) -> None:
        self.updates: list[Json] = []
        self.shown: list[Shown] = []
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.files: dict[str, bytes] = {}
        self.on_disk: dict[str, Path] = {}
        """Of a server in local mode, which tells paths, unless they are empty."""
        self.reactions: dict[tuple[int, int], str] = {}
        self.toasts: list[tuple[str, str]] = []
        self.menus: dict[tuple[str, str], list[str]] = {}
        self.webhook: Json = {}
        self.closed: set[int] = set()
        """Users who never opened a chat with the bot, or blocked it."""
        self.url = ""
        self._next_update = 1000
        self._next_message = 1
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        app = web.Application(client_max_size=200 * 1024 * 1024)
        app.router.add_post(f"/bot{TOKEN}/{{method}}", self._handle)
        app.router.add_get(f"/file/bot{TOKEN}/{{name}}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._stopping.set()
        self._news.set()
        await self._runner.cleanup()

    # What people do.

    def push(self, update: Json) -> int:
        """Waits for the bot from now on."""
        self._next_update += 1
        self.updates.append({"update_id": self._next_update, **update})
        self._news.set()
        return self._next_update

    def person(self, user_id: int = 7, language: str = "en") -> "Person":
        return Person(self, user_id, language)

    def new_message_id(self) -> int:
        self._next_message += 1
        return self._next_message

    def visible(self, chat: int) -> list[Shown]:
        return [message for message in self.shown if message.chat == chat]

    def called(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    # What the bot asks for.

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        params, files = await _read(request)
        self.calls.append(Call(method, params, files))
        fault = next((f for f in self.faults if f.method == method and f.times > 0), None)
        if fault is not None:
            fault.times -= 1
            if fault.hangs:
                return await self._hang(request)
            if fault.refused is not None:
                return _refusal(fault.refused)
        try:
            if (request.content_length or 0) > REQUEST_LIMIT_BYTES:
                raise Refused(413, "Request Entity Too Large")
            answer = getattr(self, f"_on_{method.lower()}", None)
            if answer is None:
                raise Refused(404, "Not Found")
            result = answer(params, files)
            if asyncio.iscoroutine(result):
                result = await result
        except Refused as refused:
            return _refusal(refused)
        if fault is not None and fault.answer_lost:
            return await self._hang(request)
        return web.json_response({"ok": True, "result": result})

    async def _hang(self, request: web.Request) -> web.StreamResponse:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), 20)
        return web.Response(status=504)

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["name"]])

    def _on_getme(self, params: Json, files: Json) -> Json:
        return BOT

    async def _on_getupdates(self, params: Json, files: Json) -> list[Json]:
        if self.webhook.get("url"):
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        offset = int(params.get("offset") or 0)
        self.updates = [u for u in self.updates if u["update_id"] >= offset]
        if not self.updates and int(params.get("timeout") or 0):
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), 1.0)
        return self.updates[:100]

    def _on_deletewebhook(self, params: Json, files: Json) -> bool:
        self.webhook = {}
        return True

    def _on_setwebhook(self, params: Json, files: Json) -> bool:
        self.webhook = params
        return True

    def _on_setmycommands(self, params: Json, files: Json) -> bool:
        scope = params.get("scope", {"type": "default"})
        place = scope["type"] + (f":{scope['chat_id']}" if "chat_id" in scope else "")
        names = [command["command"] for command in params["commands"]]
        assert all(1 <= len(c["description"]) <= 256 for c in params["commands"])
        self.menus[place, params.get("language_code", "")] = names
        return True

    def _on_getfile(self, params: Json, files: Json) -> Json:
        if params["file_id"] in self.on_disk:
            path = self.on_disk[params["file_id"]]
            told = {"file_path": str(path)} if path.name else {}
            return {"file_id": "f", "file_unique_id": "f", **told}
        data = self.files.get(params["file_id"])
        if data is None:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(data) > CLOUD_LIMIT_BYTES:
            raise Refused(400, "Bad Request: file is too big")
        name = params["file_id"]
        return {"file_id": name, "file_unique_id": name, "file_size": len(data), "file_path": name}

    def _on_sendchataction(self, params: Json, files: Json) -> bool:
        self._chat(params)
        return True

    def _on_answercallbackquery(self, params: Json, files: Json) -> bool:
        if len(params.get("text") or "") > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        if params["callback_query_id"].startswith("old"):
            raise Refused(400, "Bad Request: query is too old and response timeout expired")
        self.toasts.append((params["callback_query_id"], params.get("text") or ""))
        return True

    def _on_setmessagereaction(self, params: Json, files: Json) -> bool:
        place = int(params["chat_id"]), int(params["message_id"])
        self.reactions[place] = params["reaction"][0]["emoji"]
        return True

    def _on_sendmessage(self, params: Json, files: Json) -> Json:
        _check_text(params["text"], 4096)
        return self._post(params, "text", plain(params["text"]))

    def _on_sendphoto(self, params: Json, files: Json) -> Json:
        return self._post_file(params, files, "photo")

    def _on_senddocument(self, params: Json, files: Json) -> Json:
        return self._post_file(params, files, "document")

    def _on_sendmediagroup(self, params: Json, files: Json) -> list[Json]:
        media = params["media"]
        if not 2 <= len(media) <= 10:
            raise Refused(400, "Bad Request: group must have from 2 to 10 items")
        group = f"album{self.new_message_id()}"
        posted: list[Json] = []
        for item in media:
            name, data = files[item["media"].removeprefix("attach://")]
            posted.append(
                self._post(params, item["type"], item.get("caption") or "", data, name, group)
            )
        return posted

    def _post_file(self, params: Json, files: Json, kind: str) -> Json:
        _check_text(params.get("caption") or "", 1024)
        name, data = files[kind]
        return self._post(params, kind, plain(params.get("caption") or ""), data, name)

    def _post(
        self,
        params: Json,
        kind: str,
        text: str,
        data: bytes = b"",
        filename: str = "",
        group: str = "",
    ) -> Json:
        chat = self._chat(params)
        reply = params.get("reply_parameters") or {}
        shown = Shown(
            chat=chat,
            id=self.new_message_id(),
            kind=kind,
            text=text,
            keyboard=_keyboard(params),
            data=data,
            filename=filename,
            reply_to=reply.get("message_id"),
            group=group,
        )
        self.shown.append(shown)
        return self._as_json(shown)

    def _as_json(self, shown: Shown) -> Json:
        message: Json = {
            "message_id": shown.id,
            "date": 1_700_000_000,
            "chat": _chat_json(shown.chat),
            "from": BOT,
        }
        if shown.group:
            message["media_group_id"] = shown.group
        if shown.kind == "photo":
            size = {"file_id": "sent", "file_unique_id": "s", "width": 9, "height": 9}
            return {**message, "photo": [size], "caption": shown.text}
        if shown.kind == "document":
            return {**message, "document": {"file_id": "sent", "file_unique_id": "s"}}
        return {**message, "text": shown.text}

    def _on_editmessagetext(self, params: Json, files: Json) -> Json:
        _check_text(params["text"], 4096)
        shown = self._editable(params)
        if shown.kind != "text":
            raise Refused(400, "Bad Request: there is no text in the message to edit")
        return self._edit(shown, params, plain(params["text"]))

    def _on_editmessagecaption(self, params: Json, files: Json) -> Json:
        _check_text(params["caption"], 1024)
        shown = self._editable(params)
        if shown.kind == "text":
            raise Refused(400, "Bad Request: there is no caption in the message to edit")
        return self._edit(shown, params, plain(params["caption"]))

    def _on_editmessagemedia(self, params: Json, files: Json) -> Json:
        media = params["media"]
        _check_text(media["caption"], 1024)
        shown = self._editable(params)
        _, shown.data = files[media["media"].removeprefix("attach://")]
        shown.kind = "photo"
        return self._edit(shown, params, plain(media["caption"]), is_new=True)

    def _edit(self, shown: Shown, params: Json, text: str, is_new: bool = False) -> Json:
        keyboard = _keyboard(params)
        if not is_new and (shown.text, shown.keyboard) == (text, keyboard):
            raise Refused(400, "Bad Request: message is not modified: specified new content")
        shown.text, shown.keyboard = text, keyboard
        shown.num_edits += 1
        return self._as_json(shown)

    def _on_deletemessage(self, params: Json, files: Json) -> bool:
        self.shown.remove(self._editable(params))
        return True

    def _editable(self, params: Json) -> Shown:
        for shown in self.shown:
            if (shown.chat, shown.id) == (int(params["chat_id"]), int(params["message_id"])):
                return shown
        raise Refused(400, "Bad Request: message to edit not found")

    def _chat(self, params: Json) -> int:
        chat = int(params["chat_id"])
        if chat in self.closed:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return chat


@dataclass
class Person:
    """Somebody with Telegram on a phone."""

    server: TelegramServer
    id: int
    language: str = "en"

    @property
    def user(self) -> Json:
        return {
            "id": self.id,
            "is_bot": False,
            "first_name": "<Ann & Co>",
            "language_code": self.language,
        }

    def message(self, chat: int | None = None, **content: Any) -> Json:
        return {
            "message_id": self.server.new_message_id(),
            "date": 1_700_000_000,
            "chat": _chat_json(self.id if chat is None else chat),
            "from": self.user,
            **content,
        }

    def says(self, text: str, chat: int | None = None) -> int:
        return self.server.push({"message": self.message(chat, text=text)})

    def album(
        self, photos: Sequence[bytes], caption: str = "", as_files: bool = False
    ) -> list[Json]:
        """The updates of an album; `send` them when and as you like."""
        group = {"media_group_id": f"g{self.server.new_message_id()}"} if len(photos) > 1 else {}
        updates: list[Json] = []
        for number, data in enumerate(photos):
            name = f"file{len(self.server.files)}"
            self.server.files[name] = data
            what = self._file(name, data) if as_files else self._photo(name, data)
            if caption and number == 0:
                what["caption"] = caption
            updates.append({"message": {**self.message(), **what, **group}})
        return updates

    def send(self, updates: Sequence[Json]) -> list[int]:
        return [self.server.push(update) for update in updates]

    def _photo(self, name: str, data: bytes) -> Json:
        size = {"file_unique_id": name, "file_size": len(data)}
        return {
            "photo": [
                {"file_id": "thumbnail", **size, "width": 90, "height": 90},
                {"file_id": name, **size, "width": 1280, "height": 1280},
            ]
        }

    def _file(self, name: str, data: bytes) -> Json:
        kind = next((k for at, magic, k in MAGIC if data[at:].startswith(magic)), "jpeg")
        facts = {"file_unique_id": name, "file_size": len(data), "file_name": f"{name}.{kind}"}
        return {"document": {"file_id": name, "mime_type": f"image/{kind}", **facts}}

    def offered(self, label: str) -> tuple[str, int] | None:
        """The newest button of that label: what it carries, and its message."""
        for shown in reversed(self.server.visible(self.id)):
            for button in shown.buttons:
                if button["text"] == label:
                    return button["callback_data"], shown.id
        return None

    def presses(
        self, data: str, message_id: int, press_id: str = "", chat: int | None = None
    ) -> str:
        press_id = press_id or f"press{self.server.new_message_id()}"
        place = _chat_json(self.id if chat is None else chat)
        message = {"message_id": message_id, "date": 1_700_000_000, "chat": place}
        query = {"id": press_id, "from": self.user, "chat_instance": "1", "data": data}
        self.server.push({"callback_query": {**query, "message": {**message, "text": "…"}}})
        return press_id

    @property
    def sees(self) -> list[str]:
        return [shown.text for shown in self.server.visible(self.id)]

    def reads(self, words: str) -> Callable[[], Shown | None]:
        """For `until`: a message with these words."""

        def find() -> Shown | None:
            found = [shown for shown in self.server.visible(self.id) if words in shown.text]
            return found[-1] if found else None

        return find


def _chat_json(chat: int) -> Json:
    if chat > 0:
        return {"id": chat, "type": "private", "first_name": "Ann"}
    return {"id": chat, "type": "supergroup", "title": "Us"}


async def _read(request: web.Request) -> tuple[Json, Json]:
    raw: Json = {}
    files: Json = {}
    if request.content_type == "application/json":
        raw = await request.json()
    else:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = (value.filename, value.file.read())
            else:
                raw[name] = value
    return {name: _parsed(name, value) for name, value in raw.items()}, files


PLAIN = ("text", "caption", "callback_query_id", "file_id", "language_code", "url", "secret_token")


def _parsed(name: str, value: Any) -> Any:
    if not isinstance(value, str) or name in PLAIN:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _refusal(refused: Refused) -> web.Response:
    body: Json = {"ok": False, "error_code": refused.code, "description": refused.description}
    if refused.parameters:
        body["parameters"] = refused.parameters
    return web.json_response(body, status=refused.code)


def _keyboard(params: Json) -> list[list[Json]]:
    rows = (params.get("reply_markup") or {}).get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if not button.get("url") and not 1 <= len(button["callback_data"].encode()) <= 64:
            raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return rows


class _Tags(HTMLParser):
    """Refuses what Telegram's parser refuses: other tags than ours, and what is left open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("b", "i", "u", "s", "code", "pre", "a", "blockquote"):
            raise Refused(400, f"Bad Request: can't parse entities: unsupported tag {tag}")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refused(400, "Bad Request: can't parse entities: unexpected end tag")

    def handle_data(self, data: str) -> None:
        self.text += data


def plain(html: str) -> str:
    """What a reader sees of a text with tags."""
    tags = _Tags()
    tags.feed(html)
    tags.close()
    if tags.open:
        raise Refused(400, "Bad Request: can't parse entities: can't find end tag")
    return tags.text


def _check_text(text: str, limit: int) -> None:
    if limit == 4096 and not plain(text).strip():
        raise Refused(400, "Bad Request: message text is empty")
    if len(plain(text).encode("utf-16-le")) // 2 > limit:
        raise Refused(400, "Bad Request: message is too long")
