"""A small Discord on real sockets: REST, gateway and file server, with faults to order.

Knows as much of Discord as this project uses, and answers as Discord does: limits, error codes,
ephemeral messages, tokens that end. discord.py is led here by its own two addresses.
"""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import discord
from aiohttp import BodyPartReader, WSMsgType, web
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from tests.discord_shapes import (
    APPLICATION,
    BOT,
    EPHEMERAL,
    GENERAL,
    GENERAL_CHANNEL,
    GUILD,
    LOADING,
    Json,
    Said,
    a_channel,
    a_guild,
    a_member,
    a_person,
    numbered,
)

MIB = 1024 * 1024


@dataclass
class Fault:
    """What happens to the next `times` requests that match, instead of (or `after`) an answer."""

    method: str
    path: str
    status: int = 0
    """0: the connection is reset."""
    code: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    after: bool = False
    times: int = 1


class RefusedError(Exception):
    def __init__(self, status: int, code: int) -> None:
        self.status, self.code = status, code


@dataclass
class Token:
    interaction: int
    user: int
    channel: int
    source: int | None
    original: int | None = None
    is_ended: bool = False


class DiscordServer:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.messages: dict[int, Said] = {}
        self.calls: list[str] = []
        self.commands: list[Json] = []
        self.tokens: dict[str, Token] = {}
        self.closed: set[int] = set()
        self.roles: dict[int, list[int]] = {}
        self.locales: dict[int, str] = {}
        self.forms: dict[int, Json] = {}
        """By interaction, the form that answered it."""
        self.choices: dict[int, list[Json]] = {}
        self.files: dict[str, bytes] = {}
        self.leaves_out: set[str] = set()
        """Of what it tells of an interaction; not all of it is always there."""
        self.tells: Json = {}
        """Of each interaction, instead of what it would tell."""
        self.slow_files: asyncio.Event | None = None
        self.gateway: list[Json] = []
        self.limit_bytes = 10 * MIB
        self.acknowledged: dict[int, float] = {}
        """By interaction, when its acknowledgement came, by the loop's clock."""
        self.identified = asyncio.Event()
        self.port = 0
        self.files_port = 0
        """Of the server that files come from: another host, as with Discord."""
        self._ids = itertools.count(10_000)
        self._sequence = 0
        self._told: list[Json] = []
        self._lines: dict[web.WebSocketResponse, web.Request] = {}
        self._socket: web.WebSocketResponse | None = None
        self._nonces: dict[str, int] = {}

    # The machine.

    async def start(self) -> None:
        app = web.Application(client_max_size=64 * MIB)
        app.router.add_get("/gateway", self._gateway)
        app.router.add_get("/gateway/", self._gateway)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_route("*", "/api/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        for port in (self.port, self.files_port):
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port, self.files_port = (address[1] for address in self._runner.addresses)

    async def stop(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        await self._runner.cleanup()

    def fails(self, method: str, path: str, status: int = 0, **facts: Any) -> Fault:
        fault = Fault(method, path, status, **facts)
        self.faults.append(fault)
        return fault

    # What people do.

    async def command(
        self, user: int, name: str, files: Sequence[tuple[str, bytes]] = (), **options: Any
    ) -> Token:
        """In the server's channel, unless `private`. A `person` is a member by their number."""
        private = options.pop("private", False)
        given = [_option(key, value) for key, value in options.items()]
        resolved: Json = {"attachments": {}}
        for number, (file, data) in enumerate(files, start=1):
            attachment = self.upload(file, data)
            resolved["attachments"][attachment["id"]] = attachment
            given.append({"name": f"photo_{number}", "type": 11, "value": attachment["id"]})
        if "person" in options:
            resolved["users"] = {str(options["person"]): a_person(options["person"])}
        data = {"id": "5", "name": name, "type": 1, "options": given, "resolved": resolved}
        return await self._interact(user, 2, data, private)

    async def choose(self, user: int, name: str, message: Json) -> Token:
        """An entry of the context menu of a message in the server's channel."""
        resolved = {"messages": {message["id"]: message}}
        data = {"id": "6", "name": name, "type": 3, "target_id": message["id"]}
        return await self._interact(user, 2, {**data, "resolved": resolved}, False)

    async def type(self, user: int, name: str, option: str, text: str) -> list[Json]:
        """What is suggested while somebody types into an option."""
        given = [{"name": option, "type": 3, "value": text, "focused": True}]
        data = {"id": "5", "name": name, "type": 1, "options": given}
        token = await self._interact(user, 4, data, False)
        return await until(lambda: self.choices.get(token.interaction), "suggestions")

    async def fill_in(
        self,
        token: Token,
        *files: tuple[str, bytes],
        text: str = "",
    ) -> Token:
        """Sends the form that answered an interaction."""
        form = await until(lambda: self.forms.get(token.interaction), "a form")
        attachments = [self.upload(*file) for file in files]
        fields: list[Json] = []
        for label in form["components"]:
            if "component" in label:
                field = {key: label["component"][key] for key in ("type", "custom_id")}
                field |= {"values": [a["id"] for a in attachments]} if files else {"value": text}
                fields.append({"type": 18, "id": 1, "component": {"id": 2, **field}})
        resolved = {"attachments": {a["id"]: a for a in attachments}}
        data = {"custom_id": form["custom_id"], "components": fields, "resolved": resolved}
        source = self.messages.get(token.source or 0)
        return await self._interact(token.user, 5, data, token.channel != GENERAL, source)

    async def press(self, user: int, message: Said, label: str, custom_id: str = "") -> Token:
        """`custom_id` is of a button that the message has had."""
        data = {"custom_id": custom_id or message.buttons[label], "component_type": 2}
        private = message.channel != GENERAL
        return await self._interact(user, 3, data, private, message)

    async def write(self, user: int, text: str, *files: tuple[str, bytes]) -> None:
        await self.tell("MESSAGE_CREATE", self.written(user, user * 10, text, *files))

    def written(self, user: int, channel: int, text: str, *files: tuple[str, bytes]) -> Json:
        """A person's message; the bot is told only of those in its own chats."""
        attachments = [self.upload(*file) for file in files]
        message = self._message(next(self._ids), channel, {"content": text}, {}, author=user)
        return {**message, "attachments": attachments}

    def upload(self, name: str, data: bytes) -> Json:
        number = next(self._ids)
        self.files[f"{number}-{name}"] = data
        url = f"http://127.0.0.1:{self.files_port}/files/{number}-{name}"
        kind = "image/jpeg" if name.endswith("jpg") else "application/octet-stream"
        about = {"filename": name, "size": len(data), "url": url, "proxy_url": url}
        return {"id": str(number), "content_type": kind, **about}

    async def _interact(
        self, user: int, kind: int, data: Json, private: bool, message: Said | None = None
    ) -> Token:
        number = next(self._ids)
        channel = user * 10 if private else GENERAL
        token = Token(number, user, channel, message.id if message else None)
        self.tokens[f"token-{number}"] = token
        place: Json = {"user": a_person(user), "context": 1, "channel": a_channel(channel, user)}
        if not private:
            member = a_member(user, self.roles.get(user, []))
            place = {"member": member, "context": 0, "guild_id": str(GUILD)}
            place |= {"channel": GENERAL_CHANNEL}
            place |= {"guild": {"id": str(GUILD), "features": [], "locale": "en-US"}}
        payload = {
            "id": str(number),
            "application_id": str(APPLICATION),
            "type": kind,
            "token": f"token-{number}",
            "version": 1,
            "channel_id": str(channel),
            "data": data,
            "locale": self.locales.get(user, "en-US"),
            "entitlements": [],
            "app_permissions": "0",
            "authorizing_integration_owners": {},
            "attachment_size_limit": self.limit_bytes,
            **place,
        }
        if message is not None:
            payload["message"] = self._shown(message)
        payload |= self.tells
        payload = {key: value for key, value in payload.items() if key not in self.leaves_out}
        await self.tell("INTERACTION_CREATE", payload)
        return token

    def seen_by(self, user: int) -> list[Said]:
        """What this person sees of the bot, in private and in the server."""
        places = (GENERAL, user * 10)
        return [m for m in self.messages.values() if m.channel in places and m.to in (None, user)]

    # The gateway.

    async def tell(self, event: str, data: Json) -> None:
        self._sequence += 1
        frame = {"op": 0, "t": event, "s": self._sequence, "d": data}
        self._told.append(frame)
        await self.send(frame)

    async def send(self, frame: Json) -> None:
        if self._socket is not None and not self._socket.closed:
            with suppress(ConnectionError):
                await self._socket.send_str(json.dumps(frame))

    async def drop(self) -> None:
        """The line breaks without goodbye."""
        socket, self._socket = self._socket, None
        self.identified.clear()
        assert socket is not None
        line = self._lines[socket].transport
        assert line is not None
        line.abort()

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._lines[socket] = request
        await socket.send_str(json.dumps({"op": 10, "d": {"heartbeat_interval": 40_000}}))
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            self.gateway.append(frame)
            await self._hear(socket, frame)
        return socket

    async def _hear(self, socket: web.WebSocketResponse, frame: Json) -> None:
        if frame["op"] == 1:
            await socket.send_str(json.dumps({"op": 11}))
        elif frame["op"] == 2:
            self._socket, self._told, self._sequence = socket, [], 0
            url = f"ws://127.0.0.1:{self.port}/gateway"
            about = {"v": 10, "user": BOT, "guilds": [], "session_id": "s"}
            application = {"id": str(APPLICATION), "flags": 0}
            ready = {**about, "resume_gateway_url": url, "application": application}
            ready["guilds"] = [{"id": str(GUILD), "unavailable": True}]
            await self.tell("READY", ready)
            await self.tell("GUILD_CREATE", a_guild())
            self.identified.set()
        elif frame["op"] == 6:
            self._socket = socket
            for missed in self._told[frame["d"]["seq"] :]:
                await self.send(missed)
            await self.tell("RESUMED", {})
            self.identified.set()

    # REST.

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if self.slow_files is not None:
            await self.slow_files.wait()
        fault = self._fault("GET", request.path)
        if fault is not None:
            return _broken(request, fault)
        data = self.files.get(request.match_info["name"])
        return web.Response(status=404) if data is None else web.Response(body=data)

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path = re.sub(r"^/api/v\d+", "", request.path)
        self.calls.append(f"{request.method} {path}")
        fault = self._fault(request.method, path)
        if fault is not None and not fault.after:
            return _broken(request, fault)
        try:
            answer = await self._answer(request, path)
        except RefusedError as refusal:
            return _json({"code": refusal.code, "message": "no"}, refusal.status)
        return _broken(request, fault) if fault is not None else answer

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.method == method and re.search(fault.path, path):
                fault.times -= 1
                return fault
        return None

    async def _answer(self, request: web.Request, path: str) -> web.Response:
        payload, files = await _read(request)
        for pattern, handler in (
            (r"GET /users/@me", self._me),
            (r"GET /oauth2/applications/@me", self._application),
            (r"GET /applications/\d+/commands", self._known_commands),
            (r"PUT /applications/\d+/commands", self._commands),
            (r"POST /users/@me/channels", self._open_channel),
            (r"POST /channels/(\d+)/messages", self._post),
            (r"PATCH /channels/(\d+)/messages/(\d+)", self._edit),
            (r"POST /interactions/(\d+)/([^/]+)/callback", self._callback),
            (r"POST /webhooks/(\d+)/([^/]+)", self._follow_up),
            (r"PATCH /webhooks/(\d+)/([^/]+)/messages/(\w+|@original)", self._edit_by_token),
            (r"DELETE /webhooks/(\d+)/([^/]+)/messages/(\w+|@original)", self._delete_by_token),
        ):
            match = re.fullmatch(pattern, f"{request.method} {path}")
            if match is not None:
                answer = handler(payload, files, *match.groups())
                return _json(answer, 204 if answer is None else 200)
        raise AssertionError(f"{request.method} {path} is not known here")

    def _me(self, payload: Json, files: dict[str, bytes]) -> Json:
        return BOT

    def _application(self, payload: Json, files: dict[str, bytes]) -> Json:
        about = {"id": str(APPLICATION), "name": "bot", "description": "", "bot_public": True}
        about |= {"bot_require_code_grant": False, "verify_key": "", "owner": BOT, "flags": 0}
        return {**about, "summary": "", "icon": None, "team": None}

    def _known_commands(self, payload: Any, files: dict[str, bytes], *_: str) -> Any:
        return self.commands

    def _commands(self, payload: Any, files: dict[str, bytes], *_: str) -> Any:
        self.commands = [
            {
                "description": "",
                **c,
                "id": str(2000 + n),
                "application_id": str(APPLICATION),
                "version": "1",
            }
            for n, c in enumerate(payload)
        ]
        return self.commands

    def _open_channel(self, payload: Json, files: dict[str, bytes]) -> Json:
        user = int(payload["recipient_id"])
        return a_channel(user * 10, user)

    def _post(self, payload: Json, files: dict[str, bytes], channel: str) -> Json:
        if int(channel) // 10 in self.closed:
            raise RefusedError(403, 50007)
        self._weigh(files)
        nonce = payload.get("nonce")
        known = self._nonces.get(str(nonce)) if payload.get("enforce_nonce") else None
        if known is not None:
            return self._shown(self.messages[known])
        said = Said(next(self._ids), int(channel), payload, files)
        self.messages[said.id] = said
        self._nonces[str(nonce)] = said.id
        return self._shown(said)

    def _edit(self, payload: Json, files: dict[str, bytes], channel: str, number: str) -> Json:
        said = self.messages.get(int(number))
        if said is None:
            raise RefusedError(404, 10008)
        return self._change(said, payload, files)

    def _change(self, said: Said, payload: Json, files: dict[str, bytes]) -> Json:
        self._weigh(files)
        said.payload, said.num_edits = {**said.payload, **payload}, said.num_edits + 1
        said.files = files
        return self._shown(said)

    def _weigh(self, files: dict[str, bytes]) -> None:
        sizes = [len(data) for data in files.values()]
        if len(sizes) > 10 or sum(sizes) > 25 * MIB or max(sizes, default=0) > self.limit_bytes:
            raise RefusedError(413, 40005)

    def _callback(self, payload: Json, files: dict[str, bytes], number: str, name: str) -> Json:
        token = self.tokens[name]
        if token.interaction in self.acknowledged:
            raise RefusedError(400, 40060)
        self.acknowledged[token.interaction] = asyncio.get_running_loop().time()
        flags = (payload.get("data") or {}).get("flags", 0)
        if payload["type"] == 5:
            to = token.user if flags & EPHEMERAL else None
            said = Said(next(self._ids), token.channel, {"flags": flags | LOADING}, {}, to)
            self.messages[said.id] = said
            token.original = said.id
        elif payload["type"] == 6:
            token.original = token.source
        elif payload["type"] == 8:
            self.choices[token.interaction] = payload["data"]["choices"]
        elif payload["type"] == 9:
            self.forms[token.interaction] = payload["data"]
        return {"interaction": {"id": number, "type": 2}}

    def _valid(self, name: str) -> Token:
        token = self.tokens.get(name)
        if token is None or token.is_ended:
            raise RefusedError(401, 50027)
        return token

    def _follow_up(self, payload: Json, files: dict[str, bytes], app: str, name: str) -> Json:
        token = self._valid(name)
        self._weigh(files)
        to = token.user if payload.get("flags", 0) & EPHEMERAL else None
        said = Said(next(self._ids), token.channel, payload, files, to)
        self.messages[said.id] = said
        return self._shown(said)

    def _edit_by_token(
        self, payload: Json, files: dict[str, bytes], app: str, name: str, number: str
    ) -> Json:
        token = self._valid(name)
        wanted = token.original if number == "@original" else int(number)
        said = self.messages.get(wanted or 0)
        if said is None:
            raise RefusedError(404, 10008)
        flags = said.payload.get("flags", 0) & ~LOADING | payload.get("flags", 0)
        return self._change(said, {**payload, "flags": flags}, files)

    def _delete_by_token(
        self, payload: Json, files: dict[str, bytes], app: str, name: str, number: str
    ) -> None:
        token = self._valid(name)
        self.messages.pop((token.original or 0) if number == "@original" else int(number), None)

    def _shown(self, said: Said) -> Json:
        return self._message(said.id, said.channel, said.payload, said.files, APPLICATION)

    def _message(
        self, number: int, channel: int, payload: Json, files: dict[str, bytes], author: int
    ) -> Json:
        about = {"embeds": [], "mentions": [], "mention_roles": [], "mention_everyone": False}
        about |= {"pinned": False, "tts": False, "type": 0, "edited_timestamp": None}
        return {
            **about,
            "id": str(number),
            "channel_id": str(channel),
            "author": BOT if author == APPLICATION else a_person(author),
            "content": payload.get("content") or "",
            "components": numbered(payload.get("components") or [], itertools.count(1)),
            "flags": payload.get("flags", 0),
            "timestamp": "2026-01-01T00:00:00+00:00",
            "attachments": [self.upload(name, b"") for name in files],
        }


def _option(name: str, value: object) -> Json:
    if name == "person":
        return {"name": name, "type": 6, "value": str(value)}
    return {"name": name, "type": 4 if isinstance(value, int) else 3, "value": value}


def _json(data: Any, status: int = 200) -> web.Response:
    if status == 204:
        return web.Response(status=204)
    body = json.dumps(data).encode()
    return web.Response(body=body, status=status, headers={"Content-Type": "application/json"})


def _broken(request: web.Request, fault: Fault) -> web.Response:
    if fault.status == 0:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
    body = json.dumps({"code": fault.code, "message": "no", "retry_after": 0.05}).encode()
    headers = {"Content-Type": "application/json", **fault.headers}
    return web.Response(body=body, status=fault.status, headers=headers)


async def _read(request: web.Request) -> tuple[Any, dict[str, bytes]]:
    """The JSON of a request, and its files by name."""
    if not request.content_type.startswith("multipart/"):
        body = await request.read()
        return (json.loads(body) if body else {}), {}
    payload: Any = {}
    files: dict[str, bytes] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read())
        if part.name == "payload_json":
            payload = json.loads(data)
        else:
            files[part.filename or ""] = data
    return payload, files


@asynccontextmanager
async def a_discord(starts: bool = True) -> AsyncGenerator[DiscordServer]:
    """A server that discord.py talks to for as long as this lasts."""
    server = DiscordServer()
    await server.start()
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE = f"http://127.0.0.1:{server.port}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = URL(f"ws://127.0.0.1:{server.port}/gateway")
    if not starts:
        await server.stop()
    try:
        yield server
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway
        await server.stop()


async def until(condition: Callable[[], Any], what: str = "", patience_s: float = 20.0) -> Any:
    for _ in range(int(patience_s / 0.01)):
        found = condition()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"never came: {what}")


assert discord.__version__ >= "2.7"
