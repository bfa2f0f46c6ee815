"""Frozen linears and their branches, against the same arithmetic written out."""

import pytest
import torch
from torch import Tensor, nn

from engine.models.linears import LoraLinears, Modulations, Precision, Storage
from engine.models.lora import LoraSlots
from engine.models.rounding import rounded, to_fp8

CPU = torch.device("cpu")
RANK = 4
NAMES = ("first", "second", "third")


class Layers(nn.Module):
    """Three linears of one input, of different widths."""

    def __init__(self, widths: tuple[int, ...] = (48, 16, 64)) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            for name, width in zip(NAMES, widths, strict=True):
                self.add_module(name, nn.Linear(32, width))
        self.requires_grad_(False)

    def linears(self) -> list[nn.Linear]:
        return [self.get_submodule(name) for name in NAMES]  # pyright: ignore


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def written_out(
    layers: list[nn.Linear], slots: LoraSlots, weights: Tensor, x: Tensor
) -> tuple[Tensor, dict[str, tuple[Tensor, Tensor]]]:
    """Every linear and branch by itself, with A and B that autograd knows."""
    pairs = {
        name: (a.clone().requires_grad_(), b.clone().requires_grad_())
        for name, (a, b) in slots.unpack(weights).items()
    }
    outputs = [
        linear(x) + x @ pairs[name][0].T @ pairs[name][1].T
        for name, linear in zip(NAMES, layers, strict=True)
    ]
    return torch.cat(outputs, -1), pairs


def agreement(found: Tensor, expected: Tensor) -> float:
    return torch.cosine_similarity(found.flatten(), expected.flatten(), dim=0).item()


@pytest.mark.parametrize(
    ("precision", "turned", "close"),
    [
        ("plain", False, 1 - 1e-6),
        ("fp8", False, 0.998),
        ("fp8", True, 0.998),
        ("fp8_stored", False, 0.999),
    ],
)
def test_a_group_is_its_layers_one_by_one(precision: Precision, turned: bool, close: float) -> None:
    layers = Layers()
    slots = LoraSlots(layers, [NAMES], RANK)
    storage = Storage(CPU, torch.float32, precision, turned)
    group = LoraLinears(layers.linears(), slots.branch("first"), storage)
    weights = noise(slots.num_weights) * 0.2
    slots.seat(weights)
    gradient = slots.gradient()
    x = noise(2, 5, 32).requires_grad_()
    toward = noise(2, 5, 128, seed=2)

    y = group(x)
    (y * toward).sum().backward()

    same_x = x.detach().clone().requires_grad_()
    expected, pairs = written_out(layers.linears(), slots, weights, same_x)
    (expected * toward).sum().backward()
    assert agreement(y, expected) > close
    assert x.grad is not None
    assert same_x.grad is not None
    assert agreement(x.grad, same_x.grad) > close
    for name, mine in slots.unpack(gradient).items():
        for matrix, found in zip(pairs[name], mine, strict=True):
            assert matrix.grad is not None
            torch.testing.assert_close(found, matrix.grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("precision", "turned", "is_rounded"),
    [("plain", False, False), ("fp8", True, False), ("fp8", False, True)],
)
def test_modulations_are_their_layers_one_by_one(
    precision: Precision, turned: bool, is_rounded: bool
) -> None:
    layers = Layers((24, 24, 24))
    expected_layers = Layers((24, 24, 24)).linears()
    slots = LoraSlots(layers, [NAMES], RANK)
    made = Modulations(
        layers.linears(), slots.branch("first"), Storage(CPU, torch.float32, precision, turned)
    )
    weights = noise(slots.num_weights) * 0.2
    slots.seat(weights, strength=1.0)
    gradient = slots.gradient()
    x = noise(2, 32)

    found = made(x)
    found.square().sum().backward()

    expected, pairs = written_out(expected_layers, slots, weights, x)
    expected.square().sum().backward()
    assert agreement(found, expected) > (0.998 if is_rounded else 0.9999)
    for name, mine in slots.unpack(gradient).items():
        for matrix, got in zip(pairs[name], mine, strict=True):
            assert matrix.grad is not None
            assert agreement(got, matrix.grad) > (0.99 if is_rounded else 0.9999)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3])
def test_a_branch_in_its_matrix_may_be_of_any_size(size: float) -> None:
    """Both ways, with A as much smaller as B is larger."""
    layers = Layers()
    slots = LoraSlots(layers, [NAMES], RANK)
    storage = Storage(CPU, torch.float32, "fp8", turned=True)
    group = LoraLinears(layers.linears(), slots.branch("first"), storage)
    weights = noise(slots.num_weights) * 0.3
    for slot in slots.slots:
        slot.a(weights).div_(size)
        slot.b(weights).mul_(size)
    slots.seat(weights)
    slots.gradient()
    x = noise(64, 32).requires_grad_()
    toward = noise(64, 128, seed=2)

    y = group(x)
    (y * toward).sum().backward()

    same_x = x.detach().clone().requires_grad_()
    expected, _ = written_out(layers.linears(), slots, weights, same_x)
    (expected * toward).sum().backward()
    assert x.grad is not None
    assert same_x.grad is not None
    assert agreement(y, expected) > 0.998
    assert agreement(x.grad, same_x.grad) > 0.998
    assert group.matrix.weight.shape == (128, 128)
    assert group.matrix.turned is not None
    assert group.matrix.turned.shape == (32, 256)


