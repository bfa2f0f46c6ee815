"""Whether kernels of our own are to be trusted: they are held against the plain way before use."""

from collections.abc import Callable, Iterable

import structlog
import torch
from torch import Tensor

log = structlog.get_logger()


def passes(kernels: str, difference: Callable[[], float], close: float, **facts: str) -> bool:
    """False where the trial fails, as without Triton, or finds more than a close difference."""
    try:
        found = difference()
    except Exception as error:
        log.info(f"{kernels}_not_used", error=type(error).__name__, **facts)
        return False
    if not found <= close:
        log.warning(f"{kernels}_not_used", relative_difference=found, **facts)
        return False
    return True


def furthest(found: Iterable[Tensor], expected: Iterable[Tensor]) -> float:
    """The largest of their relative differences; no number if any is none."""
    pairs = ((x.float(), y.float()) for x, y in zip(found, expected, strict=True))
    return torch.stack([(x - y).norm() / y.norm() for x, y in pairs]).max().item()
