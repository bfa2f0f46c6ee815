"""The slash commands and the context menu, as Discord shows them. Each is handed on as it is.

All of them work in servers, in the bot's direct messages and in private channels, for a bot that
was added to a server and for one that a person added to their own account.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Optional, Protocol, cast

import discord
from discord import app_commands
from discord.app_commands import Choice, Range

from bot.conversation.commands import COMMANDS
from bot.conversation.incoming import Command
from bot.conversation.phrases import FALLBACK, LANGUAGES, NAMES, language_of
from bot.conversation.wardrobe import suggested
from bot.frontends.discord.words import say
from engine.contract.styles import Style

Interaction = discord.Interaction[discord.Client]
Callback = Callable[..., Awaitable[None]]
MAX_CHOICES = 25
MAX_PHOTOS = 10
RAW_OPTIONS = ("style", "count", "aspect", "background", "clothes", "model")
WITH_OPTIONS = ("train", "headshot", "models", "settings")
INSTALLS = app_commands.AppInstallationType(guild=True, user=True)
CONTEXTS = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)


class Ears(Protocol):
    """Who hears the commands."""

    async def command(
        self,
        interaction: Interaction,
        command: Command,
        attachments: Sequence[discord.Attachment] = (),
    ) -> None: ...

    async def train(
        self, interaction: Interaction, command: Command, photos: Sequence[discord.Attachment]
    ) -> None: ...

    async def train_with(self, interaction: Interaction, message: discord.Message) -> None: ...


def add_to(
    tree: app_commands.CommandTree[Any], ears: Ears, styles: dict[str, Style], max_count: int
) -> None:
    """Fills an empty tree."""
    for name in COMMANDS:
        if name not in WITH_OPTIONS:
            tree.add_command(_command(name, _plain(ears, name)))
    tree.add_command(_train(ears))
    tree.add_command(_headshot(ears, styles, max_count))
    tree.add_command(_models(ears))
    tree.add_command(_settings(ears))
    tree.add_command(_admin(ears))
    tree.add_command(_menu(ears))


def _command(name: str, callback: Callback) -> app_commands.Command[Any, ..., None]:
    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name=say(f"slash.{name}"),
        description=say(f"command.{name}"),
        callback=cast("Any", callback),
        allowed_contexts=CONTEXTS,
        allowed_installs=INSTALLS,
    )
    return command


def _plain(ears: Ears, name: str) -> Callback:
    async def run(interaction: Interaction) -> None:
        await ears.command(interaction, Command(name=name))

    return run


def _train(ears: Ears) -> app_commands.Command[Any, ..., None]:
    async def train(
        interaction: Interaction,
        photo_1: discord.Attachment | None = None,
        photo_2: discord.Attachment | None = None,
        photo_3: discord.Attachment | None = None,
        photo_4: discord.Attachment | None = None,
        photo_5: discord.Attachment | None = None,
        photo_6: discord.Attachment | None = None,
        photo_7: discord.Attachment | None = None,
        photo_8: discord.Attachment | None = None,
        photo_9: discord.Attachment | None = None,
        photo_10: discord.Attachment | None = None,
        quality: str | None = None,
    ) -> None:
        given = (photo_1, photo_2, photo_3, photo_4, photo_5)
        given += (photo_6, photo_7, photo_8, photo_9, photo_10)
        photos = [photo for photo in given if photo is not None]
        await ears.train(interaction, Command(name="train", options=_told(quality=quality)), photos)

    numbered = {f"photo_{n}": say("option_name.photo", n=n) for n in range(1, MAX_PHOTOS + 1)}
    app_commands.rename(**numbered, quality=say("option_name.quality"))(train)
    described = {name: say("option.photo", n=n) for n, name in enumerate(numbered, start=1)}
    app_commands.describe(**described, quality=say("option.quality"))(train)
    qualities = ("fast", "standard", "best")
    app_commands.choices(quality=[Choice(name=say(f"quality.{q}"), value=q) for q in qualities])(
        train
    )
    return _command("train", train)


def _headshot(
    ears: Ears, styles: dict[str, Style], max_count: int
) -> app_commands.Command[Any, ..., None]:
    async def headshot(
        interaction: Interaction,
        style: str | None = None,
        count: int | None = None,
        orientation: str | None = None,
        background: Range[str, 1, 64] | None = None,
        clothes: Range[str, 1, 64] | None = None,
        model: Range[str, 1, 64] | None = None,
    ) -> None:
        options = _told(style=style, count=count, aspect=orientation, model=model)
        options |= _told(background=background, clothes=clothes)
        await ears.command(interaction, Command(name="headshot", options=options))

    async def suggest(interaction: Interaction, current: str) -> list[Choice[str]]:
        language = language_of(interaction.locale.value)
        found = matching(styles, current, language)
        return [Choice(name=s.words(language).title, value=s.name) for s in found]

    async def suggest_background(interaction: Interaction, current: str) -> list[Choice[str]]:
        return _choices(suggested("background", current, interaction.locale.value))

    async def suggest_clothes(interaction: Interaction, current: str) -> list[Choice[str]]:
        return _choices(suggested("garment", current, interaction.locale.value))

    # discord.py reads annotations; this one is known only now
    headshot.__annotations__["count"] = Optional[cast("Any", Range)[int, 1, max_count]]  # noqa: UP045
    names = ("style", "count", "orientation", "background", "clothes", "model")
    app_commands.rename(**{name: say(f"option_name.{name}") for name in names})(headshot)
    app_commands.describe(**{name: say(f"option.{name}") for name in names})(headshot)
    shapes = ("portrait", "square")
    app_commands.choices(orientation=[Choice(name=say(f"aspect.{s}"), value=s) for s in shapes])(
        headshot
    )
    app_commands.autocomplete(
        style=cast("Any", suggest),
        background=cast("Any", suggest_background),
        clothes=cast("Any", suggest_clothes),
    )(headshot)
    return _command("headshot", headshot)


def matching(styles: dict[str, Style], typed: str, language: str = FALLBACK) -> list[Style]:
    """At most as many as Discord shows; titles that begin so come first."""
    word = typed.strip().casefold()
    said = {
        style.name: " ".join(
            (words.title, style.name, style.title, style.category, words.description)
        )
        for style in styles.values()
        for words in [style.words(language)]
    }
    found = [style for name, style in styles.items() if word in said[name].casefold()]
    found.sort(key=lambda style: not said[style.name].casefold().startswith(word))
    return found[:MAX_CHOICES]


def _choices(names: Sequence[str]) -> list[Choice[str]]:
    return [Choice(name=name, value=name) for name in names[:MAX_CHOICES]]


def _models(ears: Ears) -> app_commands.Command[Any, ..., None]:
    async def models(
        interaction: Interaction,
        name: Range[str, 1, 64] | None = None,
        rename: Range[str, 1, 64] | None = None,
    ) -> None:
        command = Command(name="models", argument=name or "", options=_told(rename=rename))
        await ears.command(interaction, command)

    app_commands.rename(name=say("option_name.model"), rename=say("option_name.rename"))(models)
    app_commands.describe(name=say("option.model"), rename=say("option.rename"))(models)
    return _command("models", models)


def _settings(ears: Ears) -> app_commands.Command[Any, ..., None]:
    async def settings(interaction: Interaction, language: str | None = None) -> None:
        await ears.command(interaction, Command(name="settings", options=_told(language=language)))

    app_commands.rename(language=say("option_name.language"))(settings)
    app_commands.describe(language=say("option.language"))(settings)
    choices = [Choice(name=NAMES[code], value=code) for code in LANGUAGES]
    app_commands.choices(language=choices[:MAX_CHOICES])(settings)
    return _command("settings", settings)


def _admin(ears: Ears) -> app_commands.Command[Any, ..., None]:
    async def admin(
        interaction: Interaction,
        action: str | None = None,
        person: discord.User | None = None,
        headshots: Range[int, 0, 10_000] | None = None,
        trainings: Range[int, 0, 1_000] | None = None,
    ) -> None:
        options = _told(
            person=f"discord:{person.id}" if person is not None else None,
            headshots=headshots,
            trainings=trainings,
        )
        await ears.command(
            interaction, Command(name="admin", argument=action or "", options=options)
        )

    names = ("action", "person", "headshots", "trainings")
    app_commands.rename(**{name: say(f"option_name.{name}") for name in names})(admin)
    app_commands.describe(**{name: say(f"option.{name}") for name in names})(admin)
    actions = ("stats", "pause", "resume", "ban", "allow", "quota")
    app_commands.choices(action=[Choice(name=say(f"admin_do.{a}"), value=a) for a in actions])(
        admin
    )
    return _command("admin", admin)


def _menu(ears: Ears) -> app_commands.ContextMenu:
    async def train_with(interaction: Interaction, message: discord.Message) -> None:
        await ears.train_with(interaction, message)

    return app_commands.ContextMenu(
        name=say("slash.train_with"),
        callback=cast("Any", train_with),
        allowed_contexts=CONTEXTS,
        allowed_installs=INSTALLS,
    )


def raw_options(told: Mapping[str, Any]) -> dict[str, str]:
    """Options as Discord sends them, for a command that could not be read as it should be."""
    given = {option["name"]: option.get("value") for option in told.get("options", ())}
    given["aspect"] = given.pop("orientation", None)
    return _told(**{name: value for name, value in given.items() if name in RAW_OPTIONS})


def _told(**options: object) -> dict[str, str]:
    return {name: str(value) for name, value in options.items() if value is not None}
