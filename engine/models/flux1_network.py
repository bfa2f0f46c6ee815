"""FLUX.1's transformer as we compute it: the numbers of diffusers' FluxTransformer2DModel.

Projections that read the same input are one matrix, all blocks' modulations are made in one go, and
every linear of a block has its LoRA branch (see `linears`). Blocks are alike, so that one compiled
function serves all of a kind. Knows tensors; knows neither texts, pictures nor noise.

Shapes: b batch, t tokens (text first), d width, n modulations.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from engine.models import heads
from engine.models.attention import Attend
from engine.models.heads import Rotation
from engine.models.linears import LoraLinears, Modulations, Storage, ThinMatrix
from engine.models.lora import LoraSlots
from engine.models.parts import Wake
from engine.models.pointwise import gelu
from engine.models.streaming import Streamer

DOUBLE, SINGLE = "transformer_blocks", "single_transformer_blocks"
_QKV = ("attn.to_q", "attn.to_k", "attn.to_v")
_TEXT_QKV = ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")
_DOUBLE_GROUPS = (
    _QKV, _TEXT_QKV, ("attn.to_out.0",), ("attn.to_add_out",), ("ff.net.0.proj",), ("ff.net.2",),
    ("ff_context.net.0.proj",), ("ff_context.net.2",),
)  # fmt: skip
_SINGLE_GROUPS = ((*_QKV, "proj_mlp"), ("proj_out",))


def lora_groups(transformer: nn.Module) -> list[tuple[str, ...]]:
    """Every linear of every block, those that modulate included, as ostris' trainer does.

    Linears with the same input come together.
    """
    doubles = [f"{DOUBLE}.{n}" for n in range(len(_blocks(transformer, DOUBLE)))]
    singles = [f"{SINGLE}.{n}" for n in range(len(_blocks(transformer, SINGLE)))]
    groups = modulation_groups(transformer)
    groups += [tuple(f"{b}.{name}" for name in group) for b in doubles for group in _DOUBLE_GROUPS]
    groups += [tuple(f"{b}.{name}" for name in group) for b in singles for group in _SINGLE_GROUPS]
    return groups


def modulation_groups(transformer: nn.Module) -> list[tuple[str, ...]]:
    """Those of all linears that shift, scale and gate every token of a block alike."""
    groups = (
        tuple(
            f"{kind}.{n}.{name}" for n in range(len(_blocks(transformer, kind))) for name in names
        )
        for kind, names in ((DOUBLE, _DOUBLE_NORMS), (SINGLE, _SINGLE_NORMS))
    )
    return [group for group in groups if group]


_DOUBLE_NORMS, _SINGLE_NORMS = ("norm1.linear", "norm1_context.linear"), ("norm.linear",)
_OTHERS = ("x_embedder", "context_embedder", "time_text_embed", "norm_out", "proj_out")


class DoubleBlock(nn.Module):
    """Image and text have weights of their own, and attend to each other."""

    own_heads: bool

    def __init__(self, block: Any, name: str, lora: LoraSlots, storage: Storage, attend: Attend):
        super().__init__()
        linears = [
            _linears(block, name, group, lora, storage) for group in _DOUBLE_GROUPS
        ]  # fmt: skip
        self.qkv, self.text_qkv, self.out, self.text_out = linears[:4]
        self.up, self.down, self.text_up, self.text_down = linears[4:]
        norms = (block.attn.norm_q, block.attn.norm_k)
        text_norms = (block.attn.norm_added_q, block.attn.norm_added_k)
        self.norms, self.text_norms = _Norms(norms, storage), _Norms(text_norms, storage)
        self._attend, self.own_heads = attend, False

    def forward(
        self, image: Tensor, text: Tensor, of_image: Tensor, of_text: Tensor, rotation: Rotation
    ) -> tuple[Tensor, Tensor]:
        """Streams (b, t, d) and their modulations (b, 6 d); `rotation` is the image tokens' alone,
        for text is at (0, 0, 0), where nothing turns.
        """
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = of_image[:, None].chunk(6, dim=-1)
        text_mods = of_text[:, None].chunk(6, dim=-1)
        made, image = self.qkv.of_normed(image, shift, scale)
        text_made, text = self.text_qkv.of_normed(text, text_mods[0], text_mods[1])
        q, k, v = self._joined(text_made, made, rotation)
        seen = self._attend(q, k, v).flatten(2)
        num_text = text.shape[1]
        image = image + gate * self.out(seen[:, num_text:])
        text = text + text_mods[2] * self.text_out(seen[:, :num_text])
        hidden, image = self.up.of_normed(image, mlp_shift, mlp_scale)
        image = image + mlp_gate * self.down.of_gelu(hidden)
        hidden, text = self.text_up.of_normed(text, text_mods[3], text_mods[4])
        return image, text + text_mods[5] * self.text_down.of_gelu(hidden)

    def _joined(
        self, text: Tensor, image: Tensor, rotation: Rotation
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of both, text's first."""
        if self.own_heads:
            return heads.joined(
                text, image, self.text_norms.both, self.norms.both, rotation, self.norms.epsilon
            )
        words = self.text_norms(text.chunk(3, dim=-1), None)
        seen = self.norms(image.chunk(3, dim=-1), rotation)
        q, k, v = (torch.cat(pair, 1) for pair in zip(words, seen, strict=True))
        return q, k, v


