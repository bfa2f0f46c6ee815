"""Whose step comes next on the GPU. Pure: knows tasks and turns, no model and no clock.

A task is an iterator of steps; between any two steps another task may have its turn. Whoever waits
for a picture goes first, in the order of arrival; trainings run one after the other. All policy is
in `choose`, which sees every task with its owner and the time it has had.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.contract.events import HeadshotsMade, LoraTrained
from engine.gpu.messages import Step

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
    spent_s: float = field(default=0.0, compare=False)


def choose(tasks: Sequence[Task]) -> Task:
    """The task whose turn it is, of tasks in the order of their arrival."""
    return next((task for task in tasks if task.kind == "generation"), tasks[0])


class Scheduler:
    """The tasks that are not done yet."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, task: Task) -> None:
        self._tasks.append(task)

    def next(self) -> Task | None:
        return choose(self._tasks) if self._tasks else None

    def remove(self, task_id: str, *, save: bool = False) -> Task | None:
        """Takes a task out and lets its steps free what they hold. None when it is not here."""
        task = next((task for task in self._tasks if task.task_id == task_id), None)
        if task is not None:
            self._tasks.remove(task)
            if save:
                task.save()
            task.steps.close()
        return task
