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


def test_they_can_be_cleared(blobs: Blobs) -> None:
    checkpoints = Checkpoints(blobs, PREFIX)
    checkpoints.save(bundle(5))

    checkpoints.clear()

    assert checkpoints.newest("f") is None
    assert blobs.list_sync(PREFIX) == []
