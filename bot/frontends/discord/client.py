"""The connection to Discord: what it hears, and to whom that goes. Without privileged intents.

Nothing is cached but channels: members, messages and presences are not asked for.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import aiohttp
import discord
import structlog
from discord import app_commands, ui

from bot.frontends.discord.cards import PREFIX
from bot.frontends.discord.commands import Ears, Interaction

MAX_CONNECTIONS = 64
"""To one host. A crowd's requests share them: opening one costs more than asking one thing."""
log = structlog.get_logger()


class Listener(Ears, Protocol):
    async def pressed(self, interaction: Interaction, identifier: str) -> None: ...

    async def submitted(self, interaction: Interaction, identifier: str) -> None: ...

    async def wrote(self, message: discord.Message) -> None: ...


class Client(discord.Client):
    def __init__(self, listener: Listener, begin: "Callable[[Client], Awaitable[None]]") -> None:
        intents = discord.Intents.none()
        intents.guilds = True
        intents.dm_messages = True
        super().__init__(
            intents=intents,
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=30.0,
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=MAX_CONNECTIONS),
        )
        self.listener = listener
        self.tree = Tree(self)
        self._begin = begin

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Press)
        await self._begin(self)

    async def on_message(self, message: discord.Message) -> None:
        if message.guild is None and not message.author.bot:
            await self.listener.wrote(message)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Forms, and buttons that `Press` does not get: unknown, or of a card edited meanwhile."""
        identifier = str((interaction.data or {}).get("custom_id", ""))
        is_ours = identifier.startswith(PREFIX)
        if interaction.type is discord.InteractionType.component:
            shown = interaction.message.components if interaction.message is not None else ()
            if not is_ours or not _shows(shown, identifier):
                await self.listener.pressed(interaction, identifier)
        elif interaction.type is discord.InteractionType.modal_submit and is_ours:
            await self.listener.submitted(interaction, identifier)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        log.exception("discord_event_failed", event_name=event_method)


class Tree(app_commands.CommandTree[Client]):
    async def on_error(
        self, interaction: discord.Interaction[Client], error: app_commands.AppCommandError, /
    ) -> None:
        name = interaction.command.name if interaction.command is not None else ""
        log.error("discord_command_failed", command=name, error=type(error).__name__)


class Press(ui.DynamicItem[ui.Button[ui.LayoutView]], template=rf"{PREFIX}.*"):
    """Any button of ours, also of a message from before a restart."""

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: Any, /
    ) -> "Press":
        assert isinstance(item, ui.Button)
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.client.listener.pressed(interaction, self.custom_id)


def _shows(components: Iterable[Any], identifier: str) -> bool:
    return any(
        getattr(component, "custom_id", None) == identifier
        or _shows(getattr(component, "children", ()), identifier)
        for component in components
    )
