"""Our LoRA layers: one set of slots on the frozen base, in which people take turns.

All A and B matrices of all layers are views of one flat tensor, so that changing the person is one
copy, a clipping norm is one reduction, and addresses never change. Layers that read the same input
lie side by side, so that one multiplication serves them all. Knows layers and numbers; knows no
files (see `lora_file`), no optimizer, and not the linears they stand beside (see `linears`).
Low-rank adapters: Hu et al., LoRA, 2021; rank equals alpha, so the adapter's own scale is 1.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from engine.models.spreading import Part, Spreader

DEFAULT_RANK = 16
_ALIGNMENT = 64
"""Elements. The matrices of every group begin at a multiple of it, as fast kernels ask for."""


@dataclass(frozen=True)
class Slot:
    """Where the two matrices of one layer lie in the flat tensor."""

    module: str
    in_features: int
    out_features: int
    rank: int
    a_start: int
    b_start: int

    def a(self, flat: Tensor) -> Tensor:
        """(rank, in_features)"""
        size = self.rank * self.in_features
        return flat[self.a_start : self.a_start + size].view(self.rank, self.in_features)

    def b(self, flat: Tensor) -> Tensor:
        """(out_features, rank)"""
        size = self.rank * self.out_features
        return flat[self.b_start : self.b_start + size].view(self.out_features, self.rank)


Group = tuple[Slot, ...]
"""Slots of layers with one input: their A lie one under the other, and so do their B."""


class Branch(nn.Module):
    """The matrices of a group: A (layers * rank, inputs), B (outputs of all layers, rank)."""

    a: nn.Parameter
    b: nn.Parameter
    strength: Tensor
    own: Tensor | None
    most_a: Tensor
    most_b: Tensor
    """Largest absolute numbers of both as they were seated, (), fp32."""
    elsewhere: list[Part]
    """Where else matrices are wanted, by whoever computes with them otherwise; one list for all
    branches."""

    def __init__(
        self,
        group: Group,
        flat: Tensor,
        strength: Tensor,
        own: Tensor | None,
        elsewhere: list[Part],
    ) -> None:
        super().__init__()
        for name in ("most_a", "most_b"):
            most = torch.zeros((), device=flat.device)
            self.register_buffer(name, most, persistent=False)
        self.num_layers, self.elsewhere = len(group), elsewhere
        self.a = nn.Parameter(_all_a(group, flat), requires_grad=False)
        self.b = nn.Parameter(_all_b(group, flat), requires_grad=False)
        self.register_buffer("strength", strength, persistent=False)
        self.register_buffer("own", own, persistent=False)

    def wide_b(self) -> Tensor:
        """(outputs of all layers, layers * rank): each layer's B in its own columns, else zero."""
        if self.own is None:
            return self.b * self.strength
        return self.b.repeat(1, self.num_layers) * (self.own * self.strength)


