"""The Bot API through python-telegram-bot: how it is reached. Knows nothing of what is said."""

from typing import Any, cast

from telegram.ext import AIORateLimiter, ExtBot
from telegram.request import HTTPXRequest

from bot.frontends.telegram.lenience import honest_status, whole_answer
from engine.contract.base import Frozen

POLL_S = 45
"""Telegram holds a question for updates that long."""
PATIENCE_S = 15
ALLOWED_UPDATES = ["message", "callback_query"]


class Access(Frozen):
    """Who the bot is and where its API server stands."""

    token: str
    api_url: str = "https://api.telegram.org"
    is_local: bool = False
    """A Bot API server of one's own in its local mode: files of any size, by path."""
    read_timeout_s: float = 30.0

    @property
    def bot_id(self) -> str:
        return self.token.partition(":")[0]

    @property
    def source(self) -> str:
        """What the arrivals of this bot are filed under."""
        return f"telegram:{self.bot_id}"[:64]


class Client(ExtBot[int]):
    """The library's bot, with updates as the server wrote them. Close it after use."""

    def __init__(self, access: Access) -> None:
        self._http = _http(access, num_connections=32)
        self._polling_http = _http(access, num_connections=1)
        api = access.api_url.rstrip("/")
        super().__init__(
            access.token,
            base_url=f"{api}/bot",
            base_file_url=f"{api}/file/bot",
            request=self._http,
            get_updates_request=self._polling_http,
            local_mode=access.is_local,
            rate_limiter=AIORateLimiter(),
        )

    async def updates_after(self, offset: int | None, timeout_s: int) -> list[dict[str, Any]]:
        """Those from an id on, as they came. Asking with an offset gives up all before it."""
        data = {"offset": offset, "timeout": timeout_s, "allowed_updates": ALLOWED_UPDATES}
        found = await self._post("getUpdates", data, read_timeout=timeout_s + PATIENCE_S)
        return cast("list[dict[str, Any]]", found)

    async def _post(self, endpoint: str, data: Any = None, **options: Any) -> Any:
        return whole_answer(endpoint, await super()._post(endpoint, data, **options))

    async def close_connections(self) -> None:
        await self._http.shutdown()
        await self._polling_http.shutdown()


class _HonestRequest(HTTPXRequest):
    async def do_request(self, *args: Any, **options: Any) -> tuple[int, bytes]:
        status, body = await super().do_request(*args, **options)
        return honest_status(status, body), body


def _http(access: Access, num_connections: int) -> HTTPXRequest:
    return _HonestRequest(
        connection_pool_size=num_connections,
        read_timeout=access.read_timeout_s,
        write_timeout=30.0,
        media_write_timeout=90.0,
        connect_timeout=10.0,
        pool_timeout=30.0,
    )
