"""How fast FLUX.1-dev draws at full size with a user's LoRA: `python -m benchmarks.generate`.

Weights are random in the exact shapes (see `full_size`), pictures are drawn by the engine's own
sampler. The reference is diffusers' transformer with a peft LoRA of rank 16, eager bf16, in the
same process. Prints one JSON object a line as figures come.
"""

import argparse
import os
import time
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig
from torch import Tensor

from benchmarks import full_size
from benchmarks.full_size import free_all, peak_gib, seconds_of, synchronise
from benchmarks.train import RANK, REFERENCE_LAYERS, SMALL, learning_inputs, plain_inputs, tell
from engine.generation.sampling import Sampler, Shot, pictures_at_once
from engine.gpu import client
from engine.models import lora_file
from engine.models.base import TextEmbeddings
from engine.models.flux1 import Flux1
from engine.models.memory import LIMITS_GIB, MemoryPlan

STEPS = 28
GUIDANCE = 2.5
TIERS = ("80", "24", "16", "12")
NUM_USERS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--parts", default="reference,ours,users,agreement,tiers", help="what to measure, by commas"
    )
    parser.add_argument("--tiers", default=",".join(TIERS), help="of memory, by commas")
    parser.add_argument("--size", type=int, default=1024, help="pixels of a side")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--small", action="store_true", help="a small network: tries the program")
    asked = parser.parse_args()
    os.environ.update(client.environment())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shapes = SMALL if asked.small else None
    parts = asked.parts.split(",")
    tell(device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
         torch=torch.__version__, small=asked.small)  # fmt: skip
    reference_s = time_reference(device, shapes, asked.size, asked.steps, parts)
    free_all(device)
    if "ours" in parts or "users" in parts:
        model = full_size.build(device, full_size.plan_for("auto", device), shapes)
        if "ours" in parts:
            time_ours(model, asked.size, asked.steps, reference_s)
        if "users" in parts:
            change_users(model, asked.size)
        del model
    if "agreement" in parts:
        for initial in (False, True):
            compare_velocities(device, shapes, asked.size, initial)
    for tier in asked.tiers.split(",") if "tiers" in parts else ():
        time_tier(device, shapes, tier, asked.size, asked.steps)


def time_reference(
    device: torch.device, shapes: dict[str, Any] | None, size: int, steps: int, parts: list[str]
) -> float | None:
    """Seconds of transformer for a picture."""
    if "reference" not in parts:
        return None
    network: Any = full_size.reference(device, shapes)
    network.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=REFERENCE_LAYERS))
    inputs = plain_inputs(network, size, device)

    @torch.no_grad()
    def draw() -> None:
        for _ in range(steps):
            network(**inputs, return_dict=False)

    seconds = seconds_of(draw, device, times=3, warm=1)
    tell(part="reference", size_px=size, seconds=seconds, peak_gib=peak_gib(device))
    return seconds


def time_ours(model: Flux1, size: int, steps: int, reference_s: float | None) -> None:
    """The transformer alone, then whole pictures; the first one of each shape apart."""
    weights = some_lora(model, 1)
    for batch in (1, 4):
        began = time.perf_counter()
        draw(model, weights, batch, size, 1)
        first_s = time.perf_counter() - began
        transformer_s = seconds_of(
            lambda batch=batch: predict(model, weights, batch, size, steps), model.device, 3, 1
        )
        whole_s = seconds_of(
            lambda batch=batch: draw(model, weights, batch, size, steps), model.device, 2, 1
        )
        figures = {"transformer_s": transformer_s / batch, "whole_s": whole_s / batch}
        if reference_s is not None:
            figures["times_reference"] = reference_s / figures["transformer_s"]
        tell(part="ours", size_px=size, batch=batch, first_picture_of_one_step_s=first_s,
             peak_gib=peak_gib(model.device), **figures)  # fmt: skip


