"""What is done ahead of the first tasks: each shape they will come in; nothing stays."""

import pytest
import torch

from engine.generation.sampling import Sampler, Shot
from engine.gpu import rehearsal
from engine.models.base import ImageModel


def test_every_shape_of_the_first_tasks_is_computed(
    model: ImageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[tuple[str, tuple[int, ...]]] = []
    predict, learn = model.predict, model.learn

    def note_predict(latents: torch.Tensor, *others: object) -> torch.Tensor:
        if not torch.is_grad_enabled():
            computed.append(("drawn", tuple(latents.shape)))
        return predict(latents, *others)  # pyright: ignore[reportArgumentType]

    def note_learn(latents: torch.Tensor, *others: object) -> tuple[torch.Tensor, torch.Tensor]:
        computed.append(("learned", tuple(latents.shape)))
        return learn(latents, *others)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(model, "predict", note_predict)
    monkeypatch.setattr(model, "learn", note_learn)
    drawn_before = _picture(model)

    named = list(rehearsal.pieces(model))

    shapes = {name: [shape for kind, shape in computed if kind == name] for name in
              ("drawn", "learned")}  # fmt: skip
    own = model.latent_shape((64, 64))
    sizes = {model.latent_shape(size) for size in model.facts.sizes.values()}
    assert {shape[1:] for shape in shapes["drawn"]} == sizes | {own}
    assert shapes["learned"] == [(4, *own)]
    assert named[-1] == "training at 64 px"
    assert len(named) == len(sizes) + 2
    monkeypatch.undo()
    assert _picture(model) == drawn_before


def _picture(model: ImageModel) -> bytes:
    sampler = Sampler(model, model.lora.zeros(), [Shot("somebody", 1)], (64, 64), 2.5, 2)
    return next(drawn for step in sampler.steps() for drawn in step.drawn).image.tobytes()
