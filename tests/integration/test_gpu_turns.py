"""People who take turns on one tiny FLUX: what each gets is what they would have got alone."""

import json
import random
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from io import BytesIO
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from person import headshots, photo_sha256, train
from PIL import Image, ImageDraw

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.jobs import GenerateHeadshots, TrainLora
from engine.contract.manifests import DatasetManifest, Example, HeadshotsManifest, LoraManifest
from engine.contract.settings import EngineSettings
from engine.generation.ranking import Look
from engine.gpu.critics import Critics
from engine.gpu.generation_task import GenerationTask
from engine.gpu.messages import Progressed, Run
from engine.gpu.rooms import ModelRooms
from engine.gpu.scheduler import Scheduler, Task
from engine.models import lora_file

STEPS = 8
NOBODY_STOPS = lambda: False  # noqa: E731


class Glance(Executor):
    """A critic who likes red, and takes no time for it."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        seen: Future[Look] = Future()
        seen.set_result(Look(1, likeness=float(args[0].resize((1, 1)).getpixel((0, 0))[0]) / 255))
        return seen


class Opinions(Executor):
    """A critic whose likenesses are known beforehand; pictures wait for him until he is asked."""

    def __init__(self, *likenesses: float) -> None:
        self._left = list(likenesses)
        self._asked: list[Future[Look]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._asked.append(Future())
        return self._asked[-1]

    def answer(self) -> None:
        for asked in self._asked:
            asked.set_result(Look(1, likeness=self._left.pop(0)))
        self._asked.clear()


class House:
    """Rooms, blobs and a scheduler, played by hand."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.blobs = Blobs.from_url(f"file://{folder}")
        settings = EngineSettings(
            redis_url="unix:///nowhere",
            blobs_url=f"file://{folder}",
            work_dir=folder / "work",
            base=str(base),
            device="cpu",
            steps=STEPS,
            checkpoint_every_s=1000,
        )
        self.rooms = ModelRooms(settings, Critics(Glance()))
        self.scheduler = Scheduler()
        self.losses: list[float | None] = []
        self.turns: list[str] = []
        self.saved = b""

    def add(self, job: TrainLora | GenerateHeadshots) -> Task:
        task = self.rooms.task(Run(task_id=job.queue_id, job=job), NOBODY_STOPS)
        self.scheduler.add(task)
        return task

    def play(self, between: Callable[[str], None] = lambda task_id: None) -> None:
        """Until nobody is left; `between` any two steps somebody may come or go."""
        while len(self.scheduler):
            task = self.scheduler.next()
            if task is not None:
                self._turn(task)
                between(task.task_id)

    def _turn(self, task: Task) -> None:
        self.turns.append(task.task_id)
        try:
            told = next(task.steps)
        except StopIteration:
            self.scheduler.remove(task.task_id)
            return
        if task.kind == "training" and isinstance(told, Progressed):
            if told.phase == "training":
                self.losses.append(told.loss)
            if told.phase == "saving":
                task.save()
        self.scheduler.spend(task, 0.1)

    def prepare(self, job: TrainLora) -> TrainLora:
        """As photos and dataset are left by the rooms before."""
        prefix = keys.dataset(job.owner, job.job_id)
        examples: list[Example] = []
        for number in range(3):
            image = Image.new("RGB", (64, 64), (60 * number, 120, 200))
            ImageDraw.Draw(image).ellipse((16, 8, 48, 56), fill=(220, 170, 140))
            file = BytesIO()
            image.save(file, "PNG")
            self.blobs.put_sync(f"{prefix}{number}.png", file.getvalue())
            examples.append(
                Example(
                    key=f"{prefix}{number}.png",
                    photo_sha256=photo_sha256(number),
                    view="face",
                    width_px=64,
                    height_px=64,
                    caption=f"photo of TOK person, wall {number}",
                    plain_caption=f"photo of a person, wall {number}",
                )
            )
        manifest = DatasetManifest(trigger="TOK", class_word="person", examples=tuple(examples))
        self.blobs.put_sync(prefix + keys.DATASET, manifest.model_dump_json().encode())
        for ref in job.photos:
            report = json.dumps({"sha256": ref.report_key.rpartition("/")[2].removesuffix(".json")})
            self.blobs.put_sync(ref.report_key, report.encode())
        return job

    def give_lora(self, owner: str, seed: int) -> TrainLora:
        """Somebody's finished LoRA, loud enough to be seen."""
        lora = train(f"lora-{owner}", owner)
        model = self.rooms._load()
        weights = torch.randn(model.lora.num_weights, generator=torch.Generator().manual_seed(seed))
        prefix = keys.lora(owner, lora.job_id)
        data = lora_file.write(model.lora, weights * 0.1, model.facts.name)
        manifest = LoraManifest(
            job_id=lora.job_id,
            base=model.facts.name,
            family=model.facts.family,
            trigger="TOK",
            class_word="person",
            rank=model.lora.rank,
        )
        self.blobs.put_sync(prefix + keys.LORA, data)
        self.blobs.put_sync(prefix + keys.MANIFEST, manifest.model_dump_json().encode())
        return lora

    def pictures(self, job: GenerateHeadshots) -> dict[int, bytes]:
        """Pixels by seed, as they were stored."""
        prefix = keys.headshots(job.owner, job.job_id)
        made = HeadshotsManifest.model_validate_json(self.blobs.get_sync(prefix + keys.MANIFEST))
        return {
            shot.seed: Image.open(BytesIO(self.blobs.get_sync(shot.key))).tobytes()
            for shot in made.headshots
        }

    def learned(self, job: TrainLora) -> dict[str, torch.Tensor]:
        """The LoRA, and the last state: its moments are made of all gradients there were."""
        prefix = keys.lora(job.owner, job.job_id)
        tensors = safetensors.torch.load(self.blobs.get_sync(prefix + keys.LORA))
        (bundle,) = self.blobs.list_sync(keys.checkpoints(job.owner, job.job_id))
        return tensors | safetensors.torch.load(self.blobs.get_sync(bundle))


