"""Exceptions to failures, with the messages that torch really gives."""

import errno

import pytest

from engine.contract.failures import EngineError, FailureCode
from engine.gpu import faults


class OutOfMemoryError(RuntimeError):
    """Named like torch's own."""


class AcceleratorError(RuntimeError):
    """Named like torch's own."""


CUDA_OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.55 GiB of "
    "which 812.44 MiB is free. Process 1 has 22.75 GiB memory in use."
)
CPU_OUT_OF_MEMORY = (
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 400000000000 bytes. Error code 12 (Cannot allocate memory)"
)


@pytest.mark.parametrize(
    ("error", "code", "fatal"),
    [
        (OutOfMemoryError(CUDA_OUT_OF_MEMORY), FailureCode.GPU_OUT_OF_MEMORY, False),
        (RuntimeError(CPU_OUT_OF_MEMORY), FailureCode.GPU_OUT_OF_MEMORY, False),
        (MemoryError(), FailureCode.GPU_OUT_OF_MEMORY, False),
        (
            AcceleratorError("CUDA error: an illegal memory access was encountered"),
            FailureCode.GPU_FAILED,
            True,
        ),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), FailureCode.GPU_FAILED, True),
        (OSError(errno.ENOSPC, "No space left on device"), FailureCode.DISK_FULL, False),
        (EngineError(FailureCode.LORA_MISSING), FailureCode.LORA_MISSING, False),
        (ZeroDivisionError("division by zero"), FailureCode.INTERNAL, False),
    ],
)
def test_each_fault_has_its_code(error: Exception, code: FailureCode, fatal: bool) -> None:
    failure, is_fatal = faults.judge(error)
    assert (failure.code, is_fatal) == (code, fatal)


def test_memory_that_is_lacking_is_said_in_mib() -> None:
    failure, _ = faults.judge(OutOfMemoryError(CUDA_OUT_OF_MEMORY))
    assert failure.facts == {"needed_mib": 2560, "free_mib": 812}


def test_messages_stay_out_of_failures() -> None:
    failure, _ = faults.judge(ValueError("the prompt of a person"))
    assert failure.facts == {"error": "ValueError"}
