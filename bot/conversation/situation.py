"""All that the conversation may look at before it answers: a snapshot, loaded by the service.

Everything in it belongs to one person. Lists are oldest first.
"""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from bot.conversation.session import Session
from engine.contract.base import Frozen
from engine.contract.events import Flaw, Phase
from engine.contract.failures import FailureCode
from engine.contract.jobs import Quality
from engine.contract.photos import PhotoLimits, PhotoReport
from engine.contract.styles import Aspect, Style


class Photo(Frozen):
    """A photo of the open collection. Pending while neither report nor failure is there."""

    number: int = Field(ge=1, description="stays the same when others are removed")
    sha256: str
    key: str = Field(default="", description="in the blob store")
    report: PhotoReport | None = None
    failure: FailureCode | None = Field(default=None, description="the check itself failed")
    origin: dict[str, Any] | None = Field(default=None, description="see `PhotoLine.origin`")

    @property
    def pending(self) -> bool:
        return self.report is None and self.failure is None


class Collection(Frozen):
    """The one open collection."""

    id: str
    photos: tuple[Photo, ...] = ()
    refreshes: str | None = Field(default=None, description="id of the model to be retrained")


class Model(Frozen):
    id: str
    name: str
    status: Literal["training", "ready", "failed"] = "ready"
    likeness: float | None = Field(default=None, ge=0, le=1)
    is_chosen: bool = False
    created: AwareDatetime
    num_photos: int = 0
    base: str = ""


class Order(Frozen):
    """A training or a generation, waiting or running (or, inside a happening, just ended)."""

    id: str
    kind: Literal["training", "headshots"]
    status: Literal["queued", "running"] = "queued"
    position: int | None = Field(default=None, ge=1, description="1 is next in line")
    model_id: str = ""
    model_name: str = ""
    collection_id: str = Field(default="", description="that a training was started from")
    style: str = ""
    count: int = 0
    strength: float = 1.0
    prompt: str | None = None
    background: str = ""
    clothes: tuple[str, ...] = ()
    phase: Phase | None = None
    step: int = 0
    total: int = 0
    eta_s: tuple[float, float] | None = Field(
        default=None, description="least and most that is left"
    )
    likeness: float | None = Field(default=None, ge=0, le=1)
    preview_key: str = ""
    resumed: bool = Field(default=False, description="goes on after the engine was interrupted")
    cancelling: bool = False


class Shot(Frozen):
    key: str
    seed: int
    likeness: float | None = Field(default=None, ge=0, le=1)


class HeadshotSet(Frozen):
    """The pictures of one finished generation."""

    id: str
    model_id: str
    model_name: str
    style: str
    shots: tuple[Shot, ...]
    strength: float = 1.0
    prompt: str | None = None
    aspect: Aspect | None = None
    background: str = ""
    clothes: tuple[str, ...] = ()
    seed: int = 0
    seconds: float | None = None
    num_drawn: int = Field(default=0, description="of which these are the best; 0: unknown")
    shortcoming: Flaw | None = Field(default=None, description="what is wrong if none is good")

    def file_stem(self, number: int) -> str:
        """What the file of picture `number` (from 1) is called: style, number, seed."""
        return f"{self.style}-{number}-{self.shots[number - 1].seed}"


class Quota(Frozen):
    """What is left. None: without limit."""

    headshots_left: int | None = None
    trainings_left: int | None = None
    models_at_most: int | None = Field(default=None, description="kept at once for one person")
    resets_at: AwareDatetime | None = None


class Kept(Frozen):
    """What is stored of this person, for /privacy and /forget."""

    num_photos: int = 0
    num_models: int = 0
    num_headshots: int = 0
    photos_days: int | None = Field(default=None, description="kept that long; None: until asked")
    headshots_days: int | None = None


class Stats(Frozen):
    """For /admin; loaded for admins only."""

    num_people: int = 0
    num_models: int = 0
    num_headshots: int = 0
    num_queued: int = 0
    num_running: int = 0
    num_failed_today: int = 0
    num_engines: int = 0
    disk_free_gib: float | None = None


class Other(Frozen):
    """Somebody an admin names. None for a figure: as for everybody."""

    name: str = Field(description="as the admin wrote it, such as discord:1234")
    banned: bool = False
    headshots_per_day: int | None = None
    trainings_per_day: int | None = None


Access = Literal["allowed", "banned", "not_invited"]


class Situation(Frozen):
    now: AwareDatetime
    session: Session = Session()
    platform_locale: str = Field(default="en", description="as the platform tells: de, pt-BR, …")
    verdict_replies: bool = Field(
        default=False, description="the frontend wants a message for each refused photo"
    )
    in_group: bool = Field(default=False, description="asked where others read along")
    here_is_private: bool = Field(default=False, description="what is answered there stays theirs")
    upload_form: bool = Field(
        default=False, description="the frontend opens a form for photos where a button asks so"
    )
    access: Access = "allowed"
    paused: bool = Field(default=False, description="an admin stopped new work")
    is_admin: bool = False
    engine_alive: bool = True
    limits: PhotoLimits = PhotoLimits()
    quality: Quality = "standard"
    default_count: int = 4
    max_count: int = 8
    free_prompt: bool = Field(default=False, description="people may write prompts of their own")
    collection: Collection | None = None
    models: tuple[Model, ...] = ()
    orders: tuple[Order, ...] = Field(default=(), description="waiting and running")
    headshot_sets: tuple[HeadshotSet, ...] = Field(
        default=(), description="the latest few, and always the one that a pressed button names"
    )
    styles: dict[str, Style] = Field(default={})
    examples: dict[str, str] = Field(
        default={}, description="style name to blob key of an example picture"
    )
    quota: Quota = Quota()
    kept: Kept = Kept()
    stats: Stats | None = None
    other: Other | None = Field(
        default=None, description="whom an admin's command names, where the bot knows them"
    )

    @property
    def chosen_model(self) -> Model | None:
        """The ready model that headshots are made with: the chosen one, else the newest."""
        ready = [model for model in self.models if model.status == "ready"]
        chosen = [model for model in ready if model.is_chosen]
        return (chosen or ready or [None])[-1]

    @property
    def training(self) -> Order | None:
        return next((order for order in self.orders if order.kind == "training"), None)
