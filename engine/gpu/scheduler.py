"""Whose step comes next on the GPU. Pure: knows tasks and turns, no model and no clock.

A task is an iterator of steps; between any two steps another task may have its turn. Whoever waits
for a picture goes first, and trainings run one after the other; but while pictures are asked for
without end, trainings keep a share of the time. Among those who wait for pictures it is the turn
of whoever had the least. All policy is in `choose` and `account`; docs/scheduling.md tells why.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from engine.contract.events import HeadshotsMade, LoraTrained
from engine.gpu.messages import Step

QUANTUM_S = 15.0
"""A request that has begun goes on for so long, whoever else waits: changing at every step would
make everybody as late as the last."""
BURST_S = 120.0
"""Of drawing that trainings make room for, whole, when nobody drew before: a request that comes
alone is as fast as on an idle GPU."""

Outcome = HeadshotsMade | LoraTrained

Steps = Generator[Step, None, Outcome]
"""Each step does its work and says what to tell about it; closing it frees what it holds."""


@dataclass
class Task:
    task_id: str
    kind: Literal["generation", "training"]
    owner: str
    steps: Steps
    save: Callable[[], None] = lambda: None
    """Keeps what is done so far, to be called between two steps."""
    next_step: Callable[[], Literal["computes", "waits", "ends"]] = lambda: "computes"
    """What the next step is: work for the GPU, nothing yet (something else is to be ready first),
    or a last one that costs the GPU next to nothing."""
    spent_s: float = field(default=0.0, compare=False)
    """On its steps so far."""


@dataclass(frozen=True)
class Standing:
    """What the turns so far left behind."""

    owed_s: float = 0.0
    """To trainings; below 0 is what may still be drawn before they are owed anything."""
    served_s: Mapping[str, float] = field(default_factory=dict)
    """Drawing time of each owner since requests were last all done."""
    last: str = ""
    """The task that had the last turn, and for how long without a break."""
    last_s: float = 0.0


def choose(tasks: Sequence[Task], standing: Standing) -> Task | None:
    """The task whose turn it is, of tasks in the order of their arrival.

    None when there is nothing to do, or all there is waits for something else.
    """
    ending = next((task for task in tasks if task.next_step() == "ends"), None)
    if ending is not None:
        return ending
    ready = [task for task in tasks if task.next_step() == "computes"]
    requests = [task for task in ready if task.kind == "generation"]
    training = next((task for task in ready if task.kind == "training"), None)
    if not requests or (training is not None and standing.owed_s > 0):
        return training
    begun = next((task for task in requests if task.task_id == standing.last), None)
    if begun is not None and standing.last_s < QUANTUM_S:
        return begun
    return min(requests, key=lambda task: standing.served_s.get(task.owner, 0.0))


def account(
    tasks: Sequence[Task], standing: Standing, had: Task, seconds: float, share: float
) -> Standing:
    """The standing after a turn of `seconds`, taken from among `tasks`."""
    owed_s = standing.owed_s
    if had.kind == "training":
        owed_s -= (1 - share) * seconds
        # A step longer than what was owed is paid back whole; only running alone earns no more.
        if not any(t.kind == "generation" and t.next_step() == "computes" for t in tasks):
            owed_s = max(-share * BURST_S, owed_s)
        return replace(standing, owed_s=owed_s)
    is_wanted = any(task.kind == "training" and task.next_step() == "computes" for task in tasks)
    most_s = float("inf") if is_wanted else max(owed_s, 0.0)
    owed_s = min(owed_s + share * seconds, most_s)
    served_s = {**standing.served_s}
    served_s[had.owner] = served_s.get(had.owner, 0.0) + seconds
    goes_on = had.task_id == standing.last and standing.last_s < QUANTUM_S
    return Standing(owed_s, served_s, had.task_id, seconds + (standing.last_s if goes_on else 0.0))


def join(tasks: Sequence[Task], standing: Standing, newcomer: Task, share: float) -> Standing:
    """The standing when a task comes: on a GPU with nothing to do all of a burst is free again, and
    whoever asks is neither ahead for having been away, nor behind all that others have waiting.
    """
    if not tasks:
        standing = replace(standing, owed_s=-share * BURST_S)
    if newcomer.kind != "generation":
        return standing
    waiting = {task.owner for task in tasks if task.kind == "generation"}
    if not waiting:
        return replace(standing, served_s={})
    if newcomer.owner in waiting:
        return standing
    least = min(standing.served_s.get(owner, 0.0) for owner in waiting)
    own = standing.served_s.get(newcomer.owner, 0.0)
    level = max(own, least - QUANTUM_S)
    return replace(standing, served_s={**standing.served_s, newcomer.owner: level})


class Scheduler:
    """The tasks that are not done yet."""

    def __init__(self, training_share: float = 0.3) -> None:
        self._share = training_share
        self._tasks: list[Task] = []
        self._standing = Standing()

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, task: Task) -> None:
        self._standing = join(self._tasks, self._standing, task, self._share)
        self._tasks.append(task)

    def next(self) -> Task | None:
        return choose(self._tasks, self._standing)

    def spend(self, task: Task, seconds: float) -> None:
        """Tells how long a turn took."""
        task.spent_s += seconds
        self._standing = account(self._tasks, self._standing, task, seconds, self._share)

    def remove(self, task_id: str, *, save: bool = False) -> Task | None:
        """Takes a task out and lets its steps free what they hold. None when it is not here."""
        task = next((task for task in self._tasks if task.task_id == task_id), None)
        if task is not None:
            self._tasks.remove(task)
            if save:
                task.save()
            task.steps.close()
        return task
