"""Blocks whose frozen weights wait in the machine's memory and come to the device in turn.

For cards that cannot hold a whole network. While one block computes, the next one's weights are on
their way, into the other of two lanes. Blocks may be taken forwards or, with gradients, backwards;
whoever takes one must be through with the one before. Knows bytes and order; knows no network.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.models.linears import Matrix

_ALIGNMENT = 256


@dataclass(frozen=True)
class _Piece:
    """One buffer of a block, and where it lies among the block's bytes."""

    owner: nn.Module
    name: str
    start: int
    shape: torch.Size
    dtype: torch.dtype

    @property
    def num_bytes(self) -> int:
        return self.shape.numel() * self.dtype.itemsize

    def of(self, lane: Tensor) -> Tensor:
        return lane[self.start : self.start + self.num_bytes].view(self.dtype).view(self.shape)


class _Cargo:
    """The bytes of one block's matrices, in memory that the device copies from directly."""

    def __init__(self, block: nn.Module, pinned: bool) -> None:
        self.pieces: list[_Piece] = []
        end = 0
        for owner in block.modules():
            for name in _NAMES if isinstance(owner, Matrix) else ():
                tensor = getattr(owner, name)
                if tensor is not None:
                    self.pieces.append(_Piece(owner, name, end, tensor.shape, tensor.dtype))
                    end = -(-(end + self.pieces[-1].num_bytes) // _ALIGNMENT) * _ALIGNMENT
        self.bytes = torch.empty(end, dtype=torch.uint8, pin_memory=pinned)
        for piece in self.pieces:
            piece.of(self.bytes).copy_(getattr(piece.owner, piece.name))
        self.unpack_from(self.bytes)

    def unpack_from(self, lane: Tensor) -> None:
        for piece in self.pieces:
            setattr(piece.owner, piece.name, piece.of(lane))


_NAMES = ("weight", "scale", "turned")


class _Lane:
    """Room on the device for one block."""

    def __init__(self, num_bytes: int, device: torch.device) -> None:
        self.bytes = torch.empty(num_bytes, dtype=torch.uint8, device=device)
        self.holds: int | None = None
        on_cuda = device.type == "cuda"
        self.filled = torch.cuda.Event() if on_cuda else None
        self.used = torch.cuda.Event() if on_cuda else None


class Streamer:
    """Some blocks of a network, by their number."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._places: dict[int, int] = {}
        self._cargo: list[_Cargo] = []
        self._lanes: list[_Lane] = []
        self._copying = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._last = -1

    def unload(self, number: int, block: nn.Module) -> None:
        """Moves a block's matrices out of the device. Blocks come in the order of their numbers."""
        self._places[number] = len(self._cargo)
        self._cargo.append(_Cargo(block, pinned=self._copying is not None))

    def take(self, number: int) -> None:
        """Makes a block's weights usable; those of the block taken before no longer are."""
        place = self._places.get(number)
        if place is None:
            return
        if not self._lanes:
            largest = max(cargo.bytes.numel() for cargo in self._cargo)
            self._lanes = [_Lane(largest, self._device) for _ in range(2)]
        if self._last >= 0:
            self._mark_used(self._lane_of(self._last))
        lane = self._lane_of(place) or self._fill(place)
        if lane.filled is not None:
            torch.cuda.current_stream().wait_event(lane.filled)
        self._cargo[place].unpack_from(lane.bytes)
        following = place + 1 if place > self._last or place == 0 else place - 1
        self._last = place
        if 0 <= following < len(self._cargo) and self._lane_of(following) is None:
            self._fill(following)

    def _lane_of(self, place: int) -> _Lane | None:
        return next((lane for lane in self._lanes if lane.holds == place), None)

    def _mark_used(self, lane: _Lane | None) -> None:
        if lane is not None and lane.used is not None:
            lane.used.record()

    def _fill(self, place: int) -> _Lane:
        """Into the lane that the block taken last does not lie in."""
        lane = next(lane for lane in self._lanes if lane.holds is None or lane.holds != self._last)
        lane.holds = place
        source = self._cargo[place].bytes
        target = lane.bytes[: source.numel()]
        if self._copying is None or lane.used is None or lane.filled is None:
            target.copy_(source)
            return lane
        with torch.cuda.stream(self._copying):
            self._copying.wait_event(lane.used)
            target.copy_(source, non_blocking=True)
            lane.filled.record()
        return lane
