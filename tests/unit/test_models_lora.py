"""LoRA slots: one flat tensor behind all layers, in which people take turns."""

import pytest
import torch
from torch import Tensor, nn

from engine.models.linears import LoraLinears, Storage
from engine.models.lora import LoraSlots

RANK = 4
MODULES = ["0", "2"]


class Small(nn.Sequential):
    def __init__(self) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            super().__init__(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
        self.requires_grad_(False)


def small_with_slots(modules: list[str] = MODULES) -> tuple[nn.Module, LoraSlots]:
    """The same network, with a branch beside each of these layers."""
    model = Small()
    slots = LoraSlots(model, modules, RANK)
    storage = Storage(torch.device("cpu"), torch.float32)
    for name in modules:
        linear = model.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        setattr(model, name, LoraLinears([linear], slots.branch(name), storage))
    return model, slots


def inputs() -> Tensor:
    return torch.randn(2, 5, generator=torch.Generator().manual_seed(1))


def noise(slots: LoraSlots, seed: int) -> Tensor:
    return torch.randn(slots.num_weights, generator=torch.Generator().manual_seed(seed)) * 0.1


def test_fresh_weights_change_nothing_and_can_learn() -> None:
    base = Small()
    model, slots = small_with_slots()

    fresh = slots.fresh(torch.Generator().manual_seed(0))
    slots.seat(fresh)

    assert torch.equal(model(inputs()), base(inputs()))
    a, b = slots.unpack(fresh)["0"]
    assert a.abs().min() > 0
    assert not b.any()


def test_a_branch_is_b_times_a_times_strength() -> None:
    base = Small()
    model, slots = small_with_slots(["0"])
    weights = noise(slots, 1)
    a, b = slots.unpack(weights)["0"]

    slots.seat(weights, strength=0.5)

    expected = base[0](inputs()) + 0.5 * inputs() @ a.T @ b.T
    torch.testing.assert_close(model.get_submodule("0")(inputs()), expected)


def test_whoever_is_seated_last_is_drawn() -> None:
    model, slots = small_with_slots()
    anna, ben = noise(slots, 1), noise(slots, 2)
    slots.seat(anna)
    of_anna = model(inputs())

    slots.seat(ben)
    assert not torch.allclose(model(inputs()), of_anna)
    assert slots.holds(ben)
    assert not slots.holds(anna)
    assert not slots.holds(ben, strength=0.5)

    slots.seat(anna)
    assert torch.equal(model(inputs()), of_anna)


def test_off_is_the_base_and_ends_where_it_began() -> None:
    base = Small()
    model, slots = small_with_slots()
    slots.seat(noise(slots, 1), strength=0.7)
    before = model(inputs())

    with slots.off():
        assert torch.equal(model(inputs()), base(inputs()))

    assert torch.equal(model(inputs()), before)


def test_the_flat_gradient_is_autograds_own() -> None:
    base = Small()
    model, slots = small_with_slots()
    weights = noise(slots, 1)
    slots.seat(weights)

    slots.gradient().fill_(9.0)  # from a step before: it starts from zero again
    gradient = slots.gradient()
    model(inputs()).square().sum().backward()

    pairs = {
        name: tuple(matrix.clone().requires_grad_() for matrix in pair)
        for name, pair in slots.unpack(weights).items()
    }
    hidden = base[0](inputs()) + inputs() @ pairs["0"][0].T @ pairs["0"][1].T
    hidden = torch.tanh(hidden)
    output = base[2](hidden) + hidden @ pairs["2"][0].T @ pairs["2"][1].T
    output.square().sum().backward()
    found = slots.unpack(gradient)
    for name, pair in pairs.items():
        for matrix, mine in zip(pair, found[name], strict=True):
            torch.testing.assert_close(mine, matrix.grad)


def test_released_layers_learn_no_more() -> None:
    model, slots = small_with_slots()
    slots.gradient()

    slots.release()

    assert not model(inputs()).requires_grad


def test_packing_gives_back_what_was_unpacked_and_pads_lower_ranks() -> None:
    slots = LoraSlots(Small(), MODULES, RANK)
    weights = slots.pack(slots.unpack(noise(slots, 3)))
    assert torch.equal(slots.pack(slots.unpack(weights)), weights)

    a, b = torch.ones(2, 5), torch.ones(7, 2)
    padded_a, padded_b = slots.unpack(slots.pack({"0": (a, b)}))["0"]

    assert torch.equal(padded_b @ padded_a, b @ a)


@pytest.mark.parametrize(
    ("module", "a", "b", "message"),
    [
        ("9", (4, 5), (7, 4), "a layer '9' that the base does not have"),
        ("0", (8, 5), (7, 8), "rank 8; slots have 4"),
        ("0", (4, 6), (7, 4), "the layer has 5 inputs and 7 outputs"),
        ("0", (4, 5), (7, 3), "the layer has 5 inputs and 7 outputs"),
    ],
)
def test_what_does_not_fit_is_refused(
    module: str, a: tuple[int, int], b: tuple[int, int], message: str
) -> None:
    slots = LoraSlots(Small(), MODULES, RANK)

    with pytest.raises(ValueError, match=message):
        slots.pack({module: (torch.zeros(a), torch.zeros(b))})
