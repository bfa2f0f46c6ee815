"""The recipe of the demo model, at toy size: every stage runs and FluxPipeline draws its result."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline
from PIL import Image
from safetensors.torch import load_file

from engine.demo.recipe import cast, command, corpus, flow, wording
from engine.demo.recipe.autoencoder import pyramid_loss
from engine.demo.recipe.clock import Clock, Stage
from engine.demo.recipe.optimizer import orthogonalize
from engine.demo.recipe.plan import FIRST_TRAINING_SEED, FULL, SMOKE
from engine.demo.recipe.run import STAGES
from engine.demo.recipe.stand_in import say
from engine.models.emphasis import head_weights

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

STRANGE_TEXTS = (
    "a photo of TOK, LinkedIn headshot",
    "日本語 😀 Ünïcode naïve",
    "",
    "Zorblax-9000 \n tab\t!!",
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recipe") / "out"
    command.main(["--smoke", "--stand-ins", "--device", "cpu", "--out", str(out)])
    return out


@pytest.fixture(scope="module")
def pipeline(out: Path) -> FluxPipeline:
    pipeline = FluxPipeline.from_pretrained(out / "model")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_every_stage_reports_and_writes_sheets(out: Path) -> None:
    report = json.loads((out / "report.json").read_text())
    assert set(report) >= set(STAGES)
    assert report["captioner"]["steps"] == SMOKE.captioning.max_steps
    assert report["flow"]["steps"] == SMOKE.flow.max_steps
    with Image.open(out / "prompts_guidance_2.5.jpg") as sheet:
        assert sheet.height >= 10 * SMOKE.shapes.size_px


def test_flux_pipeline_draws(pipeline: FluxPipeline) -> None:
    size_px = SMOKE.shapes.size_px
    for length in SMOKE.shapes.text_tokens:
        picture = pipeline(
            "a photo of TOK", height=size_px, width=size_px, num_inference_steps=2,
            guidance_scale=2.5, max_sequence_length=length,
            return_dict=False,
        )[0][0]  # fmt: skip
        assert picture.size == (size_px, size_px)


def test_measured_scale_is_in_the_saved_config(out: Path, pipeline: FluxPipeline) -> None:
    measured = json.loads((out / "report.json").read_text())["latents"]
    assert pipeline.vae.config.scaling_factor == pytest.approx(measured["scaling_factor"])
    assert pipeline.vae.config.shift_factor == pytest.approx(measured["shift_factor"])
    assert measured["scaling_factor"] != 1.0


@pytest.mark.parametrize("text", STRANGE_TEXTS)
def test_any_wording_has_tokens(pipeline: FluxPipeline, text: str) -> None:
    for tokenizer, length in ((pipeline.tokenizer, 77), (pipeline.tokenizer_2, 48)):
        ids = tokenizer(text, padding="max_length", max_length=length, truncation=True).input_ids
        assert len(ids) == length
        assert tokenizer.eos_token_id in ids
        assert max(ids) < len(tokenizer)
        assert wording.tokenize(tokenizer, [text], length)[0].tolist() == ids


def test_clip_tokenizer_keeps_every_byte(pipeline: FluxPipeline) -> None:
    ids = pipeline.tokenizer("naïve 😀").input_ids
    assert pipeline.tokenizer.decode(ids, skip_special_tokens=True) == "naïve 😀"


def test_a_trigger_falls_into_letters_and_a_known_word_does_not(pipeline: FluxPipeline) -> None:
    tokenizer = pipeline.tokenizer_2
    assert tokenizer.tokenize("TOK") == ["▁T", "O", "K"]
    assert tokenizer.tokenize("photo") == ["▁photo"]


def test_an_interrupted_run_continues(out: Path) -> None:
    command.main([
        "--smoke", "--stand-ins", "--device", "cpu", "--out", str(out), "--resume",
        "--stage", "distillation",
    ])  # fmt: skip
    assert (out / "model" / "model_index.json").exists()


@pytest.fixture(scope="module")
def trained_further(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    further = tmp_path_factory.mktemp("further") / "out"
    command.main([
        "--smoke", "--stand-ins", "--device", "cpu", "--out", str(further),
        "--start", str(out / "model"), "--stage", "flow",
    ])  # fmt: skip
    return further


def test_a_model_trained_further_does_not_say_where_it_came_from(
    out: Path, trained_further: Path
) -> None:
    for config in (trained_further / "model").glob("**/*.json"):
        assert str(out) not in config.read_text()


def test_an_autoencoder_trained_further_goes_on_from_its_weights(
    out: Path, trained_further: Path
) -> None:
    before, after = (
        load_file(folder / "model" / "vae" / "diffusion_pytorch_model.safetensors")
        for folder in (out, trained_further)
    )
    weights = [name for name in before if name.endswith("conv1.weight")]
    assert {name.split(".")[0] for name in weights} == {"encoder", "decoder"}
    for name in weights:
        moved = (after[name].float() - before[name].float()).norm() / before[name].float().norm()
        assert 0 < moved < 0.2, f"{name} moved by {moved:.2f} of its size"


def test_an_error_in_the_head_weighs_more_in_the_pictures_too() -> None:
    real = torch.zeros(1, 3, 32, 32)
    in_head, beside = real.clone(), real.clone()
    in_head[..., 12:16, 12:16], beside[..., 28:, 28:] = 1, 1
    emphasis = head_weights(torch.tensor([[0.3, 0.3, 0.6, 0.6]]), 32, 32, 4.0)[:, None]
    even = torch.ones_like(emphasis)

    assert pyramid_loss(in_head, real, even) == pytest.approx(pyramid_loss(beside, real, even))
    assert pyramid_loss(in_head, real, emphasis) > 3 * pyramid_loss(beside, real, emphasis)


def test_training_people_are_never_held_out_people() -> None:
    jobs = cast.list_jobs(FULL.people)
    assert min(job.seed for job in jobs) >= FIRST_TRAINING_SEED
    assert len({(job.seed, job.first_view) for job in jobs}) == len(jobs)
    names = [job.name for job in jobs if job.name]
    assert len(set(names)) == FULL.people.num_named
    assert "TOK" not in names
    assert sum(job.num_views for job in jobs) <= FULL.people.max_pictures


def test_another_cast_is_other_people_and_those_with_names_in_other_views() -> None:
    first, second = (
        cast.list_jobs(dataclasses.replace(FULL.people, cast=number)) for number in (0, 1)
    )
    unnamed = [{job.seed for job in jobs if job.name is None} for jobs in (first, second)]
    named = [{(job.seed, job.name) for job in jobs if job.name} for jobs in (first, second)]
    views = [{(job.seed, job.first_view) for job in jobs if job.name} for jobs in (first, second)]
    assert not unnamed[0] & unnamed[1]
    assert named[0] == named[1]
    assert not views[0] & views[1]


def test_an_autoencoder_that_is_kept_stays_as_it_is(out: Path, tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work"), "--smoke",
                 "--stand-ins", "--device", "cpu", "--start", str(out / "model"),
                 "--keep-autoencoder", "--stage", "flow", "--cast", "1"]  # fmt: skip
    command.main(arguments)
    kept, before = (
        (folder / "vae" / "diffusion_pytorch_model.safetensors").read_bytes()
        for folder in (tmp_path / "out" / "model", out / "model")
    )
    assert kept == before
    configs = [
        json.loads((folder / "vae" / "config.json").read_text())
        for folder in (tmp_path / "out" / "model", out / "model")
    ]
    assert configs[0]["scaling_factor"] == configs[1]["scaling_factor"]


def test_several_gpus_all_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert corpus._places(torch.device("cuda"), 4) == [("cuda:0", 3), ("cuda:1", 4)]
    assert corpus._places(torch.device("cpu"), 4) == [("cpu", 4)]


def test_whoever_has_a_name_is_seen_often_under_it() -> None:
    jobs = [job for job in cast.list_jobs(FULL.people) if job.name]
    for name in {job.name for job in jobs}:
        own = [job for job in jobs if job.name == name]
        assert len({job.seed for job in own}) == 1
        assert sum(job.num_views for job in own) == FULL.people.views_named
        views = [v for job in own for _, v, _ in cast.describe(job, FULL.people, say)]
        assert len(set(map(repr, views))) == len(views)


def test_a_job_is_described_the_same_twice() -> None:
    job = cast.Job(FIRST_TRAINING_SEED, 3, "VEX")
    assert cast.describe(job, FULL.people, say) == cast.describe(job, FULL.people, say)


def test_packing_matches_flux_pipeline() -> None:
    latents = torch.randn(2, 16, 8, 8)
    expected = FluxPipeline._pack_latents(latents, 2, 16, 8, 8)
    assert torch.equal(flow.pack(latents), expected)


def test_guidance_one_is_the_conditional_prediction() -> None:
    conditional, unconditional = torch.randn(2, 4, 8), torch.randn(2, 4, 8)
    mixed = flow.guided(conditional, unconditional, torch.ones(2))
    torch.testing.assert_close(mixed, conditional)


def test_orthogonalized_matrices_have_singular_values_near_one() -> None:
    for shape in ((3, 16, 40), (3, 40, 16)):
        values = torch.linalg.svdvals(orthogonalize(torch.randn(shape)))
        assert values.min() > 0.3
        assert values.max() < 1.6


def test_a_continued_stage_begins_where_it_was() -> None:
    stage = Stage.begin(Clock(100.0), "flow", 50.0, done=0.5)
    assert stage.progress == pytest.approx(0.5, abs=0.01)


def test_the_head_counts_more_also_in_a_mirror() -> None:
    faces = torch.tensor([[0.25, 0.5, 0.5, 0.75]])

    weights = flow.token_weights(faces, 8, 4.0).view(8, 8)
    mirrored = flow.token_weights(flow.mirrored(faces), 8, 4.0).view(8, 8)

    assert weights.mean().item() == pytest.approx(1.0)
    assert (weights[4:6, 2:4] / weights[0, 7]).flatten().tolist() == pytest.approx([4.0] * 4)
    torch.testing.assert_close(mirrored, weights.flip(1))


def test_weights_of_one_are_the_plain_loss() -> None:
    predicted, target = torch.randn(2, 16, 64), torch.randn(2, 16, 64)

    weighted = flow.velocity_loss(predicted, target, torch.ones(2, 16))

    torch.testing.assert_close(weighted, flow.velocity_loss(predicted, target))
