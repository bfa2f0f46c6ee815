"""The connection to Discord: what it hears, and to whom that goes. Without privileged intents.

Nothing is cached but channels: members, messages and presences are not asked for.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import aiohttp
import discord
import structlog
from discord import app_commands, ui

from bot.conversation.incoming import Command
from bot.frontends.discord.cards import PREFIX
from bot.frontends.discord.commands import Ears, Interaction, raw_options

MAX_CONNECTIONS = 64
"""To one host. A crowd's requests share them: opening one costs more than asking one thing."""
SLASH = 1
HEARD = "heard"
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
        if interaction.type is discord.InteractionType.component:
            await self.pressed(interaction, identifier)
        is_form = interaction.type is discord.InteractionType.modal_submit
        if is_form and identifier.startswith(PREFIX):
            await self.listener.submitted(interaction, identifier)

    async def pressed(self, interaction: Interaction, identifier: str) -> None:
        """A press is told of in two ways, of which either may fail; it is heard once."""
        if not interaction.extras.get(HEARD):
            interaction.extras[HEARD] = True
            await self.listener.pressed(interaction, identifier)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        log.exception("discord_event_failed", event_name=event_method)


class Tree(app_commands.CommandTree[Client]):
    async def on_error(
        self, interaction: discord.Interaction[Client], error: app_commands.AppCommandError, /
    ) -> None:
        """Commands of another release, and values that no client offers, are answered too."""
        told: Mapping[str, Any] = interaction.data or {}  # pyright: ignore[reportAssignmentType]
        name = str(told.get("name", "")) if told.get("type", 1) == SLASH else ""
        log.error("discord_command_failed", command=name[:32], error=type(error).__name__)
        is_command = interaction.type is discord.InteractionType.application_command
        if is_command and not isinstance(error, app_commands.CommandInvokeError):
            command = Command(name=name, options=raw_options(told))
            await self.client.listener.command(interaction, command)


class Press(ui.DynamicItem[ui.Button[ui.LayoutView]], template=rf"{PREFIX}.*"):
    """Any button of ours, also of a message from before a restart."""

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: Any, /
    ) -> "Press":
        assert isinstance(item, ui.Button)
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.client.pressed(interaction, self.custom_id)
