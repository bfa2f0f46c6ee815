"""What an exception on the GPU means: a failure by code, and whether the process is poisoned.

Told apart by type names and messages, so that this needs no torch.
"""

import errno
import re

from engine.contract.blobs import BlobMissingError
from engine.contract.failures import EngineError, Failure, FailureCode

EXIT_POISONED = 70
"""Exit code of a process that a GPU error has made useless."""
EXIT_LOWERED = 71
"""Of one that ends for want of memory, so that a more frugal one takes its place."""

_OUT_OF_MEMORY = ("OutOfMemoryError", "MemoryError")
_OUT_OF_MEMORY_WORDS = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
_POISON = ("AcceleratorError", "DeferredCudaCallError")
_POISON_WORDS = ("CUDA error", "CUDNN_STATUS", "cuDNN error", "CUBLAS_STATUS", "HIP error")
_UNIT_MIB = {"KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}


def judge(error: Exception) -> tuple[Failure, bool]:
    """The failure, and whether it is fatal to the process."""
    name, text = type(error).__name__, str(error)
    if isinstance(error, EngineError):
        return error.failure, False
    if name in _OUT_OF_MEMORY or any(words in text for words in _OUT_OF_MEMORY_WORDS):
        return _failure(
            FailureCode.GPU_OUT_OF_MEMORY,
            needed_mib=_mib(r"allocate ([\d.]+) ([KMG]iB)", text),
            free_mib=_mib(r"of which ([\d.]+) ([KMG]iB) is free", text),
        ), False
    if name in _POISON or any(words in text for words in _POISON_WORDS):
        return _failure(FailureCode.GPU_FAILED, error=name), True
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return _failure(FailureCode.DISK_FULL, free_mib=0), False
    if isinstance(error, BlobMissingError):
        return _failure(FailureCode.STORAGE_UNREACHABLE), False
    return _failure(FailureCode.INTERNAL, error=name), False


def _failure(code: FailureCode, **facts: object) -> Failure:
    return Failure.model_validate({"code": code, **facts})


def _mib(pattern: str, text: str) -> int:
    """0 where the message does not say."""
    found = re.search(pattern, text)
    return round(float(found[1]) * _UNIT_MIB[found[2]]) if found else 0
