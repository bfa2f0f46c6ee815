"""Branches written into rounded matrices, and read back."""

import pytest
import torch
from torch import Tensor, nn

from engine.models.linears import LoraLinears, Storage
from engine.models.lora import LoraSlots
from engine.models.rounding import FP8
from engine.models.spreading import Part, Spreader

CPU = torch.device("cpu")


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("strength", [None, 0.5, 1.25])
def test_what_is_written_is_read_back_in_its_share(size: float, strength: float | None) -> None:
    source, room = noise(40, 8) * size, torch.zeros(40, 32).to(FP8)
    scales, share = noise(40, 1).abs() + 0.5, torch.zeros(1)
    by = None if strength is None else torch.tensor(strength)
    part = Part(
        source, source.abs().amax(), room[:, 8:16], share, by, scales, 1 / scales.amin(0)
    )  # fmt: skip

    Spreader([part]).spread()

    found = room.float() * scales * share
    expected = source * (strength or 1.0)
    assert (found[:, 8:16] - expected).norm() < 0.04 * expected.norm()
    assert not found[:, :8].any()
    assert not found[:, 16:].any()


def test_nobody_is_written_as_nothing() -> None:
    room, share = torch.ones(4, 8).to(FP8), torch.zeros(1)
    Spreader([Part(torch.zeros(4, 8), torch.zeros(()), room, share)]).spread()
    assert not room.float().any()
    assert torch.isfinite(share).all()


def test_who_is_seated_stands_in_the_products_and_nobody_else() -> None:
    layers = nn.ModuleDict({"one": nn.Linear(32, 48), "two": nn.Linear(32, 16)})
    slots = LoraSlots(layers, [("one", "two")], rank=4)
    storage = Storage(CPU, torch.float32, "fp8", turned=True)
    linears = [layers["one"], layers["two"]]
    group = LoraLinears(linears, slots.branch("one"), storage)  # pyright: ignore
    anna, ben = (noise(slots.num_weights, seed=seed) for seed in (1, 2))
    x = noise(6, 32, seed=3)

    def drawn() -> Tensor:
        return group(x).clone()

    slots.seat(slots.zeros())
    nobody = drawn()
    slots.seat(anna)
    as_anna = drawn()
    slots.seat(ben)
    as_ben = drawn()
    with slots.off():
        assert torch.equal(drawn(), nobody)
    assert torch.equal(drawn(), as_ben)
    slots.seat(anna)
    assert torch.equal(drawn(), as_anna)
    slots.seat(anna, strength=0.5)
    half = drawn()
    assert not torch.equal(as_anna, as_ben)
    assert (half - nobody - (as_anna - nobody) / 2).norm() < 0.05 * (as_anna - nobody).norm()
