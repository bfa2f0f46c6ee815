"""The training loop on a tiny FLUX: it learns, it can be left anywhere, it harms nobody."""

from collections.abc import Generator, Iterator, Sequence
from io import BytesIO
from itertools import islice, pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from engine.contract.blobs import Blobs
from engine.contract.failures import EngineError, FailureCode
from engine.contract.manifests import DatasetManifest, Example
from engine.models import catalogue, lora_file
from engine.models.base import ImageModel
from engine.training.checkpoints import Checkpoints
from engine.training.loop import Score, Scorer, StepDone, Trainer
from engine.training.recipe import Recipe, choose

STEPS = 6
RECIPE = choose("standard", 3, 64, steps=STEPS).model_copy(
    update={"batch": 2, "preservation_share": 0.3, "caption_dropout": 0.3}
)


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> ImageModel:
    return catalogue.load(str(tiny_base), "cpu")


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(Blobs.from_url(f"file://{tmp_path}"), "people/a/checkpoints/j/")


def dataset() -> tuple[DatasetManifest, dict[str, bytes]]:
    examples, pictures = [], {}
    for number in range(3):
        image = Image.new("RGB", (64, 64), (200, 30, 60 * number))
        ImageDraw.Draw(image).ellipse((16, 8, 48, 56), fill=(20, 200, 90))
        file = BytesIO()
        image.save(file, "PNG")
        pictures[f"{number}.png"] = file.getvalue()
        examples.append(
            Example(
                key=f"{number}.png",
                photo_sha256=str(number),
                view="face",
                width_px=64,
                height_px=64,
                caption=f"photo of TOK person, wall {number}",
                plain_caption=f"photo of a person, wall {number}",
            )
        )
    manifest = DatasetManifest(trigger="TOK", class_word="person", examples=tuple(examples))
    return manifest, pictures


def trainer(
    model: ImageModel,
    checkpoints: Checkpoints | None = None,
    recipe: Recipe = RECIPE,
    seed: int = 3,
    **options,
) -> Trainer:
    return Trainer(model, *dataset(), recipe, seed, checkpoints, **options)


def training(steps: Iterator[StepDone]) -> Iterator[StepDone]:
    return (step for step in steps if step.phase == "training")


def losses(trainer: Trainer) -> list[float | None]:
    return [step.loss for step in training(trainer.steps())]


def test_it_learns_what_it_is_shown(model: ImageModel) -> None:
    recipe = choose("standard", 3, 64, steps=80)
    learned = losses(trainer(model, recipe=recipe))

    first, last = learned[0], learned[-1]
    assert first is not None
    assert last is not None
    assert last < 0.85 * first


@pytest.mark.parametrize("left_after", [0, 1, 3, STEPS - 1])
def test_a_training_that_was_left_goes_on_as_if_it_had_not_been(
    model: ImageModel, checkpoints: Checkpoints, tiny_base: Path, left_after: int
) -> None:
    whole = trainer(model)
    uninterrupted = losses(whole)

    leaving = trainer(model, checkpoints)
    steps = leaving.steps()
    heard = []
    for step in steps:
        if step.phase == "training":
            heard.append(step.loss)
        if leaving.step == left_after and step.step >= left_after:
            break
    leaving.save()
    another_process = catalogue.load(str(tiny_base), "cpu")
    coming_back = trainer(another_process, checkpoints)

    assert coming_back.resumed_from_step == left_after == len(heard)
    assert heard + losses(coming_back) == uninterrupted
    assert coming_back.lora() == whole.lora()
    assert coming_back.losses == whole.losses


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(leaving=st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=4))
def test_however_often_it_is_left_the_losses_are_the_same(
    model: ImageModel, tmp_path_factory: pytest.TempPathFactory, leaving: list[tuple[int, bool]]
) -> None:
    """Left after some of its turns, also in the middle of encoding or of a look; sometimes killed,
    so that all since the last checkpoint is lost.
    """
    folder = tmp_path_factory.mktemp("left")
    checkpoints = Checkpoints(Blobs.from_url(f"file://{folder}"), "people/a/checkpoints/j/")
    recipe = RECIPE.model_copy(update={"looks": 3, "patience": 0})
    whole = trainer(model, recipe=recipe, scorer=norm)
    uninterrupted = losses(whole)
    heard: dict[int, float | None] = {}
    running = whole

    for turns, is_killed in [*leaving, (10_000, False)]:
        running = trainer(model, checkpoints, recipe, scorer=norm)
        for step in islice(running.steps(), turns):
            if step.phase == "training":
                heard[step.step] = step.loss
                if step.step % 2 == 0:
                    running.save()
        if not is_killed:
            running.save()

    assert list(heard.values()) == uninterrupted
    assert running.lora() == whole.lora()
    assert running.scores == whole.scores
    assert running.losses == whole.losses