class SingleBlock(nn.Module):
    """All tokens alike; attention and the two-layer network side by side."""

    own_heads: bool

    def __init__(self, block: Any, name: str, lora: LoraSlots, storage: Storage, attend: Attend):
        super().__init__()
        self.into, self.out = (
            _linears(block, name, group, lora, storage) for group in _SINGLE_GROUPS
        )  # fmt: skip
        self.norms = _Norms((block.attn.norm_q, block.attn.norm_k), storage)
        self._attend, self.own_heads = attend, False

    def forward(self, x: Tensor, modulation: Tensor, rotation: Rotation) -> Tensor:
        """(b, t, d) and (b, 3 d)."""
        shift, scale, gate = modulation[:, None].chunk(3, dim=-1)
        width = x.shape[-1]
        made, x = self.into.of_normed(x, shift, scale)
        if self.own_heads:
            norms = self.norms
            q, k, v, hidden = heads.opened(made, width, norms.both, rotation, norms.epsilon)
        else:
            # In one go, so that their gradients are put together once.
            rest = made.shape[-1] - 3 * width
            *attended, hidden = made.split((width, width, width, rest), dim=-1)
            q, k, v = self.norms(attended, rotation)
        activate = heads.passed_gelu if self.own_heads else gelu
        return x + gate * self.out.of_gelu(hidden, self._attend(q, k, v).flatten(2), activate)


