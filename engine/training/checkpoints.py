"""The state of a training on disk: one checksummed bundle at a time, the last two kept.

A bundle is a safetensors file whose metadata holds the step, facts as JSON and a checksum over
both and all tensors. Knows bytes and tensors; what they mean is the loop's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import safetensors
import safetensors.torch
import structlog
import torch
from torch import Tensor

from engine.contract.blobs import BlobMissingError, Blobs

VERSION = "1"
_KEPT = 2
_SUFFIX = ".safetensors"

log = structlog.get_logger()


class DamagedError(ValueError):
    """A bundle that is not whole, or of another version."""


@dataclass(frozen=True)
class Bundle:
    """A training between two steps."""

    step: int
    fingerprint: str
    """Of everything that went into the training; another training's bundle is of no use."""
    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def pack(bundle: Bundle) -> bytes:
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in bundle.tensors.items()}
    state = json.dumps(
        {
            "version": VERSION,
            "step": bundle.step,
            "fingerprint": bundle.fingerprint,
            "facts": bundle.facts,
        }
    )
    metadata = {"state": state, "checksum": _checksum(state, tensors)}
    return safetensors.torch.save(tensors, metadata=metadata)


def unpack(data: bytes) -> Bundle:
    """Raises DamagedError."""
    try:
        tensors = safetensors.torch.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = header["__metadata__"]
        if metadata["checksum"] != _checksum(metadata["state"], tensors):
            raise DamagedError("checksum of the bundle does not match its content")
        state = json.loads(metadata["state"])
        if state["version"] != VERSION:
            raise DamagedError(f"bundle has version {state['version']}; this reads {VERSION}")
        return Bundle(state["step"], state["fingerprint"], tensors, state["facts"])
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DamagedError(str(error)) from error


def _checksum(state: str, tensors: Mapping[str, Tensor]) -> str:
    digest = sha256(state.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


class Checkpoints:
    """The bundles of one training, under a prefix of the blob store that ends in '/'."""

    def __init__(self, blobs: Blobs, prefix: str) -> None:
        self._blobs = blobs
        self._prefix = prefix
        self._whole: list[str] = []
        """Keys of the last bundles that are known to be whole, oldest first."""

    def save(self, bundle: Bundle) -> None:
        """Writes it whole or not at all, then lets go of all but it and the whole one before.

        Damaged ones and those of another training go too, whatever their step.
        """
        key = f"{self._prefix}step-{bundle.step:06d}{_SUFFIX}"
        self._blobs.put_sync(key, pack(bundle))
        self._whole = [*(k for k in self._whole if k != key), key][-_KEPT:]
        self._blobs.delete_sync([k for k in self._keys() if k not in self._whole])

    def newest(self, fingerprint: str) -> Bundle | None:
        """The newest whole bundle of this very training."""
        for key in reversed(self._keys()):
            try:
                bundle = unpack(self._blobs.get_sync(key))
            except BlobMissingError:
                continue
            except DamagedError:
                log.warning("checkpoint_damaged", name=key.rpartition("/")[2])
                continue
            if bundle.fingerprint == fingerprint:
                self._whole = [key]
                return bundle
            log.warning("checkpoint_of_another_training", name=key.rpartition("/")[2])
        return None

    def clear(self) -> None:
        """Deletes them all, when the training is done."""
        self._blobs.delete_sync(self._keys())

    def _keys(self) -> list[str]:
        return [key for key in self._blobs.list_sync(self._prefix) if key.endswith(_SUFFIX)]
