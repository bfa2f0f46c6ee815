"""Making the same numbers faster on a CUDA device: compiled blocks, recorded steps.

A step of a large network is some thousand kernels, many shorter than their launch. Blocks are
compiled (their elementwise work becomes few kernels), and the whole step is recorded once for each
shape of its inputs as a CUDA graph and played from then on. What fails to compile or to record runs
as it is, and the log says so. Knows functions of tensors; knows no network.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
import torch
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException

Step = Callable[..., Tensor]
_MOST_RECORDINGS = 16
_WARM_UPS = 3

log = structlog.get_logger()


def compile_blocks(
    blocks: Sequence[nn.Module], backend: str | Callable[..., Any] = "inductor"
) -> None:
    """Has each kind of block compiled when it is first called, once for all sizes of pictures.

    A network's own numbers never change. Taken for such that do, as floats are with sizes that
    vary, they cost each block a compilation that is thrown away. Reductions in both directions at
    once are for more tokens than a picture has; asking whether they are of use splits sizes at
    1,700 tokens, and each side would be compiled for itself.
    """
    torch._dynamo.config.cache_size_limit = max(64, torch._dynamo.config.cache_size_limit)
    torch._dynamo.config.specialize_float = True
    with suppress(ImportError, AttributeError):
        from torch._inductor import config

        config.triton.mix_order_reduction = False
    for block in blocks:
        block.compile(fullgraph=True, dynamic=True, backend=backend)


def call_compilers() -> None:
    """Starts the processes that compile kernels, so that they are there when the base is loaded."""
    with suppress(ImportError, AttributeError):
        from torch._inductor.async_compile import maybe_warm_pool

        maybe_warm_pool()


def uncompile_blocks(blocks: Sequence[nn.Module]) -> None:
    for block in blocks:
        block._compiled_call_impl = None


@dataclass
class _Recording:
    graph: "torch.cuda.CUDAGraph"
    inputs: list[Tensor]
    output: Tensor

    def play(self, inputs: Sequence[Tensor]) -> Tensor:
        for mine, given in zip(self.inputs, inputs, strict=True):
            mine.copy_(given)
        self.graph.replay()
        return self.output.clone()


class NotCompiledError(Exception):
    """A step fails in what was compiled; uncompiled it may run."""


class Recorder:
    """Plays steps that it has recorded before; records those that are new.

    A step is a function of tensors that always touches the same other memory: weights, gradients.
    All recordings share one pool of memory, since no two are ever played at once.
    """

    def __init__(self) -> None:
        self._recordings: OrderedDict[Hashable, _Recording] = OrderedDict()
        self._failed: set[Hashable] = set()
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream()

    def run(self, name: str, step: Step, inputs: Sequence[Tensor]) -> Tensor:
        """What `step` makes of the inputs. The name tells steps apart whose inputs look alike.

        Raises:
            NotCompiledError: the first time, where compiling fails.
        """
        key = (name, *((tuple(x.shape), x.dtype) for x in inputs))
        if key in self._failed:
            return step(*inputs)
        recording = self._recordings.get(key)
        if recording is None:
            recording = self._record(key, step, inputs)
        if recording is None:
            return step(*inputs)
        self._recordings.move_to_end(key)
        return recording.play(inputs)

    def forget(self) -> None:
        """Frees the memory of all recordings."""
        self._recordings.clear()
        self._pool = torch.cuda.graph_pool_handle()
        torch.cuda.empty_cache()

    def _record(self, key: Hashable, step: Step, inputs: Sequence[Tensor]) -> _Recording | None:
        while len(self._recordings) >= _MOST_RECORDINGS:
            self._recordings.popitem(last=False)
        own = [x.clone() for x in inputs]
        self._warm_up(step, own)
        try:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                output = step(*own)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            log.warning("step_not_recorded", error=str(error)[:200])
            self._failed.add(key)
            return None
        recording = self._recordings[key] = _Recording(graph, own, output)
        return recording

    def _warm_up(self, step: Step, inputs: Sequence[Tensor]) -> None:
        """On the stream that records, where gradients must be gathered too (a node of autograd
        keeps to the stream that it was made on): kernels choose their ways, memory is found.
        """
        here = torch.cuda.current_stream()
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            for _ in range(_WARM_UPS):
                with compiling():
                    step(*inputs)
        here.wait_stream(self._stream)


@contextmanager
def compiling() -> Iterator[None]:
    """Turns what a compiler raises into NotCompiledError; other faults stay what they are."""
    try:
        yield
    except TorchDynamoException as error:
        log.warning("blocks_not_compiled", error=type(error).__name__, why=str(error)[:200])
        raise NotCompiledError from error
