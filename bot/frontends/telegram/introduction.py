"""Who a token belongs to, for the doctor: one question to Telegram."""

from typing import Literal

from telegram.error import InvalidToken, TelegramError

from bot.frontends.telegram.client import Access, Client
from engine.contract.base import Frozen

TIMEOUT_S = 10.0


class Introduction(Frozen):
    username: str
    reads_all: bool
    """Privacy mode is off."""

    @property
    def group_link(self) -> str:
        return f"https://t.me/{self.username}?startgroup=start"


async def introduce(token: str, api_url: str) -> Introduction | Literal["refused", "away"]:
    try:
        client = Client(Access(token=token, api_url=api_url, read_timeout_s=TIMEOUT_S))
    except InvalidToken:
        return "refused"
    try:
        me = await client.get_me()
    except InvalidToken:
        return "refused"
    except TelegramError:
        return "away"
    finally:
        await client.close_connections()
    return Introduction(username=me.username or "", reads_all=bool(me.can_read_all_group_messages))
