"""Headshots as a task of the GPU process, on a tiny base: with somebody's LoRA, or with none."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.contract import keys, styles
from engine.contract.blobs import Blobs
from engine.contract.events import HeadshotsMade
from engine.contract.failures import EngineError, FailureCode
from engine.contract.jobs import GenerateHeadshots
from engine.contract.manifests import HeadshotsManifest
from engine.generation import prompts
from engine.generation.ranking import UNSEEN
from engine.gpu.critics import Critics
from engine.gpu.generation_task import GenerationTask
from engine.gpu.library import Library
from engine.gpu.witness import Describe, Witness, blind
from engine.models.base import ImageModel


class Blind(Executor):
    """Sees nothing, at once: pictures of a tiny base show nobody."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        look: Future[Any] = Future()
        look.set_result(UNSEEN)
        return look


def job_of(lora_prefix: str) -> GenerateHeadshots:
    style = styles.load()["linkedin"]
    return GenerateHeadshots(job_id="g", owner="ann", lora_prefix=lora_prefix, style=style, count=2)


def outcome(
    model: ImageModel,
    blobs: Blobs,
    job: GenerateHeadshots,
    library: Library | None = None,
    choice: float = 1.0,
    describe: Describe = blind,
) -> HeadshotsMade:
    with ThreadPoolExecutor(1) as hands:
        task = GenerationTask(
            "t", job, lambda: model, blobs, Critics(Blind()), hands, choice,
            library=library, describe=describe,
        )  # fmt: skip
        steps = task.steps()
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value


def test_without_a_lora_the_base_draws_somebody(model: ImageModel, blobs: Blobs) -> None:
    made = outcome(model, blobs, job_of(""))

    assert len(made.headshots) == 2
    assert all(blobs.get_sync(shot.key)[:2] == b"\xff\xd8" for shot in made.headshots)
    manifest = blobs.get_sync(keys.headshots("ann", "g") + keys.MANIFEST)
    assert HeadshotsManifest.model_validate_json(manifest).lora_job_id == ""


def test_a_lora_that_is_named_must_be_there(model: ImageModel, blobs: Blobs) -> None:
    with pytest.raises(EngineError) as caught:
        outcome(model, blobs, job_of("people/ann/loras/never/"))

    assert caught.value.failure.code is FailureCode.LORA_MISSING


def test_styles_are_read_once_and_peoples_own_words_are_not_kept(
    model: ImageModel, blobs: Blobs
) -> None:
    library = Library()
    outcome(model, blobs, job_of(""), library)
    kept = set(library._kept)
    outcome(model, blobs, job_of("").model_copy(update={"prompt": "me as a pirate"}), library)

    assert kept
    assert not any("pirate" in prompt for prompt in kept)
    assert set(library._kept) == kept


def test_of_pictures_as_good_those_are_shown_that_show_what_was_asked_for(
    model: ImageModel, blobs: Blobs
) -> None:
    said = iter(["before a kitchen", "before a grey background"] * 6)

    made = outcome(
        model, blobs, job_of(""), choice=2.0, describe=lambda some: [next(said) for _ in some]
    )

    order = prompts.seeds(job_of("").seed, 6)
    assert {shot.seed for shot in made.headshots} == {order[1], order[3]}


def test_a_captioner_that_fails_is_done_without(
    model: ImageModel, blobs: Blobs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = Witness(tmp_path, lambda: model)

    for _ in range(2):
        made = outcome(model, blobs, job_of(""), choice=2.0, describe=witness.describe)
        assert len(made.headshots) == 2
    assert capsys.readouterr().out.count("pictures_not_described") == 1
