"""What the engine's worker and its GPU process say to each other, one JSON object a line.

Requests go to the process, replies come back under the id of the task they are about.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from engine.contract.base import Frozen
from engine.contract.events import HeadshotsMade, LoraTrained, Phase
from engine.contract.failures import Failure
from engine.contract.jobs import GenerateHeadshots, TrainLora
from engine.contract.settings import EngineSettings, MemoryTier


class Setup(Frozen):
    """The first request."""

    kind: Literal["setup"] = "setup"
    settings: EngineSettings


class Load(Frozen):
    """Asks what the base is like, and for it to be loaded if it is not yet."""

    kind: Literal["load"] = "load"
    task_id: str


class Run(Frozen):
    kind: Literal["run"] = "run"
    task_id: str
    job: Annotated[TrainLora | GenerateHeadshots, Field(discriminator="kind")]


class Stop(Frozen):
    """Ends a task between two steps; `save` keeps a checkpoint to go on from."""

    kind: Literal["stop"] = "stop"
    task_id: str
    save: bool


Request = Annotated[Setup | Load | Run | Stop, Field(discriminator="kind")]
REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


class Ready(Frozen):
    """The process has torch and a device, and takes tasks."""

    kind: Literal["ready"] = "ready"
    device: str


class Busy(Frozen):
    """The base is still being loaded, or even downloaded: no sign of a hang."""

    kind: Literal["busy"] = "busy"


class Turn(Frozen):
    """The GPU works on this task from now on: who is to blame if the process dies."""

    kind: Literal["turn"] = "turn"
    task_id: str


class Begun(Frozen):
    kind: Literal["begun"] = "begun"
    task_id: str
    resumed_from_step: int = 0


class Progressed(Frozen):
    kind: Literal["progressed"] = "progressed"
    task_id: str
    phase: Phase
    step: int = 0
    total: int = 0
    eta_s: float | None = None
    loss: float | None = None
    likeness: float | None = None


class Previewed(Frozen):
    kind: Literal["previewed"] = "previewed"
    task_id: str
    key: str
    step: int


class Saved(Frozen):
    """A checkpoint lies in the blob store."""

    kind: Literal["saved"] = "saved"
    task_id: str
    step: int


class Loaded(Frozen):
    kind: Literal["loaded"] = "loaded"
    task_id: str
    native_px: int


class Done(Frozen):
    kind: Literal["done"] = "done"
    task_id: str
    result: Annotated[LoraTrained | HeadshotsMade, Field(discriminator="outcome")]


class Broken(Frozen):
    """The task failed. After a fatal fault the process ends: CUDA errors poison it for good."""

    kind: Literal["broken"] = "broken"
    task_id: str
    failure: Failure
    fatal: bool = False


class Lowered(Frozen):
    """Memory ran out, and the process ends: the next one lays the base out for a smaller card."""

    kind: Literal["lowered"] = "lowered"
    memory: MemoryTier


class Stopped(Frozen):
    kind: Literal["stopped"] = "stopped"
    task_id: str


Step = Begun | Progressed | Previewed | Saved
"""What a task tells while it runs."""
Reply = Annotated[
    Ready
    | Busy
    | Turn
    | Lowered
    | Begun
    | Progressed
    | Previewed
    | Saved
    | Loaded
    | Done
    | Broken
    | Stopped,
    Field(discriminator="kind"),
]
REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)
LAST = (Loaded, Done, Broken, Stopped)
"""After one of these a task says nothing more."""