@pytest.fixture
def alone(tmp_path: Path, tiny_base: Path) -> House:
    return House(tmp_path / "alone", tiny_base)


@pytest.fixture
def shared(tmp_path: Path, tiny_base: Path) -> House:
    return House(tmp_path / "shared", tiny_base)


def wish(house: House, owner: str, number: int, **changes: object) -> GenerateHeadshots:
    job = headshots(f"shots-{owner}-{number}", house.give_lora(owner, seed=len(owner)), count=2)
    return job.model_copy(update={"seed": 100 + number, **changes})


@pytest.mark.parametrize("day", [1, 2])
def test_nobody_notices_that_they_shared(alone: House, shared: House, day: int) -> None:
    """A training and requests of three people, one of whom goes away in the middle."""
    training = train("lora", "ann")
    alone.add(alone.prepare(training))
    alone.play()
    kinds = [("bob", 1.0), ("caroline", 1.3), ("ann", 0.6), ("bob", 1.15)]
    for number, (owner, strength) in enumerate(kinds):
        alone.add(wish(alone, owner, number, strength=strength))
        alone.play()

    dice = random.Random(day)
    shared.add(shared.prepare(training))
    coming = [
        wish(shared, owner, n, strength=strength) for n, (owner, strength) in enumerate(kinds)
    ]
    leaves = wish(shared, "dan", 9)
    waiting = [*coming, leaves]
    dice.shuffle(waiting)

    def between(task_id: str) -> None:
        if waiting and dice.random() < 0.25:
            shared.add(waiting.pop())
        elif task_id == leaves.queue_id and shared.turns.count(task_id) > 3:
            shared.scheduler.remove(task_id)

    shared.play(between)

    assert shared.losses == alone.losses
    ours, theirs = shared.learned(training), alone.learned(training)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    for job in coming:
        assert shared.pictures(job) == alone.pictures(job)
    assert shared.turns.count(leaves.queue_id) > 3
    assert shared.blobs.list_sync(keys.headshots("dan", leaves.job_id)) == []
    own = [i for i, who in enumerate(shared.turns) if who == training.queue_id]
    assert any(later - earlier > 1 for earlier, later in pairwise(own))


def test_other_people_are_other_pictures(alone: House) -> None:
    """Or the test above would say nothing."""
    jobs = [wish(alone, "bob", 1), wish(alone, "caroline", 1), wish(alone, "bob", 1, strength=0.5)]
    jobs[2] = jobs[2].model_copy(update={"job_id": "weaker"})
    for job in jobs:
        alone.add(job)
    alone.play()
    assert len({json.dumps(sorted(map(str, alone.pictures(job).values()))) for job in jobs}) == 3


def test_a_request_waits_for_one_step_however_long_a_look_is(shared: House) -> None:
    shared.add(shared.prepare(train("lora", "ann")))
    request = wish(shared, "bob", 1)
    waited: list[int] = []

    def between(task_id: str) -> None:
        if task_id.startswith("lora") and "shots-bob-1:1" not in shared.turns:
            looking.append(shared.turns.count(task_id))
        if len(looking) == STEPS + 3:
            shared.add(request)
            waited.append(len(shared.turns))
            looking.append(0)

    looking: list[int] = []
    shared.play(between)
    assert shared.turns[waited[0]] == request.queue_id


