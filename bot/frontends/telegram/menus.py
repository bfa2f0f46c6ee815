"""The menus of commands, registered for each kind of chat and each language."""

from collections.abc import Iterable

import structlog
from telegram import (
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)
from telegram.error import TelegramError

from bot.conversation.commands import COMMANDS, IN_GROUPS
from bot.conversation.phrases import FALLBACK, LANGUAGES, phrase
from bot.frontends.telegram.client import Client

ADMINS_TOO = (*COMMANDS, "admin")
log = structlog.get_logger()


async def register(client: Client, admins: Iterable[str]) -> None:
    """What cannot be registered is logged: the commands work without their menu."""
    scopes: list[tuple[BotCommandScope, tuple[str, ...]]] = [
        (BotCommandScopeDefault(), COMMANDS),
        (BotCommandScopeAllPrivateChats(), COMMANDS),
        (BotCommandScopeAllGroupChats(), IN_GROUPS),
    ]
    numbers = [int(admin) for admin in admins if admin.isdecimal()]
    scopes += [(BotCommandScopeChat(number), ADMINS_TOO) for number in numbers]
    for scope, names in scopes:
        for language in LANGUAGES:
            await _register(client, scope, names, language)


async def _register(
    client: Client, scope: BotCommandScope, names: tuple[str, ...], language: str
) -> None:
    commands = [BotCommand(name, phrase(language, f"command.{name}")) for name in names]
    code = "" if language == FALLBACK else language
    try:
        await client.set_my_commands(commands, scope=scope, language_code=code)
    except TelegramError as error:
        log.warning("telegram_menu_not_registered", scope=scope.type, error=type(error).__name__)
