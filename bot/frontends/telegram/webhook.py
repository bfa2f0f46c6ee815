"""Updates that Telegram brings to us, behind the admin's HTTPS proxy.

Path and secret follow from the token: nobody can guess them, and none has to be set. An update is
acknowledged once it is saved; what cannot be saved is brought again.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import structlog
from aiohttp import web

from bot.frontends.telegram.client import ALLOWED_UPDATES, Client
from bot.frontends.telegram.polling import Setbacks, Take, patiently
from engine.contract.base import Frozen

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
MAX_UPDATE_BYTES = 1024 * 1024
log = structlog.get_logger()


class Door(Frozen):
    """Where Telegram finds us, and where we listen."""

    public_url: str
    host: str = "127.0.0.1"
    port: int = 8443


def path_of(token: str) -> str:
    return f"/telegram/{_derived(token, 'path')[:40]}"


def secret_of(token: str) -> str:
    return _derived(token, "secret")[:48]


def _derived(token: str, purpose: str) -> str:
    return hmac.new(token.encode(), f"headshot-bot {purpose}".encode(), "sha256").hexdigest()


async def receive(client: Client, door: Door, take: Take) -> None:
    """Until cancelled."""
    token = client.token
    async with _listening(door, token, take):
        await patiently(
            lambda: client.set_webhook(
                door.public_url.rstrip("/") + path_of(token),
                secret_token=secret_of(token),
                allowed_updates=ALLOWED_UPDATES,
            ),
            Setbacks(),
        )
        await asyncio.Event().wait()


@asynccontextmanager
async def _listening(door: Door, token: str, take: Take) -> AsyncGenerator[None]:
    app = web.Application(client_max_size=MAX_UPDATE_BYTES)
    app.router.add_post(path_of(token), _handler(secret_of(token), take))
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, door.host, door.port).start()
        log.info("telegram_webhook_listens", host=door.host, port=door.port)
        yield
    finally:
        await runner.cleanup()


def _handler(secret: str, take: Take) -> Any:
    async def handle(request: web.Request) -> web.Response:
        shown = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(shown.encode(), secret.encode()):
            return web.Response(status=403)
        try:
            update: object = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        if not isinstance(update, dict):
            return web.Response(status=400)
        try:
            await take([cast("dict[str, Any]", update)])
        except Exception as error:
            log.error("telegram_updates_not_saved", error=type(error).__name__)
            return web.Response(status=503)
        return web.Response()

    return handle
