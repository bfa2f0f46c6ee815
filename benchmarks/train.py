"""How fast FLUX.1-dev is trained at full size, beside a reference: `python -m benchmarks.train`.

Weights are random in the exact shapes (see `full_size`), steps are the trainer's own. The reference
is what a script would do: diffusers' transformer, peft LoRA of rank 16 on attention and on the
feed-forward, eager bf16, batch 1, AdamW. Prints one JSON object a line as figures come.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from peft import LoraConfig
from PIL import Image
from torch import Tensor

from benchmarks import full_size
from benchmarks.full_size import free_all, peak_gib, seconds_of, synchronise
from engine.contract.manifests import DatasetManifest, Example
from engine.generation.sampling import Sampler, Shot, pictures_at_once
from engine.gpu import client, rehearsal
from engine.gpu.critics import MAX_CRITICS
from engine.gpu.judge import Judge, Opinion
from engine.gpu.looks import Looker
from engine.models.base import TextEmbeddings
from engine.models.flux1 import Flux1
from engine.models.memory import LIMITS_GIB, MemoryPlan
from engine.training.loop import Trainer
from engine.training.recipe import Recipe, choose

CASES = ((512, 1), (512, 2), (512, 4), (768, 1), (768, 2), (1024, 1))
"""Pixels of a side, samples in a batch."""
TIERS = {"24": 768, "16": 768, "12": 512}
FLOOR_BF16_S = {512: 0.055, 768: 0.108, 1024: 0.192}
"""Of a sample at 775 TFLOP/s, forward and the gradient of inputs."""
REFERENCE_LAYERS = (
    r".*(to_q|to_k|to_v|to_out\.0|add_q_proj|add_k_proj|add_v_proj|to_add_out|proj_mlp|proj_out"
    r"|ff\.net\.0\.proj|ff\.net\.2|ff_context\.net\.0\.proj|ff_context\.net\.2)"
)
RANK = 16
NUM_PHOTOS = 12
JUDGING_S = 0.35
"""Of one picture of 512 px, detector and embedding, on one core."""
SMALL = {"num_layers": 1, "num_single_layers": 2, "num_attention_heads": 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=8, help="timed, of each case")
    parser.add_argument(
        "--parts", default="reference,ours,whole,agreement,tiers", help="what to measure, by commas"
    )
    parser.add_argument("--sizes", default="512,768,1024", help="pixels of a side")
    parser.add_argument("--runs", type=int, default=2, help="of a whole training")
    parser.add_argument("--tiers", default=",".join(TIERS), help="of memory, by commas")
    parser.add_argument("--small", action="store_true", help="a small network: tries the program")
    asked = parser.parse_args()
    os.environ.update(client.environment())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shapes = SMALL if asked.small else None
    sizes = [int(size) for size in asked.sizes.split(",")]
    tell(device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
         torch=torch.__version__, small=asked.small)  # fmt: skip
    references: dict[int, float] = {}
    for part in asked.parts.split(","):
        free_all(device)
        if part == "reference":
            references = time_reference(device, shapes, sizes, asked.steps)
        elif part == "ours":
            time_ours(device, shapes, sizes, asked.steps, references)
        elif part == "whole":
            time_whole(device, shapes, max(sizes), asked.runs)
        elif part == "agreement":
            for initial in (False, True):
                compare_gradients(device, shapes, min(sizes), initial)
        elif part == "tiers":
            for tier in asked.tiers.split(","):
                size = min(TIERS[tier], max(sizes))
                time_tier(device, shapes, tier, size, max(sizes), asked.steps)


def tell(**figures: object) -> None:
    print(json.dumps(figures), flush=True)


def time_reference(
    device: torch.device, shapes: dict[str, Any] | None, sizes: list[int], steps: int
) -> dict[int, float]:
    network: Any = full_size.reference(device, shapes)
    if device.type == "cuda":
        torch.backends.cuda.enable_cudnn_sdp(False)
    network.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=REFERENCE_LAYERS))
    learned = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-4)
    found: dict[int, float] = {}
    for size in sizes:
        inputs = plain_inputs(network, size, device)
        target = torch.randn_like(inputs["hidden_states"])

        def step(inputs: dict[str, Any] = inputs, target: Tensor = target) -> None:
            loss = F.mse_loss(network(**inputs, return_dict=False)[0].float(), target.float())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        found[size] = seconds_of(step, device, steps)
        tell(part="reference", size_px=size, seconds=found[size], peak_gib=peak_gib(device))
    return found


def plain_inputs(network: Any, size: int, device: torch.device) -> dict[str, Any]:
    side, dtype = size // 16, next(network.parameters()).dtype
    config = network.config
    ids = torch.zeros(side, side, 3, device=device, dtype=dtype)
    ids[..., 1] = torch.arange(side, device=device)[:, None]
    ids[..., 2] = torch.arange(side, device=device)[None]
    return {
        "hidden_states": torch.randn(1, side * side, 64, device=device, dtype=dtype),
        "timestep": torch.tensor([0.5], device=device, dtype=dtype),
        "guidance": torch.ones(1, device=device),
        "pooled_projections": torch.randn(
            1, config["pooled_projection_dim"], device=device, dtype=dtype
        ),
        "encoder_hidden_states": torch.randn(
            1, 512, config["joint_attention_dim"], device=device, dtype=dtype
        ),
        "txt_ids": torch.zeros(512, 3, device=device, dtype=dtype),
        "img_ids": ids.view(-1, 3),
    }


def time_ours(
    device: torch.device, shapes: dict[str, Any] | None, sizes: list[int], steps: int,
    references: dict[int, float],
) -> None:  # fmt: skip
    began = time.perf_counter()
    model = full_size.build(device, full_size.plan_for("auto", device), shapes)
    tell(part="ours", plan=vars(model.plan), built_s=time.perf_counter() - began,
         resident_gib=peak_gib(device))  # fmt: skip
    for size, batch in CASES if shapes is None else ((size, 1) for size in sizes):
        if size in sizes:
            figures = time_training(model, size, batch, steps)
            a_sample = figures["seconds"] / batch
            if size in references:
                figures["times_reference"] = references[size] / a_sample
            tell(part="ours", size_px=size, batch=batch, seconds_a_sample=a_sample,
                 share_of_bf16_floor=FLOOR_BF16_S.get(size, 0.0) / a_sample, **figures)  # fmt: skip


def time_training(model: Flux1, size: int, batch: int, steps: int) -> dict[str, float]:
    """Steps of the real trainer on random pictures; the first one compiles and records."""
    device = model.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    running = trainer(model, size, batch, steps + 4).steps()
    began = time.perf_counter()
    first = next(done for done in running if done.phase == "training")
    synchronise(device)
    first_s = time.perf_counter() - began
    seconds = seconds_of(lambda: next(running), device, steps)
    running.close()  # pyright: ignore
    assert first.loss is not None
    return {
        "seconds": seconds, "first_step_s": first_s, "loss": first.loss,
        "peak_gib": peak_gib(device),
    }  # fmt: skip


def peak_of_both(model: Flux1, size: int) -> float:
    """Of a training with pictures drawn between two of its steps, in GiB."""
    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(model.device)
    running = trainer(model, size, 1, 8).steps()
    next(done for done in running if done.phase == "training")
    shots = [Shot("TOK person", seed) for seed in range(pictures_at_once(model, (size, size)))]
    for _ in Sampler(model, model.lora.zeros(), shots, (size, size), 2.5, num_steps=2).steps():
        pass
    next(running)
    running.close()  # pyright: ignore
    return peak_gib(model.device)


class StandInJudge(Judge):
    """Takes as long for a picture as a face detector and an embedding do, and sees progress."""

    def __init__(self) -> None:
        super().__init__(())
        self._seen = 0
        self._critics_room = ThreadPoolExecutor(MAX_CRITICS)

    def ask(self, image: Image.Image) -> Opinion:
        return self._critics_room.submit(self.likeness, image).result

    def likeness(self, image: Image.Image) -> float:
        time.sleep(JUDGING_S)
        self._seen += 1
        return min(0.9, 0.3 + 0.01 * self._seen)


def time_whole(
    device: torch.device, shapes: dict[str, Any] | None, native_px: int, runs: int
) -> None:
    """A standard training of twelve photos, encoding, looks and file included, some times over,
    after what the engine does when it starts. No look ends it early.
    """
    model = full_size.build(device, full_size.plan_for("auto", device), shapes)
    for piece, seconds in _rehearsed(model):
        tell(part="rehearsal", piece=piece, seconds=seconds)
    recipe = choose("standard", NUM_PHOTOS, native_px, patience=0)
    if shapes is not None:
        recipe = recipe.model_copy(update={"steps": 8, "resolutions": (native_px,), "looks": 1})
    dataset, pictures = _dataset(native_px, NUM_PHOTOS)
    for run in range(1, runs + 1):
        began = time.perf_counter()
        looker = Looker(model, StandInJudge(), "TOK", "person", seed=1)
        looker.prepare()
        training = Trainer(model, dataset, pictures, recipe, seed=1, scorer=looker.look)
        phases: dict[str, float] = {}
        last = began
        for done in training.steps():
            now = time.perf_counter()
            phases[done.phase] = phases.get(done.phase, 0.0) + now - last
            last = now
        num_bytes = len(training.lora())
        tell(part="whole", run=run, seconds=time.perf_counter() - began, steps=training.step,
             resolutions=recipe.resolutions, looks=len(training.scores), phases_s=phases,
             lora_mib=num_bytes / 2**20, judging_s=JUDGING_S,
             peak_gib=peak_gib(device))  # fmt: skip


def _rehearsed(model: Flux1) -> Iterator[tuple[str, float]]:
    """What an engine does ahead as long as nobody waits, and how long each piece takes."""
    began = time.perf_counter()
    for piece in rehearsal.pieces(model):
        synchronise(model.device)
        yield piece, time.perf_counter() - began
        began = time.perf_counter()


def trainer(model: Flux1, size: int, batch: int, steps: int) -> Trainer:
    recipe = Recipe(
        quality="standard", steps=steps, learning_rate=1e-4, warmup_steps=0, schedule="constant",
        rank=RANK, batch=batch, resolutions=(size,), ema_decay=0.99, caption_dropout=0.0,
    )  # fmt: skip
    dataset, pictures = _dataset(size, 4)
    return Trainer(model, dataset, pictures, recipe, seed=1)


def _dataset(size: int, count: int) -> tuple[DatasetManifest, dict[str, bytes]]:
    pictures = dict(_pictures(size, count))
    examples = tuple(
        Example(key=key, photo_sha256=key, view="face", width_px=size, height_px=size,
                caption=f"photo of TOK person number {key}", plain_caption="photo of a person")
        for key in pictures
    )  # fmt: skip
    return DatasetManifest(trigger="TOK", class_word="person", examples=examples), pictures


def _pictures(size: int, count: int) -> Iterator[tuple[str, bytes]]:
    noise = np.random.default_rng(0)
    for number in range(count):
        small = Image.fromarray(noise.integers(0, 255, (16, 16, 3), dtype=np.uint8))
        file = BytesIO()
        small.resize((size, size)).save(file, "PNG")
        yield str(number), file.getvalue()


def compare_gradients(
    device: torch.device, shapes: dict[str, Any] | None, size: int, initial: bool
) -> None:
    """The gradient of every adapter, fast against plain bf16, on the same weights and inputs.

    `initial`: of weights as PyTorch makes them, else of such that keep the size of numbers.
    """
    gradients: list[dict[str, tuple[Tensor, Tensor]]] = []
    losses: list[float] = []
    for plan in (MemoryPlan(), full_size.plan_for("auto", device)):
        model = full_size.build(device, plan, shapes, initial)
        random = torch.Generator().manual_seed(0)
        weights = model.lora.fresh(random)
        weights += (torch.randn(weights.shape, generator=random) * 0.01).to(device)
        model.lora.seat(weights)
        loss, gradient = model.learn(*learning_inputs(model, size, random))
        losses.append(loss.item())
        gradients.append({name: (a.cpu(), b.cpu()) for name, (a, b) in
                          model.lora.unpack(gradient).items()})  # fmt: skip
        del model, weights, gradient
        free_all(device)
    plain, fast = gradients
    cosines = sorted(
        (F.cosine_similarity(mine.flatten().float(), theirs.flatten().float(), dim=0).item(), name)
        for name in plain
        for mine, theirs in zip(fast[name], plain[name], strict=True)
    )
    middle = cosines[len(cosines) // 2][0]
    tell(part="agreement", initial=initial, size_px=size, losses=losses,
         lowest=cosines[:5], median=middle,
         below_0_99=sum(cosine < 0.99 for cosine, _ in cosines), of=len(cosines))  # fmt: skip


def learning_inputs(
    model: Flux1, size: int, random: torch.Generator
) -> tuple[Tensor, Tensor, TextEmbeddings, float, Tensor]:
    shape = (1, *model.latent_shape((size, size)))
    width: Any = model.network.text_in.in_features
    text = TextEmbeddings(
        torch.randn(1, 512, width, generator=random).to(model.device, model.dtype),
        torch.randn(1, 768, generator=random).to(model.device, model.dtype),
    )
    noise, clean = (torch.randn(shape, generator=random).to(model.device) for _ in range(2))
    sigma = torch.tensor([0.6], device=model.device)
    return 0.6 * noise + 0.4 * clean, sigma, text, 1.0, noise - clean


def time_tier(
    device: torch.device, shapes: dict[str, Any] | None, tier: Any, size: int, largest: int,
    steps: int,
) -> None:  # fmt: skip
    """With the allocator capped: speed at `size`, the peak at `largest` with pictures between."""
    free_all(device)
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(LIMITS_GIB[tier] * 2**30 / total)
    try:
        model = full_size.build(device, full_size.plan_for(tier, device), shapes)
        figures = time_training(model, size, 1, max(2, steps // 2))
        tell(part="tier", tier=tier, plan=vars(model.plan), size_px=size,
             steps_a_second=1 / figures["seconds"], **figures)  # fmt: skip
        tell(part="tier", tier=tier, size_px=largest, drawn_between_steps=True,
             peak_gib=peak_of_both(model, largest))  # fmt: skip
        del model
    except torch.OutOfMemoryError as error:
        tell(part="tier", tier=tier, size_px=size, failed=str(error)[:300])
    finally:
        if device.type == "cuda":
            torch.cuda.set_per_process_memory_fraction(1.0)


if __name__ == "__main__":
    main()
