"""Tells Discord our commands, only when they are others than last time, or gone from there.

What Discord was told is kept in a small file in the data folder, with the ids that Discord gave
the commands, so that messages can link to them.
"""

import asyncio
import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import structlog
from discord import app_commands
from pydantic import Field

from bot.frontends.discord.faults import REST
from engine.contract.base import Frozen

PATIENCE_S = (5.0, 30.0, 120.0, 600.0)
log = structlog.get_logger()


class Told(Frozen):
    application_id: int = 0
    digest: str = ""
    command_ids: dict[str, int] = Field(default={})


class Sync:
    def __init__(self, file: Path) -> None:
        self._file = file
        self.command_ids: dict[str, int] = {}

    async def run(self, tree: app_commands.CommandTree[Any]) -> None:
        """Returns when Discord knows the commands; tries as long as it takes."""
        told = await asyncio.to_thread(self._load)
        application_id = tree.client.application_id or 0
        digest = await digest_of(tree)
        if told.application_id == application_id:
            self.command_ids = told.command_ids
            if told.digest == digest and await _has_all(tree, told):
                return
        found = await self._tell(tree)
        self.command_ids = {
            command.name: command.id
            for command in found
            if command.type.value == 1  # of slash commands
        }
        told = Told(application_id=application_id, digest=digest, command_ids=self.command_ids)
        await asyncio.to_thread(self._save, told)
        log.info("commands_synced", num=len(found))

    async def _tell(self, tree: app_commands.CommandTree[Any]) -> list[app_commands.AppCommand]:
        attempt = 0
        while True:
            try:
                return await tree.sync()
            except (*REST, app_commands.AppCommandError) as error:
                log.warning("commands_not_synced", error=type(error).__name__)
            await asyncio.sleep(PATIENCE_S[min(attempt, len(PATIENCE_S) - 1)])
            attempt += 1

    def _load(self) -> Told:
        try:
            return Told.model_validate_json(self._file.read_bytes())
        except (OSError, ValueError):
            return Told()

    def _save(self, told: Told) -> None:
        partial = self._file.with_suffix(".partial")
        partial.write_text(told.model_dump_json(), encoding="utf-8")
        partial.replace(self._file)


async def _has_all(tree: app_commands.CommandTree[Any], told: Told) -> bool:
    """Whether Discord still has what it was told; another program may have told it otherwise."""
    try:
        found = await tree.fetch_commands()
    except REST as error:
        log.info("commands_not_fetched", error=type(error).__name__)
        return True
    return set(told.command_ids.values()) <= {command.id for command in found}


async def digest_of(tree: app_commands.CommandTree[Any]) -> str:
    """Of all that Discord would be told."""
    commands = tree.get_commands()
    translator = tree.translator
    payload = [
        await command.get_translated_payload(tree, translator)
        if translator is not None
        else command.to_dict(tree)
        for command in commands
    ]
    text = json.dumps(payload, sort_keys=True, default=str)
    return blake2b(text.encode(), digest_size=16).hexdigest()
