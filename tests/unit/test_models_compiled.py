"""Blocks as a compiler sees them: one function for each kind and each way, whoever is seated.

On a processor, without what makes code of the graphs: what cannot be traced, or is traced anew for
every block or size, shows here as it would on a GPU.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.fx import GraphModule

from benchmarks import full_size
from benchmarks.train import learning_inputs
from engine.models import acceleration
from engine.models.base import TextEmbeddings
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
@pytest.mark.filterwarnings("ignore:.*should not be instantiated")  # by the compiler itself
@pytest.mark.parametrize(("name", "own_kernels"), [("folded", True), ("stored", False)])
def test_blocks_of_a_kind_share_what_is_compiled(name: str, own_kernels: bool) -> None:
    """Learning and drawing are a function each, and so are one picture and several."""
    plain, model = (full_size.build(CPU, PLANS[name], SHAPES) for _ in range(2))
    model.network.use_own_kernels(own_kernels, own_kernels)
    graphs = count()

    def as_it_is(graph: GraphModule, _: list[Tensor]) -> GraphModule:
        next(graphs)
        return graph

    acceleration.compile_blocks(model.network.blocks(), backend=as_it_is)
    anna = model.lora.fresh(torch.Generator().manual_seed(1))
    anna = anna + 0.02 * torch.randn(anna.shape, generator=torch.Generator().manual_seed(2))

    for who, size, number in (
        (anna, 64, 1), (anna.flip(0), 64, 1), (anna, 32, 1), (anna, 32, 2), (anna, 64, 2),
    ):  # fmt: skip
        found, expected = (_step(each, who, size, number) for each in (model, plain))
        for mine, theirs in zip(found, expected, strict=True):
            assert torch.cosine_similarity(mine.flatten(), theirs.flatten(), dim=0) > 0.999
    assert next(graphs) == 2 * 2 * KINDS
    assert all(block._compiled_call_impl is not None for block in model.network.blocks())


def _step(model: Flux1, who: Tensor, size: int, number: int) -> tuple[Tensor, Tensor]:
    """A gradient, and a prediction for so many pictures."""
    inputs: tuple[Any, ...] = learning_inputs(model, size, torch.Generator().manual_seed(size))
    latents, sigma, text, guidance, target = inputs
    latents, target = (x.expand(number, -1, -1, -1) for x in (latents, target))
    sigma, text = sigma.expand(number), TextEmbeddings.stack([text] * number)
    model.lora.seat(who)
    _, gradient = model.learn(latents, sigma, text, guidance, target)
    model.lora.release()
    with torch.no_grad():
        model.seat(who.clone())
        return gradient.clone(), model.predict(latents, sigma, text, guidance)
