"""What a button means, and the short string that carries the meaning through a chat platform.

A button outlives restarts and releases: codes of verbs are never reused or renamed. A string is
at most 52 bytes, within Telegram's 64 and Discord's 100. Rows are named by the first
`SHORT_ID_LENGTH` characters of their ids; they are looked up among the presser's own rows only,
so a foreign button finds nothing.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol, TypeVar

from pydantic import Field

from engine.contract.base import Frozen

SHORT_ID_LENGTH = 12
MAX_ACTION_BYTES = 52


class Verb(StrEnum):
    """What to do. Comments name what `id` and `argument` hold."""

    COMMAND = "do"  # argument: name of a command
    NEW_TRAINING = "new"
    # photos
    SHOW_COLLECTION = "photos"  # id: collection
    START_TRAINING = "train"  # id: collection
    ADD_PHOTOS = "add"  # id: collection; opens a form where the platform has one
    PICK_PHOTO = "pick"  # id: collection; argument: page
    REMOVE_PHOTO = "remove"  # id: collection; argument: number
    START_OVER = "over"  # id: collection
    START_OVER_SURELY = "over!"  # id: collection
    GIVE_UP_PHOTOS = "giveup"  # id: collection
    # headshots
    STYLES = "styles"  # argument: category code, and .page
    HEADSHOT = "shoot"  # id: model or empty; argument: style
    AGAIN = "again"  # id: set
    MORE_LIKE_ME = "like"  # id: set
    OTHER_STYLE = "other"  # id: set
    BACKGROUND = "ground"  # id: set; argument: which, or empty to choose
    CLOTHES = "wear"  # id: set; argument: which, or empty to choose
    FULL_SIZE = "full"  # id: set
    PROFILES = "profile"  # id: set
    ZIP = "zip"  # id: set
    SHARE = "share"  # id: set
    DELETE_SET = "del"  # id: set
    DELETE_SET_SURELY = "del!"  # id: set
    # models
    MODEL = "model"  # id: model
    CHOOSE_MODEL = "choose"  # id: model
    RENAME_MODEL = "rename"  # id: model
    RETRAIN_MODEL = "renew"  # id: model
    DELETE_MODEL = "drop"  # id: model
    DELETE_MODEL_SURELY = "drop!"  # id: model
    # orders and data
    CANCEL_ORDER = "cancel"  # id: order
    FORGET = "forget"
    FORGET_SURELY = "forget!"
    EXPORT = "export"
    LANGUAGE = "lang"  # argument: language code, or empty for the platform's
    PAUSE = "pause"  # an admin's; argument: on or off
    KEEP = "keep"  # the "no" of every question


class Action(Frozen):
    """A verb with the row it is about and one argument."""

    verb: Verb
    id: str = Field(default="", pattern=rf"^[0-9a-z]{{0,{SHORT_ID_LENGTH}}}$")
    argument: str = Field(default="", pattern=r"^[a-z0-9.-]{0,32}$")


class _Row(Protocol):
    @property
    def id(self) -> str: ...


RowT = TypeVar("RowT", bound=_Row)

_WIRE = re.compile(rf"([a-z]+!?):([0-9a-z]{{0,{SHORT_ID_LENGTH}}}):([a-z0-9.-]{{0,32}})")


def encode(action: Action) -> str:
    """`verb:id:argument`, at most MAX_ACTION_BYTES of ASCII."""
    return f"{action.verb}:{action.id}:{action.argument}"


def decode(text: str) -> Action | None:
    """The action, or None for what no release of ours has written."""
    match = _WIRE.fullmatch(text)
    if match is None or match[1] not in _VERBS:
        return None
    return Action(verb=Verb(match[1]), id=match[2], argument=match[3])


_VERBS = frozenset(verb.value for verb in Verb)


def short(row_id: str) -> str:
    """What a button carries of a row's id."""
    return row_id.replace("-", "").lower()[:SHORT_ID_LENGTH]


def find(rows: Iterable[RowT], short_id: str) -> RowT | None:
    """The row that a button names."""
    return next((row for row in rows if short_id and short(row.id) == short_id), None)


def act(verb: Verb, row_id: str = "", argument: str = "") -> Action:
    """An action about a row, by the row's full id."""
    return Action(verb=verb, id=short(row_id), argument=argument)
