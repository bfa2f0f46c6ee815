"""Turns on the GPU, without a GPU and without a clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.contract.events import HeadshotsMade
from engine.gpu.messages import Progressed
from engine.gpu.scheduler import (
    BURST_S,
    QUANTUM_S,
    Outcome,
    Scheduler,
    Standing,
    Steps,
    Task,
    choose,
)


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


@dataclass
class Day:
    """Tasks that come when they come, and a clock that only turns move."""

    share: float = 0.3
    now_s: float = 0.0
    turns: list[tuple[str, float]] = field(default_factory=list)
    ended_s: dict[str, float] = field(default_factory=dict)
    left_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.share)

    def ask(self, name: str, seconds: float, owner: str = "ann", kind: str = "generation") -> None:
        self.left_s[name] = seconds
        steps = Script(name, 10**9).steps()
        self.scheduler.add(Task(name, kind, owner, steps))  # pyright: ignore[reportArgumentType]

    def train(self, seconds: float, name: str = "lora", owner: str = "tom") -> None:
        self.ask(name, seconds, owner, "training")

    def pass_time(self, until_s: float = float("inf"), step_s: float = 0.5) -> None:
        """Gives turns until then, or until nobody is left."""
        while self.now_s < until_s and (task := self.scheduler.next()) is not None:
            name, seconds = task.task_id, min(step_s, self.left_s[task.task_id])
            self.now_s += seconds
            self.left_s[name] -= seconds
            self.turns.append((name, seconds))
            self.scheduler.spend(task, seconds)
            if self.left_s[name] <= 1e-9:
                self.ended_s[name] = self.now_s
                self.scheduler.remove(name)

    def had_s(self, name: str) -> float:
        return sum(seconds for who, seconds in self.turns if who.startswith(name))

    def in_a_row(self) -> list[str]:
        return [name for name, _ in groupby(name for name, _ in self.turns)]


def test_a_request_that_comes_alone_waits_for_one_step_and_for_nothing_else() -> None:
    day = Day()
    day.train(10_000)
    day.pass_time(60)
    day.ask("pictures", 20)
    day.pass_time(60 + 20)
    assert day.ended_s["pictures"] == 80


def test_requests_without_end_leave_a_training_its_share() -> None:
    day = Day()
    day.train(10_000)
    day.pass_time(60)
    for number in range(200):
        day.ask(f"picture {number}", 10, owner=f"user{number % 7}")
    day.turns.clear()
    day.pass_time(60 + BURST_S)
    assert day.had_s("lora") <= 0.5
    day.turns.clear()
    day.pass_time(60 + BURST_S + 1000)
    assert abs(day.had_s("lora") - 300) < 2


def test_a_training_that_begins_in_a_flood_does_not_wait_for_its_share() -> None:
    day = Day()
    for number in range(50):
        day.ask(f"picture {number}", 10)
    day.pass_time(BURST_S)
    day.train(1000)
    day.turns.clear()
    day.pass_time(BURST_S + 100)
    assert abs(day.had_s("lora") - 30) < 2


def test_requests_soon_after_a_training_began_are_as_fast_as_any() -> None:
    day = Day()
    day.ask("long ago", 10 * BURST_S)
    day.pass_time()
    day.train(10_000)
    day.pass_time(day.now_s + 2)
    for number in range(4):
        asked_s = day.now_s
        day.ask(f"pictures {number}", 20)
        day.pass_time(asked_s + 20)
        assert day.ended_s[f"pictures {number}"] == asked_s + 20
        day.pass_time(day.now_s + 1)


def test_the_first_of_one_does_not_wait_for_the_ten_of_another() -> None:
    day = Day()
    for number in range(10):
        day.ask(f"ann {number}", 10, owner="ann")
    day.pass_time(3)
    day.ask("bob", 10, owner="bob")
    day.pass_time()
    assert day.in_a_row()[:3] == ["ann 0", "bob", "ann 1"]
    assert day.ended_s["bob"] == 20


def test_a_request_that_has_begun_is_not_cut_to_pieces() -> None:
    day = Day()
    day.ask("ann", 10, owner="ann")
    day.ask("bob", 10, owner="bob")
    day.pass_time()
    assert day.in_a_row() == ["ann", "bob"]


def test_a_very_long_request_lets_others_in_between() -> None:
    day = Day()
    day.ask("sixteen pictures", 100, owner="ann")
    day.pass_time(1)
    day.ask("one picture", 5, owner="bob")
    day.pass_time()
    assert day.ended_s["one picture"] == QUANTUM_S + 5
    assert day.ended_s["sixteen pictures"] == 105


def test_whoever_comes_back_is_neither_first_nor_last_for_ever() -> None:
    day = Day()
    for number in range(20):
        day.ask(f"ann {number}", 10, owner="ann")
    day.pass_time(100)
    for number in range(20):
        day.ask(f"bob {number}", 10, owner="bob")
    day.turns.clear()
    day.pass_time(200)
    assert 40 <= day.had_s("bob") <= 70


def test_what_waits_for_something_else_holds_nobody_up() -> None:
    waits, other = generation("waits"), generation("other")
    waits.next_step = lambda: "waits"
    assert choose([waits, other], Standing()) is other
    assert choose([waits], Standing()) is None


def test_a_last_step_that_costs_nothing_comes_first() -> None:
    ends = generation("ends")
    ends.next_step = lambda: "ends"
    tasks = [training("lora")[1], generation("other"), ends]
    assert choose(tasks, Standing(owed_s=9, last="other")) is ends


SECONDS = st.floats(0.05, 30)
REQUESTS = st.lists(st.tuples(st.sampled_from("abcd"), SECONDS), max_size=25)


@settings(deadline=None, max_examples=50)
@given(requests=REQUESTS, step_s=st.floats(0.3, 3), share=st.floats(0.05, 0.9))
def test_everybody_is_served(
    requests: Sequence[tuple[str, float]], step_s: float, share: float
) -> None:
    day = Day(share)
    day.train(20)
    for number, (owner, seconds) in enumerate(requests):
        day.ask(f"{owner} {number}", seconds, owner)
    day.train(5, "second lora")
    day.pass_time(step_s=step_s)
    assert len(day.ended_s) == len(requests) + 2
    assert day.ended_s["lora"] < day.ended_s["second lora"]


@settings(deadline=None, max_examples=50)
@example(before_s=0.0, share=0.01, step_s=3.0, window_s=244.0, num_owners=1)
@given(
    before_s=st.floats(0, 300),
    share=st.integers(0, 90).map(lambda percent: percent / 100),
    step_s=st.floats(0.3, 3),
    window_s=st.floats(10, 400),
    num_owners=st.integers(1, 5),
)
def test_the_share_is_kept_in_any_window(
    before_s: float, share: float, step_s: float, window_s: float, num_owners: int
) -> None:
    day = Day(share)
    day.train(10**6)
    day.pass_time(before_s, step_s)
    for number in range(num_owners * 3):
        day.ask(f"picture {number}", 10**6, owner=f"user{number % num_owners}")
    day.turns.clear()
    began_s = day.now_s
    day.pass_time(began_s + window_s, step_s)
    promised_s = share * (day.now_s - began_s)
    assert promised_s - share * BURST_S - step_s <= day.had_s("lora") <= promised_s + step_s


@settings(deadline=None, max_examples=50)
@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=5), seconds=st.floats(1, 12))
def test_requests_of_one_keep_their_order_and_owners_their_turns(
    sizes: Sequence[int], seconds: float
) -> None:
    day = Day()
    for owner, size in enumerate(sizes):
        for number in range(size):
            day.ask(f"{owner} {number}", seconds, owner=str(owner))
    day.pass_time()
    ended = sorted(day.ended_s, key=lambda name: day.ended_s[name])
    for owner, size in enumerate(sizes):
        mine = [name for name in ended if name.startswith(f"{owner} ")]
        assert mine == [f"{owner} {number}" for number in range(size)]
    assert {name.split()[0] for name in ended[: len(sizes)]} == {str(o) for o in range(len(sizes))}
