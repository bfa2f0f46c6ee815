"""Looks at a training: what is drawn, what is shown, and what it is worth."""

from collections.abc import Generator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PIL import Image

from engine.generation.ranking import Look
from engine.gpu import looks
from engine.gpu.critics import Critics
from engine.gpu.judge import Judge
from engine.gpu.looks import Looker
from engine.models import catalogue
from engine.models.base import ImageModel
from engine.training.loop import Score

T = TypeVar("T")


class Says(Judge):
    """Judges by a list, and remembers what it was shown."""

    def __init__(self, *found: float | None) -> None:
        super().__init__([])
        self._found = list(found)
        self.seen: list[Image.Image] = []

    def likeness(self, image: Image.Image) -> float | None:
        self.seen.append(image)
        return self._found.pop(0)


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> ImageModel:
    return catalogue.load(str(tiny_base), "cpu")


def finish(work: Generator[None, None, T]) -> tuple[T, int]:
    """What it returns, and after how many turns."""
    turns = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value, turns
        turns += 1


def test_the_best_picture_is_shown_and_all_are_judged(model: ImageModel) -> None:
    judge = Says(0.2, None, 0.8, 0.6, 0.4, 0.0)
    shown: list[tuple[int, Image.Image]] = []
    looker = Looker(
        model, judge, "TOK", "person", 7, lambda step, picture: shown.append((step, picture))
    )

    score, turns = finish(looker.look(40, model.lora.zeros()))

    assert shown == [(40, judge.seen[2])]
    assert score.likeness == 0.4
    assert score.others["bleed"] == 0.2
    assert 0 < score.others["variety"] < 1
    value = 0.4 - 0.25 * 0.2 + 0.1 * score.others["variety"]
    assert score.value == pytest.approx(value, abs=1e-4)
    steps = model.facts.num_inference_steps
    assert turns == 6 * steps + 6 + 1, "others have their turn after each step and each picture"
    assert {picture.size for picture in judge.seen} == {(64, 64)}


def test_where_the_person_is_not_seen_nothing_bleeds(model: ImageModel) -> None:
    judge = Says(0.0, None, 0.0, 0.0)
    looker = Looker(model, judge, "TOK", "person", 7)

    score, _ = finish(looker.look(1, model.lora.zeros()))

    assert (score.likeness, score.value, score.others["bleed"]) == (0.0, 0.0, 0.0)
    assert len(judge.seen) == 4


def test_each_look_is_at_the_same_pictures(model: ImageModel) -> None:
    judge = Says(*[0.5] * 12)
    looker = Looker(model, judge, "TOK", "person", 7)

    for step in (1, 2):
        finish(looker.look(step, model.lora.zeros()))

    first, second = judge.seen[:6], judge.seen[6:]
    assert [a.tobytes() for a in first] == [b.tobytes() for b in second]
    assert first[0].tobytes() != first[1].tobytes()


def test_critics_look_while_the_next_pictures_are_drawn(model: ImageModel) -> None:
    events: list[str] = []

    class Noted(Future[Look]):
        def exception(self, timeout: float | None = None) -> BaseException | None:
            events.append("heard")
            return super().exception(timeout)

    class Room(Executor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
            events.append("asked")
            seen = Noted()
            seen.set_result(Look(1, likeness=0.5))
            return seen

    judge = Judge([[0.0] * 128], critics=Critics(Room()))
    score, _ = finish(Looker(model, judge, "TOK", "person", 7).look(1, model.lora.zeros()))

    assert score.likeness == score.others["bleed"] == 0.5
    assert events == ["asked"] * 4 + ["heard"] + ["asked"] * 2 + ["heard"] * 6


def test_prompts_with_and_without_the_trigger(model: ImageModel) -> None:
    read: list[str] = []
    encode = model.encode_text

    class Listening:
        def __getattr__(self, name: str) -> object:
            return getattr(model, name)

        def encode_text(self, texts: list[str]) -> object:
            read.extend(texts)
            return encode(texts)

    looker = Looker(Listening(), Says(*[0.5] * 6), "TOK", "person", 7)  # pyright: ignore[reportArgumentType]
    looker.prepare()
    finish(looker.look(1, model.lora.zeros()))

    assert len(read) == 6, "and not again at each look"
    with_trigger = [text for text in read if "TOK person" in text]
    assert len(with_trigger) == len(set(with_trigger)) == 4
    assert [text.replace("a person", "TOK person") for text in read[4:]] == with_trigger[:2]


def test_large_bases_draw_small_looks(model: ImageModel) -> None:
    assert looks.size(model) == (64, 64)
    for native, side in {1024: 512, 520: 512, 300: 288}.items():
        facts = model.facts.model_copy(update={"native_px": native})
        assert looks.size(_with(facts)) == (side, side)


def _with(facts: object) -> ImageModel:
    class Known:
        pass

    known = Known()
    known.facts = facts  # pyright: ignore[reportAttributeAccessIssue]
    return known  # pyright: ignore[reportReturnType]


def test_likeness_outweighs_what_else_is_seen() -> None:
    likelier = looks.worth([0.8], [0.2], 0.1)
    purer = looks.worth([0.7], [0.0], 0.1)
    livelier = looks.worth([0.7], [0.0], 0.3)

    assert likelier.value > purer.value
    assert livelier.value > purer.value
    assert looks.worth([0.6], [0.0], 0.3).value < looks.worth([0.8], [0.6], 0.3).value
    assert isinstance(purer, Score)
