"""The strangers whom a face could be mistaken for: 99 held-out people, by their embeddings alone.

`python -m benchmarks.gallery` draws them again, looks at them and writes `gallery.safetensors`
(about 15 minutes on one core). It must be run again when the people are drawn differently.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

FILE = Path(__file__).with_name("gallery.safetensors")
FIRST_SEED = 9000
NUM_STRANGERS = 99
NUM_VIEWS = 4
"""Photos of each, as many as a person's held-out photos that are compared with."""

Embeddings = NDArray[np.float64]


def load() -> Embeddings:
    """(strangers, views, 128)"""
    return load_file(FILE)["embeddings"].astype(np.float64)


def make(cache: Path, num_strangers: int = NUM_STRANGERS) -> Embeddings:
    """Draws and embeds; goes on with those that the cache lacks."""
    cache.mkdir(parents=True, exist_ok=True)
    strangers: list[list[tuple[float, ...]]] = []
    for seed in range(FIRST_SEED, FIRST_SEED + num_strangers):
        kept = cache / f"{seed}.json"
        if not kept.is_file():
            kept.write_text(json.dumps(_look_at(seed)), encoding="utf-8")
        strangers.append(json.loads(kept.read_text(encoding="utf-8")))
    return np.array(strangers)


def _look_at(seed: int) -> list[tuple[float, ...]]:
    """The first views in which a face is found."""
    from benchmarks.people import selfie_views
    from benchmarks.portraits import draw_portraits
    from engine.photos import likeness

    found: list[tuple[float, ...]] = []
    for view in selfie_views(seed):
        embedding = likeness.embed(draw_portraits([(seed, view)])[0])
        found += [] if embedding is None else [embedding]
        if len(found) == NUM_VIEWS:
            break
    return found


def main() -> None:
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="benchmarks.gallery", description=summary)
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--cache", type=Path, default=Path("build/gallery"))
    chosen = parser.parse_args()
    save_file({"embeddings": make(chosen.cache).astype(np.float32)}, chosen.out)


if __name__ == "__main__":
    main()
