"""The rules of this house: limits, quotas, admins, styles. What the service needs of settings."""

from pathlib import Path

from pydantic import Field

from bot.settings import Settings
from engine.contract import styles
from engine.contract.base import Frozen
from engine.contract.jobs import Quality
from engine.contract.photos import PhotoLimits
from engine.contract.styles import Style

AT_THE_MACHINE = ("terminal", "command")
"""Who sits at the machine itself is its admin."""


class Rules(Frozen):
    limits: PhotoLimits = PhotoLimits()
    trainings_per_day: int = Field(default=3, ge=0)
    headshots_per_day: int = Field(default=60, ge=0)
    models_per_person: int = Field(default=5, ge=1)
    quality: Quality = "standard"
    default_count: int = 4
    max_count: int = 8
    free_prompt: bool = False
    admins: frozenset[str] = Field(default=frozenset(), description="platform:user id")
    styles: dict[str, Style] = Field(default={})

    def is_admin(self, platform: str, user_id: str) -> bool:
        return platform in AT_THE_MACHINE or f"{platform}:{user_id}" in self.admins


def rules_of(settings: Settings) -> Rules:
    """Reads the styles; all else is copied."""
    own: Path | None = settings.styles
    return Rules(
        limits=settings.photos,
        trainings_per_day=settings.quotas.trainings_per_day,
        headshots_per_day=settings.quotas.headshots_per_day,
        models_per_person=settings.quotas.models_per_person,
        admins=frozenset(settings.admins),
        free_prompt=settings.free_prompt,
        styles=styles.load(own),
    )
