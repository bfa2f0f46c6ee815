"""All settings, built once in `main` and handed down in sections.

Knows where settings come from, strongest first: command line flags, environment variables
(`HEADSHOT_ENGINE__BASE`), secret files (`/run/secrets/headshot_discord__token`), `config.toml`.
Nothing else in the bot reads the environment. A setting that does not exist is an error that
names the nearest one that does.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import platformdirs
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError as SourceError

from engine.contract.photos import PhotoLimits
from engine.contract.settings import EngineSettings, MemoryTier

PREFIX = "HEADSHOT_"
CONFIG = "config.toml"
STYLES = "styles.toml"
SECRETS = Path("/run/secrets")


class SettingsError(ValueError):
    """A setting that does not exist or cannot be used: says which, and what would do."""


def _words(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _folder(value: object) -> object:
    return Path(value).expanduser().absolute() if isinstance(value, str | Path) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
Folder = Annotated[Path, BeforeValidator(_folder)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EngineSection(Section):
    """What the engines of this machine are told; `EngineSettings` says what each means."""

    base: str = "demo"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    memory: MemoryTier = "auto"
    roles: Annotated[
        tuple[Literal["photos", "training", "generation"], ...], NoDecode, BeforeValidator(_words)
    ] = ("photos", "training", "generation")
    photo_processes: int = Field(default=2, ge=1, le=64)
    lease_s: float = Field(default=8.0, gt=1)
    checkpoint_every_s: float = Field(default=10.0, gt=0)
    max_crashes: int = Field(default=4, ge=1)
    training_share: float = Field(default=0.3, ge=0, le=0.9)
    choice: float = Field(default=2.0, ge=1, le=4)
    steps: int | None = Field(default=None, ge=1)
    patience: int | None = Field(default=None, ge=0)
    captioner: str = "auto"
    work_dir: Folder | None = Field(default=None, description="default: engine/ in the data folder")


class QuotasSection(Section):
    """What one person may ask for; admins and the local terminal may ask for more."""

    trainings_per_day: int = Field(default=3, ge=0)
    headshots_per_day: int = Field(default=60, ge=0)
    models_per_person: int = Field(default=5, ge=1)


class DiscordSection(Section):
    token: SecretStr | None = Field(default=None, description="of the bot, never of a person")
    admin_role: int | None = Field(
        default=None, description="id of a server role whose members are admins of this bot"
    )


class TelegramSection(Section):
    """docs/telegram.md says what each is for."""

    token: SecretStr | None = None
    api_url: str = Field(
        default="https://api.telegram.org",
        pattern=r"^https?://[^/]+",
        description="another Bot API server, such as one of your own",
    )
    local_files: bool = Field(
        default=False, description="that server runs with --local on this machine: no 20 MB limit"
    )
    webhook_url: str | None = Field(
        default=None, pattern=r"^https://[^/]+", description="public address; none: polling"
    )
    webhook_host: str = Field(default="127.0.0.1", description="where to listen behind a proxy")
    webhook_port: int = Field(default=8443, ge=1, le=65535)


class TerminalSection(Section):
    pictures: Folder = Field(
        default=Path("headshots"), validate_default=True, description="where a chat saves pictures"
    )


class Settings(BaseSettings):
    """Every setting. `load` builds it from all sources; `Settings(data_dir=…)` from one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    data_dir: Folder
    redis_url: str | None = Field(default=None, repr=False, description="none: embedded Valkey")
    blobs_url: str = Field(default="", description="default: blobs/ in the data folder")
    database_url: str = Field(
        default="", repr=False, description="default: a SQLite file in the data folder"
    )
    engine: EngineSection = EngineSection()
    photos: PhotoLimits = PhotoLimits()
    styles: Folder | None = Field(
        default=None, description="an admin's own styles; default: styles.toml in the data folder"
    )
    free_prompt: bool = Field(default=False, description="people may write prompts of their own")
    quotas: QuotasSection = QuotasSection()
    admins: Words = Field(default=(), description="such as discord:1234 telegram:5678")
    discord: DiscordSection = DiscordSection()
    telegram: TelegramSection = TelegramSection()
    terminal: TerminalSection = TerminalSection()
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="before")
    @classmethod
    def _places_all_in_the_data_folder(cls, values: dict[str, Any]) -> dict[str, Any]:
        if "data_dir" not in values:
            return values
        data_dir = Path(values["data_dir"]).expanduser().absolute()
        return {
            "blobs_url": (data_dir / "blobs").as_uri(),
            "database_url": f"sqlite+aiosqlite:///{data_dir / 'bot.sqlite3'}",
            **values,
        }

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"

    def engine_settings(self, redis_url: str, **changes: Any) -> EngineSettings:
        """What an engine of this machine is told, given the queue's address."""
        told: dict[str, Any] = {
            **self.engine.model_dump(),
            "work_dir": self.engine.work_dir or self.data_dir / "engine",
            "redis_url": redis_url,
            "blobs_url": self.blobs_url,
        }
        return EngineSettings(**(told | changes))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Takes only what it is given; `load` reads the world."""
        return (init_settings,)


def load(
    flags: Mapping[str, Any] | None = None, config: Path | None = None, secrets: Path = SECRETS
) -> Settings:
    """Builds the settings, and makes every file this process will write the owner's alone.

    Args:
        flags: settings from the command line, such as `{"data_dir": …, "engine": {"base": …}}`.
        config: another file than `config.toml` in the data folder; it must exist.
        secrets: folder of secret files, each named like its environment variable.

    Raises:
        SettingsError: for an unknown name, a value that cannot be, a file that cannot be read.
    """
    os.umask(0o077)
    known = sorted(_names(Settings))
    _refuse_unknown(known, (name for name in os.environ if name.startswith(PREFIX)))
    environment = _read(EnvSettingsSource(Settings))
    hidden: dict[str, Any] = {}
    if secrets.is_dir():
        _refuse_unknown(known, (path.name for path in secrets.glob(f"{PREFIX.lower()}*")))
        files = SecretsSettingsSource(Settings, secrets_dir=secrets)
        hidden = _read(NestedSecretsSettingsSource(files))
    values = reduce(_merge, [hidden, environment, flags or {}], {})
    values.setdefault("data_dir", platformdirs.user_data_path("headshot-bot", appauthor=False))
    values = _merge(_read_config(config, Path(values["data_dir"])), values)
    own_styles = Path(values["data_dir"]).expanduser() / STYLES
    if "styles" not in values and own_styles.is_file():
        values["styles"] = own_styles
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error, known)) from None


def _read(source: PydanticBaseSettingsSource) -> dict[str, Any]:
    try:
        return source()
    except SourceError as error:
        cause = error.__cause__
        raise SettingsError(f"{error}: {cause}" if cause else str(error)) from None


def _read_config(config: Path | None, data_dir: Path) -> dict[str, Any]:
    file = config or data_dir.expanduser() / CONFIG
    if not file.is_file():
        if config is not None:
            raise SettingsError(f"the settings file {config} does not exist")
        return {}
    try:
        return TomlConfigSettingsSource(Settings, toml_file=file)()
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from None


def _merge(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(weak)
    for name, value in strong.items():
        below = merged.get(name)
        if isinstance(below, dict) and isinstance(value, dict):
            value = _merge(cast("dict[str, Any]", below), cast("dict[str, Any]", value))
        merged[name] = value
    return merged


def _names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting by its dotted name, sections too."""
    for name, field in model.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{prefix}{name}.")


def _refuse_unknown(known: list[str], variables: Iterator[str]) -> None:
    for variable in variables:
        name = variable.lower().removeprefix(PREFIX.lower()).replace("__", ".")
        if name not in known:
            raise SettingsError(f"{variable} is no setting{_nearest(name, known, variable)}")


def _nearest(name: str, known: list[str], variable: str | None = None) -> str:
    found = get_close_matches(name, known, n=1, cutoff=0.5)
    if not found:
        return ""
    if variable is None:
        return f"; did you mean {found[0]}?"
    shown = PREFIX + found[0].replace(".", "__").upper()
    return f"; did you mean {shown if variable.isupper() else shown.lower()}?"


def _sentence(error: ValidationError, known: list[str]) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{name} is no setting{_nearest(name, known)}"
    return f"{name} is {first['input']!r}: {first['msg']}"
