"""The LoRAs of those who drew last, read and ready to be seated again.

Somebody who presses "Again" waits for no file, and what was folded for them is still right. A few
at most are kept, in this process alone, and each only as long as its file is there unchanged.
"""

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor

from engine.contract import keys
from engine.contract.blobs import BlobMissingError, Blobs
from engine.contract.failures import EngineError, FailureCode
from engine.models import lora_file
from engine.models.base import ImageModel

_MOST = 3


@dataclass(frozen=True)
class _Kept:
    version: str
    weights: Tensor


class Wardrobe:
    """Of one base."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def weights(self, blobs: Blobs, prefix: str, model: ImageModel) -> Tensor:
        """Flat weights of the LoRA under a prefix, in the machine's memory and in the slots' dtype;
        nobody may change them.

        Raises:
            EngineError: LORA_MISSING, LORA_INCOMPATIBLE.
        """
        key = prefix + keys.LORA
        self._drop_what_is_gone(blobs, but=prefix)
        try:
            version = blobs.version_sync(key)
            kept = self._kept.get(prefix)
            if kept is None or kept.version != version:
                read = lora_file.read(blobs.get_sync(key), model.lora, model.facts.name)
                kept = self._kept[prefix] = _Kept(version, read.to("cpu", model.lora.dtype))
        except BlobMissingError as error:
            self._kept.pop(prefix, None)
            raise EngineError(FailureCode.LORA_MISSING) from error
        self._kept.move_to_end(prefix)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return kept.weights

    def _drop_what_is_gone(self, blobs: Blobs, but: str) -> None:
        """Whoever had their data deleted is in no memory either, from the next request on."""
        for prefix in [prefix for prefix in self._kept if prefix != but]:
            try:
                blobs.version_sync(prefix + keys.LORA)
            except BlobMissingError:
                del self._kept[prefix]
