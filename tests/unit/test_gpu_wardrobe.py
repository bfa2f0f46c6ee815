"""LoRAs that stay at hand: the same while the file is the same, gone when it is gone."""

import pytest
import torch
from torch import Tensor

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.failures import EngineError, FailureCode
from engine.gpu.wardrobe import Wardrobe
from engine.models import lora_file
from engine.models.base import ImageModel

PREFIXES = [f"people/{name}/loras/one/" for name in ("ann", "bob", "cleo")]


def put(blobs: Blobs, prefix: str, model: ImageModel, seed: int) -> Tensor:
    weights = model.lora.fresh(torch.Generator().manual_seed(seed))
    blobs.put_sync(prefix + keys.LORA, lora_file.write(model.lora, weights, model.facts.name))
    return weights


def test_who_comes_again_gets_the_very_same(model: ImageModel, blobs: Blobs) -> None:
    wardrobe = Wardrobe()
    written = [put(blobs, prefix, model, seed) for seed, prefix in enumerate(PREFIXES)]

    found = [wardrobe.weights(blobs, prefix, model) for prefix in PREFIXES]
    again = [wardrobe.weights(blobs, prefix, model) for prefix in PREFIXES]

    assert all(a is b for a, b in zip(found, again, strict=True))
    torch.testing.assert_close(found, written)


def test_a_file_that_was_written_again_is_read_again(model: ImageModel, blobs: Blobs) -> None:
    wardrobe = Wardrobe()
    put(blobs, PREFIXES[0], model, 1)
    wardrobe.weights(blobs, PREFIXES[0], model)

    retrained = put(blobs, PREFIXES[0], model, 2)

    torch.testing.assert_close(wardrobe.weights(blobs, PREFIXES[0], model), retrained)


def test_whoever_is_deleted_is_forgotten_at_once(model: ImageModel, blobs: Blobs) -> None:
    wardrobe = Wardrobe()
    for seed, prefix in enumerate(PREFIXES[:2]):
        put(blobs, prefix, model, seed)
        wardrobe.weights(blobs, prefix, model)
    blobs.delete_sync([PREFIXES[0] + keys.LORA])

    wardrobe.weights(blobs, PREFIXES[1], model)

    assert list(wardrobe._kept) == [PREFIXES[1]]
    with pytest.raises(EngineError) as caught:
        wardrobe.weights(blobs, PREFIXES[0], model)
    assert caught.value.failure.code is FailureCode.LORA_MISSING


def test_only_a_few_are_kept(model: ImageModel, blobs: Blobs) -> None:
    wardrobe = Wardrobe(most=2)
    for seed, prefix in enumerate(PREFIXES):
        put(blobs, prefix, model, seed)
        wardrobe.weights(blobs, prefix, model)

    assert list(wardrobe._kept) == PREFIXES[1:]
