"""The connection to Discord: what it hears, and to whom that goes. Without privileged intents.

Nothing is cached but channels: members, messages and presences are not asked for.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import aiohttp
import discord
import structlog
from discord import app_commands, ui

from bot.conversation.phrases import language_of, phrase
from bot.frontends.discord.cards import PREFIX
from bot.frontends.discord.commands import Ears, Interaction

FORM_TIMEOUT_S = 14 * 60.0
MAX_PHOTOS = 10
MAX_NAME = 64
MAX_CONNECTIONS = 64
"""To one host. A crowd's requests share them: opening one costs more than asking one thing."""
log = structlog.get_logger()


class Listener(Ears, Protocol):
    async def pressed(self, interaction: Interaction, identifier: str) -> None: ...

    async def uploaded(
        self, interaction: Interaction, photos: list[discord.Attachment]
    ) -> None: ...

    async def named(self, interaction: Interaction, model_id: str, name: str) -> None: ...

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
        """Buttons that nobody knows any more; all others find their way by themselves."""
        identifier = str((interaction.data or {}).get("custom_id", ""))
        is_button = interaction.type is discord.InteractionType.component
        if is_button and not identifier.startswith(PREFIX):
            await self.listener.pressed(interaction, identifier)

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


class UploadForm(ui.Modal):
    """One to ten photos at once."""

    def __init__(self, listener: Listener, locale: str) -> None:
        language = language_of(locale)
        super().__init__(title=phrase(language, "form.title"), timeout=FORM_TIMEOUT_S)
        self._listener = listener
        self.add_item(ui.TextDisplay(phrase(language, "form.hint")))
        self.files: ui.FileUpload[Any] = ui.FileUpload(min_values=1, max_values=MAX_PHOTOS)
        self.add_item(ui.Label(text=phrase(language, "form.photos"), component=self.files))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        await self._listener.uploaded(interaction, self.files.values)


class NameForm(ui.Modal):
    """A new name for a model; in a server nobody could say it without being read."""

    def __init__(self, listener: Listener, locale: str, model_id: str) -> None:
        language = language_of(locale)
        super().__init__(title=phrase(language, "form.rename"), timeout=FORM_TIMEOUT_S)
        self._listener = listener
        self._model_id = model_id
        self.name: ui.TextInput[Any] = ui.TextInput(max_length=MAX_NAME)
        self.add_item(ui.Label(text=phrase(language, "form.name"), component=self.name))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        await self._listener.named(interaction, self._model_id, self.name.value)
