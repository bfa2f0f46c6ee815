"""Where a person stands in the conversation. One row a person; knows nothing else of them.

That photos are being collected is not kept here: an open collection tells it.
"""

from enum import StrEnum

from pydantic import Field

from engine.contract.base import Frozen
from engine.contract.jobs import Quality


class State(StrEnum):
    IDLE = "idle"
    CONFIRMING_FORGET = "confirming_forget"
    RENAMING = "renaming"


class Session(Frozen):
    """Frozen: `Reply.session` is the one to save."""

    state: State = State.IDLE
    model_id: str = Field(default="", description="the model being renamed")
    start_when_checked: bool = Field(
        default=False, description="Start was pressed while photos were still being checked"
    )
    quality: Quality | None = Field(default=None, description="asked for with /train")
    locale: str = Field(default="", description="chosen in /settings; empty follows the platform")
