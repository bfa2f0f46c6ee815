"""Checkpoints: whole or refused, the newest whole one wins, two are kept."""

from pathlib import Path

import pytest
import torch

from engine.contract.blobs import Blobs
from engine.training.checkpoints import Bundle, Checkpoints, DamagedError, pack, unpack

PREFIX = "people/a/checkpoints/j/"


def bundle(step: int, fingerprint: str = "f") -> Bundle:
    tensors = {"weights": torch.arange(5.0) + step, "average": torch.ones(2, 3)}
    return Bundle(step, fingerprint, tensors, {"loss": 0.1 + step, "losses": [[1, 0.5]]})


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs.from_url(f"file://{tmp_path}")


def test_a_bundle_comes_back_to_the_bit() -> None:
    before = bundle(3)

    after = unpack(pack(before))

    assert (after.step, after.fingerprint, after.facts) == (3, "f", before.facts)
    assert all(torch.equal(after.tensors[name], t) for name, t in before.tensors.items())


@pytest.mark.parametrize("position", [0, 9, 60, -30, -1])
def test_one_changed_byte_is_noticed(position: int) -> None:
    data = bytearray(pack(bundle(3)))
    data[position] ^= 0x01

    with pytest.raises(DamagedError):
        unpack(bytes(data))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_cut_off_bundle_is_noticed(share: float) -> None:
    data = pack(bundle(3))

    with pytest.raises(DamagedError):
        unpack(data[: int(len(data) * share)])


def test_the_newest_of_the_last_two_is_taken(blobs: Blobs) -> None:
    checkpoints = Checkpoints(blobs, PREFIX)
    for step in (5, 120, 90_000):
        checkpoints.save(bundle(step))

    newest = checkpoints.newest("f")

    assert newest is not None
    assert newest.step == 90_000
    assert len(blobs.list_sync(PREFIX)) == 2


@pytest.mark.parametrize("damage", [b"", b"noise" * 50])
def test_a_damaged_one_falls_back_to_the_one_before(blobs: Blobs, damage: bytes) -> None:
    checkpoints = Checkpoints(blobs, PREFIX)
    checkpoints.save(bundle(5))
    checkpoints.save(bundle(6))
    blobs.put_sync(blobs.list_sync(PREFIX)[-1], damage)

    newest = checkpoints.newest("f")

    assert newest is not None
    assert newest.step == 5


def test_another_trainings_checkpoint_is_of_no_use(blobs: Blobs) -> None:
    checkpoints = Checkpoints(blobs, PREFIX)
    checkpoints.save(bundle(5, fingerprint="other"))

    assert checkpoints.newest("f") is None


def test_a_new_training_is_not_ousted_by_an_old_one_that_was_further(blobs: Blobs) -> None:
    for step in (400, 500):
        Checkpoints(blobs, PREFIX).save(bundle(step, fingerprint="before the upgrade"))
    checkpoints = Checkpoints(blobs, PREFIX)
    assert checkpoints.newest("f") is None

    for step in (10, 20, 30):
        checkpoints.save(bundle(step))

    assert [key[-18:-12] for key in blobs.list_sync(PREFIX)] == ["000020", "000030"]


def test_the_one_before_is_a_whole_one(blobs: Blobs) -> None:
    Checkpoints(blobs, PREFIX).save(bundle(5))
    blobs.put_sync(f"{PREFIX}step-000006.safetensors", b"damaged")
    coming_back = Checkpoints(blobs, PREFIX)
    assert coming_back.newest("f") is not None

    coming_back.save(bundle(7))
    blobs.put_sync(f"{PREFIX}step-000007.safetensors", b"damaged too")
    found = Checkpoints(blobs, PREFIX).newest("f")

    assert found is not None
    assert found.step == 5


def test_they_can_be_cleared(blobs: Blobs) -> None:
    checkpoints = Checkpoints(blobs, PREFIX)
    checkpoints.save(bundle(5))

    checkpoints.clear()

    assert checkpoints.newest("f") is None
    assert blobs.list_sync(PREFIX) == []