def norm(step: int, weights: torch.Tensor) -> Generator[None, None, Score]:
    yield
    value = float(weights.norm()) % 1
    return Score(value, value)


def test_it_goes_on_from_the_checkpoint_before_a_damaged_one(
    model: ImageModel, tmp_path: Path
) -> None:
    blobs = Blobs.from_url(f"file://{tmp_path}")
    checkpoints = Checkpoints(blobs, "people/a/checkpoints/j/")
    leaving = trainer(model, checkpoints)
    for _ in training(leaving.steps()):
        leaving.save()
    newest = blobs.list_sync("people/a/checkpoints/j/")[-1]
    blobs.put_sync(newest, blobs.get_sync(newest)[:-7])

    coming_back = trainer(model, checkpoints)
    losses(coming_back)

    assert coming_back.resumed_from_step == STEPS - 1
    assert coming_back.lora() == leaving.lora()


@pytest.mark.parametrize(
    "change", [{"seed": 4}, {"recipe": RECIPE.model_copy(update={"steps": 9})}]
)
def test_a_checkpoint_of_other_inputs_is_not_taken_up(
    model: ImageModel, checkpoints: Checkpoints, change: dict
) -> None:
    earlier = trainer(model, checkpoints)
    losses(earlier)
    earlier.save()

    assert trainer(model, checkpoints, **change).resumed_from_step == 0


def test_others_who_draw_between_steps_change_nothing(model: ImageModel) -> None:
    alone = trainer(model)
    expected = losses(alone)
    stranger = torch.full((model.lora.num_weights,), 0.1)
    text = model.encode_text(["photo of a stranger"])

    disturbed = trainer(model)
    found = []
    for step in disturbed.steps():
        model.lora.seat(stranger, strength=0.6)
        with torch.no_grad():
            model.predict(torch.ones(1, 16, 8, 8), torch.ones(1), text, 2.5)
        if step.phase == "training":
            found.append(step.loss)

    assert found == expected
    assert disturbed.lora() == alone.lora()


def test_the_average_is_what_is_kept(model: ImageModel) -> None:
    done = trainer(model)
    losses(done)

    kept = lora_file.read(done.lora(), model.lora, model.facts.name)

    last = done._state.weights.detach()
    assert torch.equal(kept, done.weights)
    assert not torch.allclose(kept, last)
    assert torch.linalg.norm(kept) > 0


def test_preservation_alone_keeps_the_base_as_it_was(model: ImageModel) -> None:
    recipe = RECIPE.model_copy(update={"preservation_share": 0.999})

    assert all(loss < 1e-9 for loss in losses(trainer(model, recipe=recipe)) if loss is not None)


def test_preserving_steps_count_as_much_as_the_recipe_says(model: ImageModel) -> None:
    learned = trainer(model)
    losses(learned)

    def first(weight: float) -> float | None:
        changes = {"preservation_share": 0.999, "preservation_weight": weight}
        recipe = RECIPE.model_copy(update=changes)
        return losses(trainer(model, recipe=recipe, start_from=learned.lora()))[0]

    once = first(1.0)
    assert once
    assert first(5.0) == pytest.approx(5 * once)


@pytest.mark.parametrize("learns", [True, False])
def test_layers_that_know_no_token_are_learned_if_the_recipe_says_so(
    model: ImageModel, learns: bool
) -> None:
    recipe = RECIPE.model_copy(update={"learns_modulations": learns})
    learning = trainer(model, recipe=recipe)
    losses(learning)

    learned = {module for module, (_, b) in model.lora.unpack(learning.weights).items() if b.any()}
    slots = {slot.module for slot in model.lora.slots}
    assert model.modulations < slots
    assert learned == (slots if learns else slots - model.modulations)
    kept = lora_file.read(learning.lora(), model.lora, model.facts.name)
    for module, (_, b) in model.lora.unpack(kept).items():
        assert b.any() == (module in learned)