class _Norms(nn.Module):
    """Of queries and keys."""

    def __init__(self, norms: Sequence[nn.RMSNorm], storage: Storage) -> None:
        super().__init__()
        self.q, self.k = (
            nn.Parameter(norm.weight.detach().to(storage.device, storage.dtype), False)
            for norm in norms
        )
        self.epsilon = cast(float, norms[0].eps)

    @property
    def both(self) -> heads.Norms:
        return self.q, self.k

    def forward(
        self, parts: Sequence[Tensor], rotation: Rotation | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        return heads.plain(parts, self.both, rotation, self.epsilon)


class FluxNetwork(nn.Module):
    """The transformer, built from diffusers' own, whose block weights it takes over."""

    def __init__(
        self, transformer: Any, lora: LoraSlots, storage: Storage, attend: Attend,
        checkpoints: bool = False, streamed_share: float = 0.0,
        wake: Wake = lambda module: module,
    ) -> None:  # fmt: skip
        """Empties the blocks of `transformer` one by one, so that no weight is held twice.

        `checkpoints`: nothing of a block is kept for the backward; it is computed again.
        `streamed_share`: of the blocks, evenly spread, that stay out of the device while others
        compute; each leaves it before the next is built, for all of them may not fit.
        `wake` is called for each module before it is read.
        """
        super().__init__()
        self.image_in, self.text_in, self.condition, self.norm_out, self.project_out = (
            wake(transformer.get_submodule(name)).to(storage.device, storage.dtype)
            for name in _OTHERS
        )
        self._positions = transformer.pos_embed
        self._takes_guidance = bool(transformer.config["guidance_embeds"])
        self._checkpoints = checkpoints
        doubles, singles = _blocks(transformer, DOUBLE), _blocks(transformer, SINGLE)
        self.double_modulations = _modulations(doubles, DOUBLE, _DOUBLE_NORMS, lora, storage, wake)
        self.single_modulations = _modulations(singles, SINGLE, _SINGLE_NORMS, lora, storage, wake)
        self.doubles, self.singles = nn.ModuleList(), nn.ModuleList()
        streamed = _spread(streamed_share, len(doubles) + len(singles))
        self._streamer = Streamer(storage.device) if streamed else None
        for kind, blocks, mine, name in (
            (DoubleBlock, doubles, self.doubles, DOUBLE),
            (SingleBlock, singles, self.singles, SINGLE),
        ):
            for number, block in enumerate(blocks):
                mine.append(kind(wake(block), f"{name}.{number}", lora, storage, attend))
                block.to("meta")
                place = len(self.blocks()) - 1
                if self._streamer is not None and place in streamed:
                    self._streamer.unload(place, mine[-1])
        self.eval().requires_grad_(False)
        self._linears = [m for m in self.modules() if isinstance(m, LoraLinears)]
        self._numbers = {id(block): number for number, block in enumerate(self.blocks())}

    def forward(
        self, latents: Tensor, timestep: Tensor, guidance: Tensor, pooled: Tensor, text: Tensor,
        rotation: Rotation,
    ) -> Tensor:  # fmt: skip
        """Velocity of packed latents (b, t, 4 c). Timestep and guidance are (b,), times 1000.

        Modulations are copied apart: what is compiled for a block looks at where its inputs begin.
        """
        stream, words = self.image_in(latents), self.text_in(text)
        # As what a block gives, so that what is compiled for the second one serves the first.
        stream, words = (x.clone().requires_grad_(torch.is_grad_enabled()) for x in (stream, words))
        conditions = (timestep, guidance, pooled) if self._takes_guidance else (timestep, pooled)
        condition = self.condition(*conditions)
        small = F.silu(condition)
        # Apart, or the compiler takes the number of all tokens for one that never changes.
        of_image = cast(Rotation, tuple(part[words.shape[1] :].clone() for part in rotation))
        if self.double_modulations is not None:
            pairs = iter(_apart(self.double_modulations(small)))
            for block, mine, theirs in zip(self.doubles, pairs, pairs, strict=True):
                stream, words = self._run(block, stream, words, mine, theirs, of_image)
        stream = torch.cat((words, stream), dim=1)
        if self.single_modulations is not None:
            modulations = _apart(self.single_modulations(small))
            for block, modulation in zip(self.singles, modulations, strict=True):
                stream = self._run(block, stream, modulation, rotation)
        stream = stream[:, words.shape[1] :]
        return self.project_out(self.norm_out(stream, condition))

    @torch.no_grad()
    def rotation(self, num_text: int, rows: int, columns: int, device: torch.device) -> Rotation:
        """Text tokens are all at (0, 0, 0), image tokens at (0, row, column)."""
        ids = torch.zeros(num_text + rows * columns, 3, device=device)
        grid = ids[num_text:].view(rows, columns, 3)
        grid[..., 1] = torch.arange(rows, device=device)[:, None]
        grid[..., 2] = torch.arange(columns, device=device)[None]
        cosines, sines = self._positions(ids)
        return cosines, sines * torch.tensor((-1.0, 1.0), device=device).repeat(sines.shape[1] // 2)

    def blocks(self) -> list[nn.Module]:
        return [*self.doubles, *self.singles]

    def fold(self) -> None:
        """Makes matrices with the seated branches in them, for drawing."""
        for linears in self._linears:
            if linears.folded is not None:
                linears.folded.fill(linears.branch)

    def draw_folded(self, on: bool) -> None:
        """Whether those matrices hold what is seated now."""
        for linears in self._linears:
            linears.draws_folded = on

    def use_own_kernels(self, heads: bool, norms: bool) -> None:
        """Whether those of `heads` and those of `norms` are used."""
        for block in self.blocks():
            cast(DoubleBlock | SingleBlock, block).own_heads = heads
        for linears in self._linears:
            linears.own_norms = norms

    def compilable(self) -> list[nn.Module]:
        """All parts that gain from compiling; those of a kind share what is made."""
        thin = [m for m in self.modules() if isinstance(m, ThinMatrix) and m.scale is not None]
        return [*self.blocks(), *thin]

    def _run(self, block: Callable[..., Any], *inputs: Any) -> Any:
        def compute(*inputs: Any) -> Any:
            if self._streamer is not None:
                self._streamer.take(self._numbers[id(block)])
            return block(*inputs)

        if self._checkpoints and torch.is_grad_enabled():
            return checkpoint(compute, *inputs, use_reentrant=False, preserve_rng_state=False)
        return compute(*inputs)


def _spread(share: float, count: int) -> set[int]:
    """That share of the numbers below `count`, evenly spread."""
    most = round(share * count)
    return {n for n in range(count) if (n * most) % count < most}


def _apart(modulations: Tensor) -> tuple[Tensor, ...]:
    copied: Callable[..., Any] = torch.unbind_copy
    return copied(modulations, 1)


def _linears(
    block: nn.Module, name: str, group: tuple[str, ...], lora: LoraSlots, storage: Storage
) -> LoraLinears:
    linears = [cast(nn.Linear, block.get_submodule(part)) for part in group]
    return LoraLinears(linears, lora.branch(f"{name}.{group[0]}"), storage)


def _modulations(
    blocks: Sequence[nn.Module], kind: str, names: Sequence[str], lora: LoraSlots,
    storage: Storage, wake: Wake,
) -> Modulations | None:  # fmt: skip
    """Of all blocks in their order, for each its norms in theirs; None without blocks."""
    if not blocks:
        return None
    linears = (
        cast(nn.Linear, wake(block.get_submodule(name))) for block in blocks for name in names
    )
    return Modulations(linears, lora.branch(f"{kind}.0.{names[0]}"), storage)


def _blocks(transformer: nn.Module, name: str) -> Sequence[nn.Module]:
    return cast(nn.ModuleList, transformer.get_submodule(name))  # pyright: ignore
