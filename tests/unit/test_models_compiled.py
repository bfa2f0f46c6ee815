"""Blocks as a compiler sees them: one function for each kind and each way, whoever is seated.

On a processor, without what makes code of the graphs: what cannot be traced, or is traced anew for
every block, shows here as it would on a GPU.
"""

from collections.abc import Iterator

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from benchmarks import full_size
from benchmarks.train import learning_inputs
from engine.models import acceleration
from engine.models.flux1 import Flux1
from engine.models.memory import MemoryPlan

SHAPES = {"num_layers": 2, "num_single_layers": 3, "num_attention_heads": 1}
CPU = torch.device("cpu")
KINDS = 2
"""Of blocks: double and single ones."""
PLANS = {
    "folded": MemoryPlan("whole", precision="fp8", turned=True, folds=True),
    "stored": MemoryPlan("frugal", precision="fp8_stored", checkpoint_gradients=True),
}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    torch._dynamo.reset()
    specializes = torch._dynamo.config.specialize_float
    yield
    torch._dynamo.config.specialize_float = specializes
    torch._dynamo.reset()


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # the compiler's look at its inputs
@pytest.mark.parametrize("name", PLANS)
def test_blocks_of_a_kind_share_what_is_compiled(name: str) -> None:
    plain, model = (full_size.build(CPU, PLANS[name], SHAPES) for _ in range(2))
    counter = CompileCounterWithBackend("aot_eager")
    acceleration.compile_blocks(model.network.blocks(), backend=counter)
    anna = model.lora.fresh(torch.Generator().manual_seed(1))
    anna = anna + 0.02 * torch.randn(anna.shape, generator=torch.Generator().manual_seed(2))

    _same_steps(model, plain, anna, 128)
    compiled = counter.frame_count
    assert compiled == 2 * KINDS, "learning and drawing are a function each"
    for who, size in ((anna.flip(0), 128), (anna, 64)):
        _same_steps(model, plain, who, size)
    assert counter.frame_count == compiled
    assert all(block._compiled_call_impl is not None for block in model.network.blocks())


def _same_steps(model: Flux1, plain: Flux1, who: torch.Tensor, size: int) -> None:
    """Both learn and draw alike."""
    found: list[tuple[torch.Tensor, torch.Tensor]] = []
    for each in (model, plain):
        latents, sigma, text, guidance, target = learning_inputs(
            each, size, torch.Generator().manual_seed(size)
        )
        each.lora.seat(who)
        _, gradient = each.learn(latents, sigma, text, guidance, target)
        each.lora.release()
        with torch.no_grad():
            each.seat(who.clone())
            found.append((gradient.clone(), each.predict(latents, sigma, text, guidance)))
    for mine, theirs in zip(*found, strict=True):
        assert torch.cosine_similarity(mine.flatten(), theirs.flatten(), dim=0) > 0.999