def test_a_seed_asked_for_again_is_the_same_picture(alone: House) -> None:
    first = wish(alone, "bob", 1, count=3)
    alone.add(first)
    alone.play()
    shown = alone.pictures(first)
    for number, seed in enumerate(shown):
        again = first.model_copy(
            update={"job_id": f"again-{number}", "seed": seed, "count": 1, "exact": True}
        )
        alone.add(again)
        alone.play()
        assert alone.pictures(again) == {seed: shown[seed]}


def test_a_slow_processor_draws_fewer_to_choose_from(alone: House) -> None:
    """A picture of four steps takes ten seconds, so two more fit into twenty."""
    job = wish(alone, "bob", 1, count=4)
    seconds = count(step=2.5)
    task = GenerationTask(
        job.queue_id,
        job,
        alone.rooms._load,
        alone.blobs,
        Critics(Glance()),
        ThreadPoolExecutor(1),
        choice=2.0,
        clock=lambda: next(seconds),
    )
    told = [each for each in task.steps() if isinstance(each, Progressed)]
    prefix = keys.headshots(job.owner, job.job_id)
    made = HeadshotsManifest.model_validate_json(alone.blobs.get_sync(prefix + keys.MANIFEST))
    drawing = [(each.step, each.total) for each in told if each.phase == "generating"]
    assert (len(made.headshots), made.num_drawn) == (4, 6)
    assert (drawing[0], drawing[-1]) == ((1, 8 * 4), (6 * 4, 6 * 4))


def drawn_of(alone: House, *likenesses: float) -> tuple[list[float | None], int]:
    """Likenesses of the two that are shown, and how many were drawn for them, by a critic who
    finds these ones the pictures' in turn.
    """
    job = wish(alone, "bob", 1, count=2)
    critic = Opinions(*likenesses)
    hands = ThreadPoolExecutor(1)
    task = GenerationTask(
        job.queue_id, job, alone.rooms._load, alone.blobs, Critics(critic), hands, choice=2.0
    )
    for _ in task.steps():
        if task.next_step() == "waits":
            critic.answer()
    hands.shutdown()
    prefix = keys.headshots(job.owner, job.job_id)
    made = HeadshotsManifest.model_validate_json(alone.blobs.get_sync(prefix + keys.MANIFEST))
    return [shot.likeness for shot in made.headshots], made.num_drawn


def test_twice_as_many_are_drawn_when_enough_of_them_are_good(alone: House) -> None:
    assert drawn_of(alone, 0.5, 0.9, 0.5, 0.85) == ([0.9, 0.85], 4)


def test_more_are_drawn_until_enough_are_good(alone: House) -> None:
    assert drawn_of(alone, 0.5, 0.9, 0.5, 0.5, 0.85) == ([0.9, 0.85], 5)


def test_drawing_more_has_an_end(alone: House) -> None:
    assert drawn_of(alone, 0.5, 0.9, 0.5, 0.6, 0.5, 0.5) == ([0.9, 0.6], 6)


def test_a_task_computes_waits_and_ends_as_its_pictures_are_judged(alone: House) -> None:
    """Whoever plans turns knows each time what the next step will be."""
    job = wish(alone, "bob", 1, count=1)
    critic = Opinions(0.5, 0.5, 0.9)
    hands = ThreadPoolExecutor(1)
    task = GenerationTask(
        job.queue_id, job, alone.rooms._load, alone.blobs, Critics(critic), hands, choice=2.0
    )
    seen: list[str] = []
    for _ in task.steps():
        seen.append(task.next_step())
        if seen[-1] == "waits" and "ends" not in seen:
            critic.answer()
            seen.append(task.next_step())
    hands.shutdown()
    computing = seen.index("waits")
    assert set(seen[:computing]) == {"computes"}
    assert seen[computing : computing + 2] == ["waits", "computes"]
    assert [word for word in seen[computing + 2 :] if word != "computes"][:2] == ["waits", "ends"]


def test_more_are_drawn_than_shown_and_only_the_shown_are_kept(alone: House) -> None:
    job = wish(alone, "bob", 1, count=2)
    alone.add(job)
    alone.play()
    prefix = keys.headshots(job.owner, job.job_id)
    made = HeadshotsManifest.model_validate_json(alone.blobs.get_sync(prefix + keys.MANIFEST))
    assert len(made.headshots) == 2
    assert 2 <= len(made.passed_over) <= 4
    assert len({shot.seed for shot in made.headshots + made.passed_over}) == made.num_drawn
    numbered = [key for key in alone.blobs.list_sync(prefix) if key[-6:-4].isdecimal()]
    assert numbered == [f"{prefix}01.jpg", f"{prefix}02.jpg"]