def some_lora(model: Flux1, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    weights = model.lora.fresh(random)
    return weights + (torch.randn(weights.shape, generator=random) * 0.01).to(weights.device)


def draw(model: Flux1, weights: Tensor, batch: int, size: int, steps: int) -> None:
    """Texts, transformer and decoder. Encoders that were dropped are drawn anew, as files are read
    again.
    """
    shots = [Shot(f"headshot of TOK person {number}", number) for number in range(batch)]
    sampler = Sampler(model, weights, shots, (size, size), GUIDANCE, num_steps=steps, at_once=batch)
    for _ in sampler.steps():
        pass


def _predicting_s(model: Flux1, weights: Tensor, batch: int, size: int) -> float:
    """Of one step of a batch."""
    return seconds_of(lambda: predict(model, weights, batch, size, 2), model.device, 2, 1) / 2


@torch.no_grad()
def predict(model: Flux1, weights: Tensor, batch: int, size: int, steps: int) -> None:
    model.seat(weights)
    latents, text = _inputs(model, batch, size)
    for step in range(steps):
        sigma = torch.full((batch,), 1 - step / steps, device=model.device)
        model.predict(latents, sigma, text, GUIDANCE)


def _inputs(model: Flux1, batch: int, size: int) -> tuple[Tensor, TextEmbeddings]:
    random = torch.Generator().manual_seed(0)
    noisy, _, text, _, _ = learning_inputs(model, size, random)
    return noisy.expand(batch, -1, -1, -1), TextEmbeddings.stack([text] * batch)


def change_users(model: Flux1, size: int) -> None:
    """Fifty people in a row, both shapes of pictures; nothing may be compiled again."""
    files = [lora_file.write(model.lora, some_lora(model, seed), "full-size") for seed in (1, 2)]
    shapes = [(size, size), (size * 7 // 8 // 16 * 16, size * 9 // 8 // 16 * 16)]
    for shape in shapes:
        one_step(model, some_lora(model, 3), shape)
    torch._dynamo.config.error_on_recompile = True
    from_disk, warm = [], []
    try:
        for user in range(NUM_USERS):
            synchronise(model.device)
            began = time.perf_counter()
            weights = lora_file.read(files[user % 2], model.lora, "full-size")
            from_disk.append(time.perf_counter() - began)
            began = time.perf_counter()
            model.seat(weights)
            synchronise(model.device)
            warm.append(time.perf_counter() - began)
            one_step(model, weights, shapes[user % 2])
    finally:
        torch._dynamo.config.error_on_recompile = False
    tell(part="users", users=NUM_USERS, from_file_s=max(from_disk[1:]), warm_s=max(warm),
         file_mib=len(files[0]) / 2**20, recompiled=False)  # fmt: skip


def one_step(model: Flux1, weights: Tensor, shape: tuple[int, int]) -> None:
    shots = [Shot("headshot of TOK person", 1)]
    next(Sampler(model, weights, shots, shape, GUIDANCE, num_steps=2).steps())


@torch.no_grad()
def compare_velocities(
    device: torch.device, shapes: dict[str, Any] | None, size: int, initial: bool
) -> None:
    """Each way of keeping and multiplying weights against plain bf16, on the same noise.

    `initial`: of weights as PyTorch makes them, else of such that keep the size of numbers.
    """
    plans = {
        "plain": MemoryPlan(),
        "fast": full_size.plan_for("auto", device),
        "stored": MemoryPlan("frugal", precision="fp8_stored"),
    }
    found: dict[str, list[Tensor]] = {}
    for name, plan in plans.items():
        free_all(device)
        model = full_size.build(device, plan, shapes, initial)
        model.seat(some_lora(model, 1))
        latents, text = _inputs(model, 1, size)
        found[name] = [
            model.predict(latents, torch.tensor([sigma], device=device), text, GUIDANCE).cpu()
            for sigma in (0.95, 0.5, 0.1)
        ]
        del model
    for name in list(plans)[1:]:
        cosines = [
            F.cosine_similarity(a.flatten().float(), b.flatten().float(), dim=0).item()
            for a, b in zip(found[name], found["plain"], strict=True)
        ]
        tell(
            part="agreement",
            initial=initial,
            plan=vars(plans[name]),
            sigmas=[0.95, 0.5, 0.1],
            cosines=cosines,
        )


def time_tier(
    device: torch.device, shapes: dict[str, Any] | None, tier: Any, size: int, steps: int
) -> None:
    free_all(device)
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(LIMITS_GIB[tier] * 2**30 / total)
    try:
        model = full_size.build(device, full_size.plan_for(tier, device), shapes)
        weights, batch = some_lora(model, 1), pictures_at_once(model, (size, size))
        began = time.perf_counter()
        draw(model, weights, batch, size, 1)
        first_s = time.perf_counter() - began
        began = time.perf_counter()
        draw(model, weights, batch, size, steps)
        whole_s = (time.perf_counter() - began) / batch
        transformer_s = _predicting_s(model, weights, batch, size) / batch
        tell(part="tier", tier=tier, plan=vars(model.plan), size_px=size, batch=batch,
             transformer_s=transformer_s * steps, whole_s=whole_s,
             first_picture_of_one_step_s=first_s, peak_gib=peak_gib(device))  # fmt: skip
        del model
    except torch.OutOfMemoryError as error:
        tell(part="tier", tier=tier, size_px=size, failed=str(error)[:300])
    finally:
        if device.type == "cuda":
            torch.cuda.set_per_process_memory_fraction(1.0)


if __name__ == "__main__":
    main()