def test_another_seed_is_another_training(model: ImageModel) -> None:
    assert losses(trainer(model, seed=3)) != losses(trainer(model, seed=4))


def test_a_refresh_begins_where_the_earlier_training_ended(model: ImageModel) -> None:
    earlier = trainer(model)
    losses(earlier)

    later = trainer(model, start_from=earlier.lora())

    assert torch.equal(later.weights, earlier.weights)
    losses(later)
    assert not torch.equal(later.weights, earlier.weights)


def test_progress_has_steps_loss_and_time_left(model: ImageModel) -> None:
    seconds = iter(range(1000))
    told = list(trainer(model, clock=lambda: float(next(seconds))).steps())

    encoding = [step for step in told if step.phase == "encoding"]
    steps = [step for step in told if step.phase == "training"]
    assert [step.step for step in encoding] == list(range(1, encoding[0].total + 1))
    assert [step.step for step in steps] == list(range(1, STEPS + 1))
    assert [step.eta_s for step in steps] == [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]
    assert all(step.loss is not None and step.total == STEPS for step in steps)


def test_the_weights_that_score_best_are_kept(model: ImageModel, checkpoints: Checkpoints) -> None:
    likeness = {2: 0.4, 4: 0.9, 6: 0.2}
    seen: dict[int, torch.Tensor] = {}

    def score(step: int, weights: torch.Tensor) -> Generator[None, None, Score]:
        yield
        seen[step] = weights
        return Score(likeness[step], likeness[step] - 0.1, {"bleed": 0.1})

    recipe = RECIPE.model_copy(update={"looks": 3, "patience": 0})
    scored = trainer(model, checkpoints, recipe, scorer=score)
    told = [step.score.likeness for step in scored.steps() if step.score is not None]
    scored.save()

    assert told == [0.4, 0.9, 0.2]
    for each in (scored, trainer(model, checkpoints, recipe)):
        assert (each.best_step, each.step, each.total) == (4, STEPS, STEPS)
        kept = lora_file.read(each.lora(), model.lora, model.facts.name)
        assert torch.equal(kept, seen[4])
    assert scored.scores[1] == {"step": 4, "likeness": 0.9, "value": 0.8, "bleed": 0.1}
    last = trainer(model, recipe=recipe.model_copy(update={"keeps": "last"}), scorer=score)
    losses(last)
    assert last.best_step == STEPS
    kept = lora_file.read(last.lora(), model.lora, model.facts.name)
    assert torch.equal(kept, seen[STEPS])


def _worth(values: Sequence[float]) -> Scorer:
    """A judge that finds these values after the first steps."""

    def score(step: int, weights: torch.Tensor) -> Generator[None, None, Score]:
        yield
        return Score(values[step - 1], values[step - 1])

    return score


def test_it_ends_when_two_looks_brought_nothing(
    model: ImageModel, checkpoints: Checkpoints
) -> None:
    score = _worth([0.3, 0.6, 0.605, 0.45, 0.3, 0.9])
    recipe = RECIPE.model_copy(update={"looks": STEPS, "patience": 2, "cooldown_share": 0.0})
    ended = trainer(model, checkpoints, recipe, scorer=score)
    losses(ended)
    ended.save()

    assert (ended.step, ended.best_step, ended.total) == (5, 3, 5)
    assert losses(trainer(model, checkpoints, recipe, scorer=score)) == []


