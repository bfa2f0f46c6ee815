"""Our LoRA layers: one set of slots on the frozen base, in which people take turns.

All A and B matrices of all layers are views of one flat tensor, so that changing the person is one
copy, a clipping norm is one reduction, and addresses never change. Knows layers and numbers; knows
no files (see `lora_file`) and no optimizer. Low-rank adapters: Hu et al., LoRA, 2021; rank equals
alpha, so the adapter's own scale is 1.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DEFAULT_RANK = 16
_ALIGNMENT = 64
"""Elements. Every matrix begins at a multiple of it, as fast kernels ask for."""


class LoraLinear(nn.Linear):
    """A frozen linear with a low-rank branch: `W x + b + strength * B (A x)`."""

    lora_a: nn.Parameter
    lora_b: nn.Parameter
    strength: Tensor

    def __init__(self, linear: nn.Linear, a: Tensor, b: Tensor, strength: Tensor) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=False, device="meta")
        self.weight = linear.weight
        self.bias = linear.bias
        self.lora_a = nn.Parameter(a, requires_grad=False)
        self.lora_b = nn.Parameter(b, requires_grad=False)
        self.register_buffer("strength", strength, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        branch = F.linear(F.linear(input, self.lora_a) * self.strength, self.lora_b)
        return F.linear(input, self.weight, self.bias) + branch


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


class LoraSlots:
    """The places of one adapter in a base model, filled with one person's weights at a time.

    Whoever computes seats their own weights first and trusts nothing that was there before:
    training does so at every step, generation whenever `holds` says that somebody else sat down.
    """

    def __init__(self, root: nn.Module, modules: list[str], rank: int = DEFAULT_RANK) -> None:
        """Replaces each named `nn.Linear` of `root`; call it when the base is on its device."""
        first = root.get_submodule(modules[0])
        assert isinstance(first, nn.Linear)
        device, dtype = first.weight.device, first.weight.dtype
        self.rank = rank
        self.slots = _lay_out(root, modules, rank)
        self.num_weights = self.slots[-1].b_start + _aligned(rank * self.slots[-1].out_features)
        self.flat = torch.zeros(self.num_weights, device=device, dtype=dtype)
        self._gradient: Tensor | None = None
        self._strength = torch.ones((), device=device, dtype=dtype)
        self._seated: Tensor | None = None
        self._seated_strength = 1.0
        self._layers = [_replace(root, slot, self.flat, self._strength) for slot in self.slots]

    @property
    def device(self) -> torch.device:
        return self.flat.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the computation; whoever trains keeps fp32 masters."""
        return self.flat.dtype

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

    def holds(self, weights: Tensor, strength: float = 1.0) -> bool:
        """Whether these weights, which nobody may change in place, are seated at that strength."""
        return self._seated is weights and self._seated_strength == strength

    @contextmanager
    def off(self) -> Iterator[None]:
        """The base as if nobody were seated."""
        strength = self._strength.clone()
        self._strength.zero_()
        try:
            yield
        finally:
            self._strength.copy_(strength)

    def gradient(self) -> Tensor:
        """A flat gradient of zeros, in this dtype, to which backward adds from now on."""
        if self._gradient is None:
            self._gradient = torch.zeros_like(self.flat)
            for slot, layer in zip(self.slots, self._layers, strict=True):
                layer.lora_a.requires_grad_(True).grad = slot.a(self._gradient)
                layer.lora_b.requires_grad_(True).grad = slot.b(self._gradient)
        return self._gradient.zero_()

    def release(self) -> None:
        """Frees the gradient; the layers learn no more until `gradient` is called again."""
        self._gradient = None
        for layer in self._layers:
            layer.lora_a.requires_grad_(False).grad = None
            layer.lora_b.requires_grad_(False).grad = None

    def unpack(self, weights: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Flat weights as A and B by module name, in the dtype of the computation."""
        flat = weights.detach().to(self.dtype)
        return {slot.module: (slot.a(flat), slot.b(flat)) for slot in self.slots}

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


def _lay_out(root: nn.Module, modules: list[str], rank: int) -> list[Slot]:
    slots: list[Slot] = []
    position = 0
    for name in modules:
        linear = root.get_submodule(name)
        assert isinstance(linear, nn.Linear), f"{name} is no linear layer"
        a_start = position
        b_start = a_start + _aligned(rank * linear.in_features)
        position = b_start + _aligned(rank * linear.out_features)
        slots.append(Slot(name, linear.in_features, linear.out_features, rank, a_start, b_start))
    return slots


def _replace(root: nn.Module, slot: Slot, flat: Tensor, strength: Tensor) -> LoraLinear:
    parent, _, name = slot.module.rpartition(".")
    linear = root.get_submodule(slot.module)
    assert isinstance(linear, nn.Linear)
    layer = LoraLinear(linear, slot.a(flat), slot.b(flat), strength)
    setattr(root.get_submodule(parent), name, layer)
    return layer


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
