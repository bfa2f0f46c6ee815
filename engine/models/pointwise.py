"""What stands between two products of a transformer: norms and GELU, number by number.

Knows tensors; knows no weights. What rounds them in the same breath is `rounding`'s affair.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-6
"""Of the norms."""
_GELU = 2 * math.sqrt(2 / math.pi)


def normed(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Tokens (b, t, d) normalised, scaled and shifted as (b, 1, d) say."""
    return F.layer_norm(x, (x.shape[-1],), eps=EPSILON) * (1 + scale) + shift


def gelu(x: Tensor) -> Tensor:
    """Approximated by tanh. The same as a sigmoid takes a compiled kernel half the instructions."""
    if not torch.compiler.is_compiling():
        return F.gelu(x, approximate="tanh")
    wide = x.float()
    return (wide * torch.sigmoid(_GELU * (wide + 0.044715 * wide * wide * wide))).to(x.dtype)
