"""What people do on Discord, as it reaches the inbox: acknowledged first, read next, handed in.

Discord waits three seconds for an acknowledgement, whatever follows.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import discord
import structlog

from bot.conversation.actions import Verb
from bot.conversation.incoming import Command, Incoming, PhotosReceived, Pressed, Said
from bot.conversation.phrases import language_of, phrase
from bot.frontends.base import Caller, Inbox
from bot.frontends.discord.cards import action_of
from bot.frontends.discord.commands import Interaction
from bot.frontends.discord.doors import Door, Doors
from bot.frontends.discord.faults import REST, insist
from bot.frontends.discord.forms import model_in, name_form, name_in, photo_form, photos_in
from bot.frontends.discord.intake import Intake, Receive
from bot.frontends.discord.precedence import Precedence

NAME = "discord"
THINKING_S = 12.0
"""After so long without an answer, "thinking" is taken away: the answer was an edited card."""
log = structlog.get_logger()


class Hearing:
    """A listener in the sense of `client`."""

    def __init__(
        self,
        inbox: Inbox,
        doors: Doors,
        intake: Intake,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        admin_role: int | None,
    ) -> None:
        self._inbox = inbox
        self._doors = doors
        self._intake = intake
        self._spawn = spawn
        self._admin_role = admin_role
        self._precedence = Precedence()
        self.has_come: Callable[[int], None] = lambda user_id: None
        """Told of each person who does something."""

    async def command(
        self,
        interaction: Interaction,
        command: Command,
        attachments: Sequence[discord.Attachment] = (),
    ) -> None:
        door = await self._open(interaction, thinks=True)
        await self._take(interaction, door, command, attachments)

    async def train(
        self, interaction: Interaction, command: Command, photos: Sequence[discord.Attachment]
    ) -> None:
        """Without photos, in a server, the form for them comes up at once."""
        if photos or is_private(interaction):
            await self.command(interaction, command, photos)
            return
        door = await self._open(interaction, form=photo_form(interaction.locale.value))
        await self._take(interaction, door, command)

    async def train_with(self, interaction: Interaction, message: discord.Message) -> None:
        """The context menu; the photos must be one's own."""
        door = await self._open(interaction, thinks=True)
        if message.author.id != interaction.user.id:
            await self._say(door, "form.not_yours", interaction)
            return
        photos = attachments_of(message)
        wish = Command(name="train") if photos else PhotosReceived()
        await self._take(interaction, door, wish, photos)

    async def pressed(self, interaction: Interaction, identifier: str) -> None:
        action = action_of(identifier)
        locale = interaction.locale.value
        if action is not None and action.verb is Verb.ADD_PHOTOS:
            await self._open(interaction, form=photo_form(locale))
            return
        if action is not None and action.verb is Verb.RENAME_MODEL:
            await self._open(interaction, form=name_form(locale, action.id))
            return
        door = await self._open(interaction)
        door.may_be_public = action is not None and action.verb is Verb.SHARE
        await self._take(interaction, door, Pressed(action=action))

    async def submitted(self, interaction: Interaction, identifier: str) -> None:
        """A form was filled in and sent."""
        door = await self._open(interaction, thinks=True)
        model_id = model_in(identifier)
        if model_id is None:
            await self._take(interaction, door, PhotosReceived(), photos_in(interaction))
            return
        options = {"id": model_id, "rename": name_in(interaction)}
        await self._take(interaction, door, Command(name="models", options=options))

    async def wrote(self, message: discord.Message) -> None:
        user = str(message.author.id)
        caller = Caller(platform=NAME, user_id=user, address={"user": user}, locale="")
        photos = attachments_of(message)
        text = message.content.strip()
        self.has_come(message.author.id)
        if photos:
            await self._precedence.calm()
            command = _train_command(text)
            await self._intake.take(command or PhotosReceived(), photos, self._receiver(caller))
        elif text:
            await self._receiver(caller)(Said(text=text), ())

    # How it is taken.

    async def _open(
        self, interaction: Interaction, thinks: bool = False, form: discord.ui.Modal | None = None
    ) -> Door:
        """Acknowledges, and remembers the way to answer."""
        private = is_private(interaction)
        door = Door(
            caller=self._caller(interaction),
            user_id=interaction.user.id,
            channel_id=_place(interaction),
            hook=interaction.followup,
            opened_at=self._doors.now(),
            limit_bytes=interaction.filesize_limit,
            shows=interaction.message.id if interaction.message is not None else None,
        )
        try:
            with self._precedence.acknowledging():
                if form is not None:
                    await insist(lambda: interaction.response.send_modal(form))
                elif thinks:
                    await insist(
                        lambda: interaction.response.defer(ephemeral=not private, thinking=True)
                    )
                    door.thinking = interaction
                else:
                    await insist(interaction.response.defer)
        except (*REST, discord.InteractionResponded) as error:
            log.warning("interaction_not_acknowledged", error=type(error).__name__)
            return door
        self.has_come(interaction.user.id)
        return self._doors.add(door)

    async def _take(
        self,
        interaction: Interaction,
        door: Door,
        incoming: Incoming,
        attachments: Sequence[discord.Attachment] = (),
    ) -> None:
        receive = self._receiver(door.caller)
        try:
            if attachments:
                await self._precedence.calm()
                await self._intake.take(incoming, attachments, receive)
            else:
                await receive(incoming, ())
        except Exception as error:
            log.error("discord_not_taken", kind=incoming.kind, error=type(error).__name__)
            await self._say(door, "form.fault", interaction)
            return
        if door.thinking is not None:
            self._spawn(self._stop_thinking(door))

    async def _say(self, door: Door, key: str, interaction: Interaction) -> None:
        """A word of the adapter's own, to the one who asked."""
        text = phrase(language_of(interaction.locale.value), key)
        try:
            if door.thinking is not None:
                door.thinking = None
                await interaction.edit_original_response(content=text)
            else:
                await door.hook.send(text, ephemeral=True)
        except REST as error:
            log.warning("word_not_said", error=type(error).__name__)

    async def _stop_thinking(self, door: Door) -> None:
        await asyncio.sleep(THINKING_S)
        interaction, door.thinking = door.thinking, None
        if interaction is None:
            return
        try:
            await interaction.delete_original_response()
        except REST as error:
            log.info("thinking_not_ended", error=type(error).__name__)

    def _caller(self, interaction: Interaction) -> Caller:
        user = str(interaction.user.id)
        private = is_private(interaction)
        return Caller(
            platform=NAME,
            user_id=user,
            address={"user": user},
            here=None if private else {"user": user, "channel": str(_place(interaction))},
            here_is_private=not private,
            is_admin=self._is_admin(interaction.user),
            locale=interaction.locale.value,
        )

    def _is_admin(self, user: discord.User | discord.Member) -> bool:
        if self._admin_role is None or not isinstance(user, discord.Member):
            return False
        # `Member.roles` knows those of servers that are cached only
        return user._roles.has(self._admin_role)  # pyright: ignore[reportPrivateUsage]

    def _receiver(self, caller: Caller) -> Receive:
        async def receive(incoming: Incoming, photos: Sequence[bytes]) -> None:
            async with self._precedence.working():
                await self._inbox.receive(caller, incoming, photos)

        return receive


def is_private(interaction: Interaction) -> bool:
    """In the bot's direct messages, where nobody else reads."""
    return interaction.guild_id is None and not interaction.context.private_channel


def _place(interaction: Interaction) -> int:
    """Of kinds of channels that discord.py does not know it tells no id; they share one."""
    return interaction.channel_id or 0


def attachments_of(message: discord.Message) -> list[discord.Attachment]:
    """Those of the message, and of what it forwards."""
    forwarded = [file for part in message.message_snapshots for file in part.attachments]
    return [*message.attachments, *forwarded]


def _train_command(text: str) -> Command | None:
    """Photos may come with `/train best` typed beside them."""
    name, _, argument = text.partition(" ")
    return Command(name="train", argument=argument.strip()) if name == "/train" else None
