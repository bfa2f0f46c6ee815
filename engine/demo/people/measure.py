"""How recognisable the synthetic people are: `python -m engine.demo.people.measure`.

Draws every identity several times, looks for the face with dlib's HOG detector and compares dlib's
face embeddings: rank-1 identification of a second view, and distances within and between people.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import dlib
import face_recognition_models as weights
import numpy as np

from engine.demo.people.identity import Identity
from engine.demo.people.renderer import draw
from engine.demo.people.view import View

MAX_YAW = 40.0


class FaceReader:
    """dlib's detector, five points and 128-number embedding."""

    def __init__(self) -> None:
        self.detector = dlib.get_frontal_face_detector()  # pyright: ignore
        self.points = dlib.shape_predictor(  # pyright: ignore
            weights.pose_predictor_five_point_model_location()
        )
        self.network = dlib.face_recognition_model_v1(  # pyright: ignore
            weights.face_recognition_model_location()
        )

    def boxes(self, picture: np.ndarray) -> list[Any]:
        """Faces of an RGB picture (height, width, 3), largest first."""
        found = list(self.detector(picture, 1 if min(picture.shape[:2]) < 400 else 0))
        return sorted(found, key=lambda box: -box.area())

    def embedding(self, picture: np.ndarray) -> np.ndarray | None:
        """(128,) of the largest face, None where none is found."""
        boxes = self.boxes(picture)
        if not boxes:
            return None
        shape = self.points(picture, boxes[0])
        return np.array(self.network.compute_face_descriptor(picture, shape))


@dataclass(frozen=True)
class Report:
    num_identities: int
    num_pictures: int
    faces_found: float
    rank_1: float
    rank_1_shape: float
    within_mean: float
    between_mean: float
    below_threshold_within: float
    below_threshold_between: float


def sample_views(seed: int, count: int) -> list[View]:
    """Frontal and three-quarter views of one person, of both kinds."""
    views: list[View] = []
    attempt = 0
    while len(views) < count:
        view = View.sample(seed * 1000 + attempt)
        attempt += 1
        if abs(view.yaw) <= MAX_YAW:
            views.append(replace(view, glasses=None))
    return views


def pictures(people: Sequence[tuple[Identity, View]], size_px: int, device: str) -> np.ndarray:
    """(batch, height, width, 3) uint8."""
    return draw(people, size_px, device).permute(0, 2, 3, 1).cpu().numpy()


def shape_numbers(identity: Identity) -> np.ndarray:
    """What is known of the face's form, for a measure that no network limits."""
    return np.array([*identity.shape, *identity.targets, identity.masculinity, identity.weight])


def rank_1(gallery: np.ndarray, probes: np.ndarray, owners: np.ndarray) -> float:
    """Share of probes (n, d) nearest to their owner's row of the gallery (m, d)."""
    distance = np.linalg.norm(probes[:, None] - gallery[None], axis=2)
    return float((distance.argmin(1) == owners).mean())


Take = Callable[[Sequence[tuple[Identity, View]]], np.ndarray]


def measure(num_identities: int, num_views: int, take: Take) -> Report:
    """Measures the people of seeds 0, 1, ... on the pictures that `take` draws of them."""
    reader = FaceReader()
    embeddings: list[list[np.ndarray]] = []
    found = drawn = 0
    for seed in range(num_identities):
        person = Identity.from_seed(seed)
        people = [(person, view) for view in sample_views(seed, num_views)]
        read = [reader.embedding(picture) for picture in take(people)]
        drawn += len(read)
        kept = [embedding for embedding in read if embedding is not None]
        found += len(kept)
        embeddings.append(kept)
    known = [row for row in embeddings if len(row) >= 2]
    gallery = np.stack([row[0] for row in known])
    probes = np.concatenate([np.stack(row[1:]) for row in known])
    owners = np.concatenate([[index] * (len(row) - 1) for index, row in enumerate(known)])
    distance = np.linalg.norm(probes[:, None] - gallery[None], axis=2)
    same = owners[:, None] == np.arange(len(gallery))[None]
    shapes = np.stack([shape_numbers(Identity.from_seed(seed)) for seed in range(num_identities)])
    noisy = shapes + np.random.default_rng(0).normal(0, 0.15, shapes.shape)
    return Report(
        num_identities=num_identities,
        num_pictures=drawn,
        faces_found=found / drawn,
        rank_1=rank_1(gallery, probes, owners),
        rank_1_shape=rank_1(shapes, noisy, np.arange(num_identities)),
        within_mean=float(distance[same].mean()),
        between_mean=float(distance[~same].mean()),
        below_threshold_within=float((distance[same] < 0.6).mean()),
        below_threshold_between=float((distance[~same] < 0.6).mean()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=100)
    parser.add_argument("--size-px", type=int, default=256)
    parser.add_argument("--views", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    def take(people: Sequence[tuple[Identity, View]]) -> np.ndarray:
        return pictures(people, options.size_px, options.device)

    report = measure(options.identities, options.views, take)
    print(json.dumps(report.__dict__, indent=2))


if __name__ == "__main__":
    main()
