"""Trains the checker of attributes: `python -m benchmarks.attributes_training`.

Draws held-out people with every combination of clothes, colours and backgrounds, trains the network
on most of them and measures it on people it never saw, also as blurred as an autoencoder leaves
them. Pictures are kept in `--cache`; on a CPU a thousand take four minutes.
"""

import argparse
import json
import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.attributes import CLASSES, FILE, SIDE_PX, Network, alike
from engine.demo.people.identity import Identity
from engine.demo.people.renderer import draw
from engine.demo.people.view import PLACE_LIGHTS, View
from engine.demo.people.vocabulary import BACKGROUNDS, CLOTH_COLOURS, CLOTHES, CLOTHES_COLOURS

FIRST_SEED, NUM_SEEDS = 4000, 5000
TEST_SHARE = 0.15
CHUNK = 64
EPOCHS = 60
BATCH = 64
LEARNING_RATE = 2e-3
JITTER = 0.12


def sample(number: int) -> tuple[Identity, View]:
    """Picture `number`: studio poses mostly, attributes evenly drawn."""
    rng = random.Random(f"attributes {number}")
    view = View.sample(number, kind=rng.choice(("studio", "studio", "selfie")))
    clothes = rng.choice(CLOTHES)
    background = rng.choice(BACKGROUNDS)
    view = replace(
        view,
        clothes=clothes,
        cloth_colour=rng.choice(CLOTHES_COLOURS.get(clothes, tuple(CLOTH_COLOURS))),
        background=background,
        light=rng.choice(PLACE_LIGHTS[background]),
    )
    return Identity.from_seed(FIRST_SEED + number % NUM_SEEDS), view


def pictures(count: int, cache: Path, device: str) -> Tensor:
    """(count, 3, 128, 128) uint8, drawn on from where the cache ends."""
    done = (
        torch.from_numpy(np.load(cache)) if cache.is_file() else torch.empty(0, dtype=torch.uint8)
    )
    while len(done) < count:
        people = [sample(number) for number in range(len(done), min(count, len(done) + CHUNK))]
        new = draw(people, SIDE_PX, device).cpu()
        done = new if not len(done) else torch.cat([done, new])
        np.save(cache, done.numpy())
        print(f"{len(done)} of {count} pictures", file=sys.stderr)
    return done[:count]


def labels(count: int) -> dict[str, Tensor]:
    views = [sample(number)[1] for number in range(count)]
    names = {
        "clothes": ["suit" if view.clothes == "suit with tie" else view.clothes for view in views],
        "colour": [view.cloth_colour for view in views],
        "background": [view.background for view in views],
    }
    return {key: torch.tensor([CLASSES[key].index(n) for n in names[key]]) for key in CLASSES}


def augment(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Mirrored, shifted, brightened, blurred and grained, each picture its own way."""
    n = len(batch)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, 1, 1, 1, generator=generator)

    flipped = torch.where(uniform(0, 1) < 0.5, batch.flip(3), batch)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = uniform(0.85, 1.1).flatten()
    theta[:, :, 2] = (torch.rand(n, 2, generator=generator) - 0.5) * 2 * JITTER
    grid = F.affine_grid(theta, list(batch.shape), align_corners=False)
    moved = F.grid_sample(flipped, grid, padding_mode="reflection", align_corners=False)
    lit = (moved * uniform(0.85, 1.15) + uniform(-0.05, 0.05)).clamp(0, 1)
    share = uniform(0, 1)
    softer = lit * (1 - share) + soften(lit) * share
    return softer + torch.randn(batch.shape, generator=generator) * uniform(0, 0.03)


def soften(batch: Tensor) -> Tensor:
    """At half the resolution and back, about what an autoencoder takes away."""
    return F.interpolate(F.avg_pool2d(batch, 2), scale_factor=2, mode="bilinear")


def train(data: Tensor, truth: dict[str, Tensor], epochs: int, seed: int) -> Network:
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = Network()
    rounds = max(1, len(data) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=epochs * rounds
    )
    for epoch in range(epochs):
        order = torch.randperm(len(data), generator=generator)
        total = 0.0
        for rows in order[: rounds * BATCH].split(BATCH):
            logits = network(augment(data[rows].float() / 255, generator))
            loss = torch.stack(
                [
                    F.cross_entropy(logits[name], truth[name][rows], label_smoothing=0.05)
                    for name in CLASSES
                ]
            ).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / rounds:.3f}", file=sys.stderr)
    return network.eval()


@torch.no_grad()
def accuracy(network: Network, data: Tensor, truth: dict[str, Tensor]) -> dict[str, float]:
    """By attribute, for pictures as they are and softened; `_alike` as the benchmark counts."""
    found: dict[str, float] = {}
    for ending, change in (("", lambda batch: batch), ("_softened", soften)):
        logits = [network(change(rows.float() / 255)) for rows in data.split(CHUNK)]
        for name in CLASSES:
            guess = torch.cat([row[name] for row in logits]).argmax(1)
            found[name + ending] = round((guess == truth[name]).float().mean().item(), 4)
            classes = CLASSES[name]
            counts = [
                classes[said] in alike(name, classes[true])
                for said, true in zip(guess.tolist(), truth[name].tolist(), strict=True)
            ]
            found[f"{name}{ending}_alike"] = round(sum(counts) / len(counts), 4)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.attributes_training", description=__doc__)
    parser.add_argument("--pictures", type=int, default=4500)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--cache", type=Path, default=Path("build/attributes.npy"))
    parser.add_argument("--device", default="cpu", help="that draws")
    parser.add_argument("--out", type=Path, default=FILE)
    chosen = parser.parse_args()
    chosen.cache.parent.mkdir(parents=True, exist_ok=True)
    data, truth = pictures(chosen.pictures, chosen.cache, chosen.device), labels(chosen.pictures)
    cut = round(len(data) * (1 - TEST_SHARE))
    network = train(data[:cut], {k: v[:cut] for k, v in truth.items()}, chosen.epochs, seed=0)
    found = accuracy(network, data[cut:], {k: v[cut:] for k, v in truth.items()})
    tensors = {key: tensor.half().contiguous() for key, tensor in network.state_dict().items()}
    facts = {"accuracy": json.dumps(found), "pictures": str(len(data))}
    save_file(tensors, chosen.out, metadata=facts)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
