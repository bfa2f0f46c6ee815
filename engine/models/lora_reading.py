"""Layers of a LoRA as any trainer saved them, brought to the layers and the rank of our slots.

Fused layers (query, key and value in one) are cut into rows; ranks above ours are reduced to the
best approximation of ours (Eckart and Young, 1936). Knows matrices; knows no file and no metadata.
"""

from collections.abc import Mapping, Sequence

import structlog
import torch
from torch import Tensor

from engine.contract import lora_names
from engine.models.lora import LoraSlots

Pairs = dict[str, tuple[Tensor, Tensor]]
"""A (rank, inputs) and B (outputs, rank) by the name of the module in the transformer."""

log = structlog.get_logger()


def fit(layers: Mapping[str, tuple[Tensor, Tensor]], slots: LoraSlots) -> Pairs:
    """Layers under any trainer's names as pairs for these slots. The scale is in B already.

    What lies outside of the blocks has no slot; it is left out, and counted in the log.

    Raises:
        ValueError: for a layer of a block that the base does not have, or of another shape.
    """
    table = lora_names.spellings(slot.module for slot in slots.slots)
    outputs = {slot.module: slot.out_features for slot in slots.slots}
    pairs: Pairs = {}
    left_out = 0
    for name, (a, b) in layers.items():
        parts = table.get(name)
        if parts is not None:
            pairs |= split(a, b, parts, [outputs[part] for part in parts])
        elif lora_names.is_flux1(name):
            raise ValueError(f"adapter has a layer {name!r} that the base does not have")
        else:
            left_out += 1
    if left_out:
        log.warning("lora_layers_left_out", num=left_out, of=len(layers))
    return _reduced(pairs, slots.rank)


def split(a: Tensor, b: Tensor, parts: Sequence[str], outputs: Sequence[int]) -> Pairs:
    """The rows of a fused layer, each with what of the rank it uses.

    Raises:
        ValueError: where the rows are not those of the parts.
    """
    if len(parts) == 1:
        return {parts[0]: (a, b)}
    if b.shape[0] != sum(outputs):
        raise ValueError(f"fused layer has {b.shape[0]} outputs; {parts[0]} … need {sum(outputs)}")
    pairs: Pairs = {}
    for part, rows in zip(parts, b.split(list(outputs)), strict=True):
        used = rows.any(dim=0)  # trainers that split stack A and leave zeros in B
        if used.any():
            pairs[part] = (a[used], rows[:, used])
    return pairs


def reduce(a: Tensor, b: Tensor, rank: int) -> tuple[Tensor, Tensor, float]:
    """The nearest product of a lower rank, and the share of the squared norm that it keeps."""
    q_b, r_b = torch.linalg.qr(b)
    q_a, r_a = torch.linalg.qr(a.T)
    u, s, v = torch.linalg.svd(r_b @ r_a.T, full_matrices=False)
    root = s[:rank].sqrt()
    kept = float(s[:rank].square().sum() / s.square().sum().clamp(min=1e-30))
    return root[:, None] * (v[:rank] @ q_a.T), (q_b @ u[:, :rank]) * root, kept


def _reduced(pairs: Pairs, rank: int) -> Pairs:
    fitting: Pairs = {}
    shares: list[float] = []
    for module, (a, b) in pairs.items():
        if a.shape[0] > rank and a.shape[0] == b.shape[1]:
            a, b, kept = reduce(a, b, rank)
            shares.append(kept)
        fitting[module] = (a, b)
    if shares:
        log.info(
            "lora_rank_reduced", num_layers=len(shares), to=rank, least_kept=round(min(shares), 3)
        )
    return fitting