def test_rows_of_next_to_nothing_do_not_set_the_units_of_a_branch() -> None:
    layers = Layers()
    with torch.no_grad():
        layers.linears()[0].weight[:8] *= 1e-7
        layers.linears()[0].weight[8] = 0
    slots = LoraSlots(layers, [NAMES], RANK)
    storage = Storage(CPU, torch.float32, "fp8", turned=True)
    group = LoraLinears(layers.linears(), slots.branch("first"), storage)
    weights = noise(slots.num_weights) * 0.3
    slots.seat(weights)
    x = noise(64, 32)

    expected, _ = written_out(layers.linears(), slots, weights, x)
    assert agreement(group(x), expected) > 0.998
    assert agreement(group(x)[:, :9], expected[:, :9]) > 0.998


@torch.no_grad()
def test_what_is_folded_is_normed_and_activated_as_elsewhere() -> None:
    layers = Layers()
    slots = LoraSlots(layers, [NAMES], RANK)
    storage = Storage(CPU, torch.float32, "fp8", turned=True, folds=True)
    group = LoraLinears(layers.linears(), slots.branch("first"), storage)
    slots.seat(noise(slots.num_weights) * 0.2)
    assert group.folded is not None
    group.folded.fill(group.branch)
    x, shift, scale = noise(2, 5, 32), *noise(2, 2, 1, 32, seed=2)
    hidden, before = noise(2, 5, 20, seed=3), noise(2, 5, 12, seed=4)

    beside = [group.of_normed(x, shift, scale)[0], group.of_gelu(hidden, before), group.of_gelu(x)]
    group.draws_folded = True
    folded = [group.of_normed(x, shift, scale)[0], group.of_gelu(hidden, before), group.of_gelu(x)]

    expected = [
        group(torch.nn.functional.layer_norm(x, (32,), eps=1e-6) * (1 + scale) + shift),
        group(torch.cat((before, torch.nn.functional.gelu(hidden, approximate="tanh")), -1)),
        group(torch.nn.functional.gelu(x, approximate="tanh")),
    ]
    for mine, other, plain in zip(folded, beside, expected, strict=True):
        assert agreement(mine, other) > 0.998
        torch.testing.assert_close(mine, plain, atol=0.05, rtol=0.05)


def test_rounding_to_fp8_keeps_each_rows_own_size() -> None:
    rows = noise(6, 40) * torch.tensor([1e-6, 1e-3, 1.0, 1e3, 1e6, 0.0])[:, None]

    short, scale = to_fp8(rows, scales=torch.bfloat16)

    restored = short.float() * scale
    assert not restored[-1].any()
    relative = (restored - rows)[:-1].norm(dim=1) / rows[:-1].norm(dim=1)
    assert relative.max() < 0.05
    assert torch.equal(scale, scale.bfloat16().float())


def test_a_branch_at_half_strength_is_half_of_it() -> None:
    layers = Layers()
    slots = LoraSlots(layers, [NAMES], RANK)
    group = LoraLinears(layers.linears(), slots.branch("first"), Storage(CPU, torch.float32))
    x, weights = noise(3, 32), noise(slots.num_weights)
    at: list[Tensor] = []
    for strength in (0.0, 0.5, 1.0):
        slots.seat(weights, strength)
        at.append(group(x))

    torch.testing.assert_close(at[1] - at[0], (at[2] - at[0]) / 2)


def test_what_was_learned_by_one_layer_stays_with_it() -> None:
    """Columns of a neighbour get no gradient of its own."""
    layers = Layers()
    slots = LoraSlots(layers, [NAMES], RANK)
    group = LoraLinears(layers.linears(), slots.branch("first"), Storage(CPU, torch.float32))
    slots.seat(noise(slots.num_weights))
    gradient = slots.gradient()

    group(noise(3, 32))[:, :48].sum().backward()

    found = slots.unpack(gradient)
    assert found["first"][1].any()
    for neighbour in ("second", "third"):
        assert not found[neighbour][0].any()
        assert not found[neighbour][1].any()


def test_factors_of_columns_are_rounded_with_them() -> None:
    rows, factors = noise(4, 24), torch.linspace(0.1, 3, 24)

    found, scale = rounded(rows, factors)

    expected, expected_scale = to_fp8(rows * factors)
    assert torch.equal(found.float(), expected.float())
    assert torch.equal(scale, expected_scale)
