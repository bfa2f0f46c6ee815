"""A person's models for commands that need neither queue nor engine: database and blobs alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.faults import CommandError
from bot.database import models, people
from bot.database.connection import Database
from bot.database.tables import Model
from bot.frontends.terminal.frontend import CALLER
from bot.settings import Settings
from engine.contract.blobs import Blobs


@dataclass(frozen=True)
class Cupboard:
    database: Database
    blobs: Blobs


@asynccontextmanager
async def open_cupboard(settings: Settings) -> AsyncGenerator[Cupboard]:
    database = await Database.open(settings.database_url)
    try:
        yield Cupboard(database, Blobs.from_url(settings.blobs_url))
    finally:
        await database.close()


async def owner_of(tx: AsyncSession, person: str | None) -> str:
    """Whose models are meant: those of `platform:user id`, else of whoever sits at the terminal.

    Raises:
        CommandError: for somebody who never spoke to this bot.
    """
    if person is None:
        found, _ = await people.welcome(
            tx, CALLER.platform, CALLER.user_id, CALLER.address, CALLER.locale, datetime.now(UTC)
        )
        return found.id
    known = await people.named(tx, person)
    if known is None:
        raise CommandError(
            f"nobody is known as {person!r}; it is written like discord:1234567890, "
            "and they must have talked to this bot once"
        )
    return known.id


async def named(tx: AsyncSession, owner: str, name: str) -> Model:
    """The newest model of that name that is ready.

    Raises:
        CommandError: when there is none.
    """
    owned = await models.of_person(tx, owner)
    meant = [model for model in owned if model.name.casefold() == name.casefold()]
    ready = [model for model in meant if model.status == models.READY]
    if ready:
        return ready[-1]
    if meant:
        raise CommandError(f"the model {meant[-1].name!r} is not trained yet")
    if not owned:
        raise CommandError(
            f"there is no model {name!r}; train one: headshot-bot train DIR --name NAME"
        )
    raise CommandError(
        f"there is no model {name!r}; the models are: {', '.join(model.name for model in owned)}"
    )


def base_of(settings: Settings) -> str:
    """What the engines of these settings call their base: a folder goes by its name."""
    folder = Path(settings.engine.base).expanduser()
    return folder.name if folder.is_dir() else settings.engine.base