def test_the_rate_falls_to_nothing_before_it_ends_early(
    model: ImageModel, checkpoints: Checkpoints
) -> None:
    """Told as the new total, looked at once more, and the same wherever it was left."""
    changes = {"steps": 16, "looks": 16, "patience": 2, "cooldown_share": 0.25}
    recipe = RECIPE.model_copy(update=changes)
    score = _worth([0.0] * 5 + [0.5] + [0.6] * 10)
    whole = trainer(model, recipe=recipe, scorer=score)
    told = [step for step in whole.steps() if step.phase == "training"]

    assert [step.total for step in told] == [16] * 10 + [14] * 4
    assert told[-1].eta_s == 0
    assert whole.scores[-1]["step"] == whole.step == 14
    moved = _moves(model, recipe, score)
    assert moved[13] < moved[9] / 2

    leaving = trainer(model, checkpoints, recipe, scorer=score)
    steps = leaving.steps()
    next(step for step in steps if step.phase == "training" and step.step == 12)
    leaving.save()
    coming_back = trainer(model, checkpoints, recipe, scorer=score)
    losses(coming_back)
    assert (coming_back.step, coming_back.resumed_from_step) == (14, 12)
    assert torch.equal(coming_back.weights, whole.weights)


@pytest.mark.parametrize(
    ("looks", "least_share", "first"), [(16, 0.2, 10), (16, 0.5, 12), (4, 0.5, 16), (2, 0.2, 16)]
)
def test_the_time_left_is_that_until_it_usually_ends(
    model: ImageModel, looks: int, least_share: float, first: int
) -> None:
    """Three fifths of the steps, or when so many looks can end it at the soonest."""
    changes = {"steps": 16, "looks": looks, "patience": 2, "cooldown_share": 0.25}
    recipe = RECIPE.model_copy(update={**changes, "least_share": least_share})
    seconds = iter(range(1000))
    told = list(
        training(
            trainer(
                model, recipe=recipe, scorer=_worth([0.0] * 16), clock=lambda: next(seconds)
            ).steps()
        )
    )

    assert told[0].eta_s == first - 1
    assert all(step.eta_s is not None and step.eta_s > 0 for step in told[:-1])
    assert told[-1].eta_s == 0


def _moves(model: ImageModel, recipe: Recipe, score: Scorer) -> list[float]:
    """How far the averaged weights go in each step."""
    running = trainer(model, recipe=recipe, scorer=score)
    places = [running.weights for step in running.steps() if step.phase == "training"]
    return [0.0, *(float((after - before).norm()) for before, after in pairwise(places))]


def test_a_look_that_was_left_is_taken_again(model: ImageModel, checkpoints: Checkpoints) -> None:
    looks: list[int] = []

    def score(step: int, weights: torch.Tensor) -> Generator[None, None, Score]:
        looks.append(step)
        yield
        return Score(float(weights.norm()) % 1, float(weights.norm()) % 1)

    recipe = RECIPE.model_copy(update={"looks": 3, "patience": 0})
    options = {"scorer": score, "recipe": recipe}
    whole = trainer(model, **options)
    told = [(step.phase, step.step) for step in whole.steps() if step.step >= 3]
    leaving = trainer(model, checkpoints, **options)
    steps = leaving.steps()
    left = next(step for step in steps if step.phase == "previewing" and step.step == 4)
    leaving.save()
    looks.clear()

    coming_back = trainer(model, checkpoints, **options)
    losses(coming_back)

    looking = [("previewing", 4)] * 2
    assert told[-8:] == [
        ("training", 3),
        *looking,
        ("training", 4),
        ("training", 5),
        *[("previewing", 6)] * 2,
        ("training", 6),
    ]
    assert left.step == coming_back.resumed_from_step == 4
    assert looks == [4, 6]
    assert coming_back.scores == whole.scores
    assert coming_back.lora() == whole.lora()


def test_a_loss_that_is_no_number_ends_it(model: ImageModel) -> None:
    recipe = RECIPE.model_copy(update={"learning_rate": 1e30, "max_gradient_norm": 1e30})

    with pytest.raises(EngineError) as error:
        losses(trainer(model, recipe=recipe))

    assert error.value.failure.code is FailureCode.GPU_FAILED


def test_a_rank_the_slots_do_not_have_is_refused(model: ImageModel) -> None:
    with pytest.raises(ValueError, match="recipe has rank 8; the slots have 16"):
        trainer(model, recipe=RECIPE.model_copy(update={"rank": 8}))


def test_the_global_random_state_is_left_alone(model: ImageModel) -> None:
    before = torch.random.get_rng_state()

    losses(trainer(model))

    assert torch.equal(torch.random.get_rng_state(), before)
