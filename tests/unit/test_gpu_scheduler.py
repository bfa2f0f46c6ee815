"""Turns on the GPU, without a GPU."""

from engine.contract.events import HeadshotsMade
from engine.gpu.messages import Progressed
from engine.gpu.scheduler import Outcome, Scheduler, Steps, Task


class Script:
    """Steps that note what happened to them."""

    def __init__(self, name: str, num_steps: int) -> None:
        self.name = name
        self.closed = False
        self.saved_at: int | None = None
        self.step = 0
        self._num_steps = num_steps

    def steps(self) -> Steps:
        try:
            while self.step < self._num_steps:
                self.step += 1
                yield Progressed(task_id=self.name, phase="training", step=self.step)
            return HeadshotsMade(headshots=(), seconds=0)
        finally:
            self.closed = True

    def save(self) -> None:
        self.saved_at = self.step


def training(name: str, num_steps: int = 3) -> tuple[Script, Task]:
    script = Script(name, num_steps)
    return script, Task(name, "training", "ann", script.steps(), script.save)


def generation(name: str, num_steps: int = 2) -> Task:
    return Task(name, "generation", "bob", Script(name, num_steps).steps())


def play(scheduler: Scheduler, max_turns: int = 100) -> list[str]:
    """Who had which turn, until nobody is left."""
    turns: list[str] = []
    while (task := scheduler.next()) is not None and len(turns) < max_turns:
        try:
            next(task.steps)
            turns.append(task.task_id)
        except StopIteration:
            scheduler.remove(task.task_id)
    return turns


def test_trainings_run_one_after_the_other() -> None:
    scheduler = Scheduler()
    scheduler.add(training("first")[1])
    scheduler.add(training("second")[1])
    assert play(scheduler) == ["first"] * 3 + ["second"] * 3


def test_a_picture_goes_between_two_steps_of_a_training() -> None:
    scheduler = Scheduler()
    scheduler.add(training("lora")[1])
    assert play(scheduler, max_turns=1) == ["lora"]
    scheduler.add(generation("picture"))
    scheduler.add(generation("later"))
    assert play(scheduler) == ["picture"] * 2 + ["later"] * 2 + ["lora"] * 2


def test_a_removed_task_is_closed_and_has_no_more_turns() -> None:
    scheduler = Scheduler()
    script, task = training("lora")
    scheduler.add(task)
    play(scheduler, max_turns=1)
    assert scheduler.remove("lora") is task
    assert script.closed
    assert script.saved_at is None
    assert scheduler.next() is None


def test_a_task_is_saved_where_it_stands() -> None:
    scheduler = Scheduler()
    script, task = training("lora")
    scheduler.add(task)
    play(scheduler, max_turns=2)
    scheduler.remove("lora", save=True)
    assert script.saved_at == 2


def test_removing_what_is_not_there_is_no_error() -> None:
    assert Scheduler().remove("nobody") is None


def test_a_task_that_ends_brings_its_outcome() -> None:
    _, task = training("lora", num_steps=0)
    outcome: Outcome | None = None
    try:
        next(task.steps)
    except StopIteration as end:
        outcome = end.value
    assert outcome == HeadshotsMade(headshots=(), seconds=0)