class LoraSlots:
    """The places of one adapter in a base model, filled with one person's weights at a time.

    Whoever computes seats their own weights first and trusts nothing that was there before:
    training does so at every step, generation whenever `holds` says that somebody else sat down.
    """

    def __init__(
        self,
        root: nn.Module,
        modules: Sequence[str | Sequence[str]],
        rank: int = DEFAULT_RANK,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """A slot for each named `nn.Linear` of `root`, whose shape is all that is asked of it.

        Names that come together are a group. Device and dtype are the first linear's by default.
        """
        groups = [(names,) if isinstance(names, str) else tuple(names) for names in modules]
        first = root.get_submodule(groups[0][0])
        assert isinstance(first, nn.Linear)
        device, dtype = device or first.weight.device, dtype or first.weight.dtype
        self.rank = rank
        self._groups = _lay_out(root, groups, rank)
        self.slots = [slot for group in self._groups for slot in group]
        self.num_weights = _end(self._groups[-1])
        self.flat = torch.zeros(self.num_weights, device=device, dtype=dtype)
        self._gradient: Tensor | None = None
        self._strength = torch.ones((), device=device, dtype=dtype)
        self._seated: Tensor | None = None
        self._seated_strength = 1.0
        self._elsewhere: list[Part] = []
        self._branches = self._branch_out()
        branches = self._branches.values()
        self._matrices = [m.detach() for branch in branches for m in (branch.a, branch.b)]
        self._mosts = [most for branch in branches for most in (branch.most_a, branch.most_b)]
        self._spreader = Spreader(())

    @property
    def device(self) -> torch.device:
        return self.flat.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the computation; whoever trains keeps fp32 masters."""
        return self.flat.dtype

    def branch(self, module: str) -> Branch:
        """The group whose first layer is this one."""
        return self._branches[module]

    def zeros(self) -> Tensor:
        """Weights that change nothing, fp32."""
        return torch.zeros(self.num_weights, device=self.device)

    def fresh(self, generator: torch.Generator) -> Tensor:
        """Weights to start a training from, fp32: A as `nn.Linear` starts, B zero, as peft does."""
        flat = torch.zeros(self.num_weights)
        for slot in self.slots:
            bound = 1 / math.sqrt(slot.in_features)
            slot.a(flat).uniform_(-bound, bound, generator=generator)
        return flat.to(self.device)

    @torch.no_grad()
    def seat(self, weights: Tensor, strength: float = 1.0) -> None:
        """Puts someone's flat weights into the layers."""
        self.flat.copy_(weights)
        self._strength.fill_(strength)
        self._seated, self._seated_strength = weights, strength
        self._measure()

    def holds(self, weights: Tensor, strength: float = 1.0) -> bool:
        """Whether these weights, which nobody may change in place, are seated at that strength."""
        return self._seated is weights and self._seated_strength == strength

    @contextmanager
    def off(self) -> Iterator[None]:
        """The base as if nobody were seated."""
        strength, seated = self._strength.clone(), self._seated
        self._strength.zero_()
        self._seated = None
        self._spread()
        try:
            yield
        finally:
            self._strength.copy_(strength)
            self._seated = seated
            self._spread()

    def gradient(self) -> Tensor:
        """A flat gradient of zeros, in this dtype, to which backward adds from now on.

        Always the same memory, so that a recorded step may write into it again.
        """
        if self._gradient is None:
            self._gradient = torch.zeros_like(self.flat)
        for group in self._groups:
            branch = self._branches[group[0].module]
            if branch.a.grad is None:
                branch.a.requires_grad_(True).grad = _all_a(group, self._gradient)
                branch.b.requires_grad_(True).grad = _all_b(group, self._gradient)
        return self._gradient.zero_()

    def gather(self, loss: Tensor) -> None:
        """Puts the gradient of a loss where `gradient` promised it, in few large copies."""
        learned = [p for branch in self._branches.values() for p in (branch.a, branch.b)]
        found = torch.autograd.grad(loss, learned)
        torch._foreach_copy_([cast(Tensor, p.grad) for p in learned], found)  # pyright: ignore

    def release(self) -> None:
        """The layers learn no more until `gradient` is called again."""
        for branch in self._branches.values():
            branch.a.requires_grad_(False).grad = None
            branch.b.requires_grad_(False).grad = None

    def spans(self, modules: Collection[str]) -> list[tuple[int, int]]:
        """Where in flat weights the matrices of these layers lie, without what lies between."""
        spans: list[tuple[int, int]] = []
        for slot in self.slots:
            if slot.module in modules:
                for start, width in ((slot.a_start, slot.in_features),
                                     (slot.b_start, slot.out_features)):  # fmt: skip
                    spans.append((start, start + slot.rank * width))
        return _merged(sorted(spans))

    def unpack(self, weights: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Flat weights as A and B by module name, in the dtype of the computation."""
        flat = weights.detach().to(self.dtype)
        return {slot.module: (slot.a(flat), slot.b(flat)) for slot in self.slots}

    def silent(self, weights: Tensor) -> set[str]:
        """The layers of all groups in which these weights change nothing."""
        flat = weights.detach().to(self.dtype)
        return {
            slot.module for group in self._groups if not _all_b(group, flat).any() for slot in group
        }

    def pack(self, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> Tensor:
        """A and B by module name as flat fp32 weights; lower ranks are padded with zeros.

        Raises:
            ValueError: for a module this base does not have, other shapes, or a higher rank.
        """
        known = {slot.module: slot for slot in self.slots}
        flat = torch.zeros(self.num_weights)
        for module, (a, b) in pairs.items():
            slot = known.get(module)
            if slot is None:
                raise ValueError(f"adapter has a layer {module!r} that the base does not have")
            rank = a.shape[0]
            if rank > slot.rank:
                raise ValueError(f"adapter of {module} has rank {rank}; slots have {slot.rank}")
            if a.shape != (rank, slot.in_features) or b.shape != (slot.out_features, rank):
                raise ValueError(
                    f"adapter of {module} is {tuple(a.shape)} and {tuple(b.shape)}; "
                    f"the layer has {slot.in_features} inputs and {slot.out_features} outputs"
                )
            slot.a(flat)[:rank] = a
            slot.b(flat)[:, :rank] = b
        return flat.to(self.device)

    def _measure(self) -> None:
        """All in a few kernels, for this happens at every step of a training."""
        found = torch._foreach_norm(self._matrices, float("inf"))  # pyright: ignore
        torch._foreach_copy_(self._mosts, found)  # pyright: ignore
        self._spread()

    def _spread(self) -> None:
        """To where the matrices are wanted besides."""
        if len(self._elsewhere) != len(self._spreader.parts):
            self._spreader = Spreader(self._elsewhere)
        self._spreader.spread()

    def _branch_out(self) -> dict[str, Branch]:
        """Groups of the same shape share the pattern of who owns which columns."""
        patterns: dict[tuple[int, ...], Tensor | None] = {}
        branches: dict[str, Branch] = {}
        for group in self._groups:
            shape = tuple(slot.out_features for slot in group)
            if shape not in patterns:
                patterns[shape] = _pattern(shape, self.rank, self.flat)
            branches[group[0].module] = Branch(
                group, self.flat, self._strength, patterns[shape], self._elsewhere
            )
        return branches


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those that follow one another as one."""
    merged = list(spans[:1])
    for start, end in spans[1:]:
        if start == merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _lay_out(root: nn.Module, groups: Sequence[Sequence[str]], rank: int) -> list[Group]:
    laid: list[Group] = []
    position = 0
    for names in groups:
        linears = [root.get_submodule(name) for name in names]
        slots: list[Slot] = []
        a_start = position
        b_start = a_start + _aligned(rank * sum(_features(linear)[0] for linear in linears))
        for name, linear in zip(names, linears, strict=True):
            inputs, outputs = _features(linear)
            slots.append(Slot(name, inputs, outputs, rank, a_start, b_start))
            a_start += rank * inputs
            b_start += rank * outputs
        laid.append(tuple(slots))
        position = _end(laid[-1])
    return laid


def _features(linear: nn.Module) -> tuple[int, int]:
    assert isinstance(linear, nn.Linear), f"{type(linear).__name__} is no linear layer"
    return linear.in_features, linear.out_features


def _end(group: Group) -> int:
    return _aligned(group[-1].b_start + group[-1].rank * group[-1].out_features)


def _all_a(group: Group, flat: Tensor) -> Tensor:
    rows, inputs = group[0].rank * len(group), group[0].in_features
    return flat[group[0].a_start : group[0].a_start + rows * inputs].view(rows, inputs)


def _all_b(group: Group, flat: Tensor) -> Tensor:
    rows, rank = sum(slot.out_features for slot in group), group[0].rank
    return flat[group[0].b_start : group[0].b_start + rows * rank].view(rows, rank)


def _pattern(outputs: Sequence[int], rank: int, like: Tensor) -> Tensor | None:
    """(sum of outputs, layers * rank): one where a layer's rows meet its columns, else zero."""
    if len(outputs) == 1 or (len(set(outputs)) == 1 and len(outputs) > _MOST_SIDE_BY_SIDE):
        return None
    return torch.block_diag(*(torch.ones(size, rank) for size in outputs)).to(like)


_MOST_SIDE_BY_SIDE = 8
"""Larger groups are multiplied one by one (see `linears.Modulations`): no pattern is needed."""


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
