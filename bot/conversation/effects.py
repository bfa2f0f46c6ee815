"""What the service must do, in the order given. The conversation itself does nothing.

Some effects change what a card shows. Once all effects of a reply are done, the service loads
the situation afresh and announces what each docstring names; the answer to that is the card.
Doing an effect twice must do it once: buttons are pressed twice.
"""

from typing import Literal

from pydantic import Field

from engine.contract.base import Frozen
from engine.contract.jobs import Quality
from engine.contract.styles import Aspect


class OpenCollection(Frozen):
    """Opens a collection unless one is open. Then announce CollectionChanged.

    With `refreshes` it begins with the photos that the model was trained on, and an open
    collection of another kind is put in its place.
    """

    refreshes: str | None = None


class AddPhotos(Frozen):
    """Puts stored photos into the open collection, gives them numbers and has them checked.

    Then announce CollectionChanged once, and PhotoJudged as verdicts come.
    """

    photos: tuple[str, ...]


class DiscardPhotos(Frozen):
    """Deletes stored photos that found no place, unless something else needs them."""

    photos: tuple[str, ...]


class RemovePhoto(Frozen):
    """Then announce CollectionChanged."""

    collection_id: str
    number: int


class ClearCollection(Frozen):
    """Removes all photos; the collection stays open. Then announce CollectionChanged."""

    collection_id: str


class CloseCollection(Frozen):
    """Gives up the collection and deletes its photos, unless a model needs them."""

    collection_id: str


class ShowCollection(Frozen):
    """Changes nothing: announce CollectionChanged, at the foot of the chat."""

    collection_id: str


class StartTraining(Frozen):
    """Trains with the accepted photos and closes the collection. Then announce OrderQueued."""

    collection_id: str
    name: str
    quality: Quality
    refresh_from: str | None = Field(default=None, description="id of the model to go on from")


class Generate(Frozen):
    """Then announce OrderQueued."""

    model_id: str
    style: str
    count: int
    seed: int | None = Field(default=None, description="None: a new one")
    exact: bool = Field(default=False, description="that very seed, not the best of some")
    strength: float = 1.0
    prompt: str | None = None
    aspect: Aspect | None = Field(default=None, description="None: the style's own")
    background: str = Field(default="", description="in the prompt's words; empty: the style's own")
    clothes: tuple[str, ...] = Field(default=(), description="variants; none: the style's own")


class CancelOrder(Frozen):
    """Announce JobCancelled when it has really ended."""

    order_id: str


class ChooseModel(Frozen):
    model_id: str


class RenameModel(Frozen):
    model_id: str
    name: str


class DeleteModel(Frozen):
    """With its LoRA, its checkpoints and photos that nothing else needs."""

    model_id: str


class DeleteHeadshots(Frozen):
    set_id: str


class HandOver(Frozen):
    """Looks for the cuts of a set, or packs all of its files. Announce FilesReady."""

    set_id: str
    what: Literal["profiles", "zip"]


class EraseEverything(Frozen):
    """All of the person, with what runs for them. Announce EverythingErased when it is gone."""


class ExportEverything(Frozen):
    """Packs photos, models and headshots. Announce ExportReady."""


class SetPaused(Frozen):
    """An admin stops or allows new work for everybody."""

    paused: bool


class SetAccess(Frozen):
    """An admin keeps somebody from ordering, or lets them again."""

    person: str = Field(description="platform:user id")
    banned: bool


class SetQuota(Frozen):
    """An admin gives somebody limits of their own; None: as for everybody."""

    person: str
    headshots_per_day: int | None = None
    trainings_per_day: int | None = None


Effect = (
    OpenCollection
    | AddPhotos
    | DiscardPhotos
    | RemovePhoto
    | ClearCollection
    | CloseCollection
    | ShowCollection
    | StartTraining
    | Generate
    | CancelOrder
    | ChooseModel
    | RenameModel
    | DeleteModel
    | DeleteHeadshots
    | HandOver
    | EraseEverything
    | ExportEverything
    | SetPaused
    | SetAccess
    | SetQuota
)
