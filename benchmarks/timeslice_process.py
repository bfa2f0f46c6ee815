"""The GPU process as the time-slice benchmark runs it: the engine's own, with people to serve.

Of itself it adds LoRAs of random people and a dataset of grey pictures, so that nothing needs to
be trained before the measuring begins; with `full` in the environment the base is FLUX.1-dev's
shapes in random weights.
"""

import os
from collections.abc import Iterator
from io import BytesIO

import torch
from PIL import Image

from engine import logs
from engine.child import Parent
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.manifests import DatasetManifest, Example, LoraManifest
from engine.contract.photos import PhotoReport
from engine.contract.settings import EngineSettings
from engine.gpu.process import serve
from engine.gpu.rooms import ModelRooms
from engine.models import lora_file
from engine.models.base import ImageModel

FULL = "TIMESLICE_FULL"
OWNERS = ("ann", "bob", "cleo", "dan")
LORA = "lora"
TRAINING = "training"
NUM_PHOTOS = 12


class FurnishedRooms(ModelRooms):
    """The engine's rooms, with LoRAs and a dataset already in the blob store."""

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._shelf = Blobs.from_url(settings.blobs_url)

    def _load(self) -> ImageModel:
        if self._base is not None:
            return self._base
        if FULL in os.environ:
            from benchmarks import full_size

            plan = full_size.plan_for("auto", self._device)
            self._base = full_size.build(self._device, plan)
        base = super()._load()
        for number, owner in enumerate(OWNERS):
            self._furnish(base, owner, number)
        return base

    def rehearse(self) -> Iterator[str]:
        """Nothing: it would come between requests that are timed."""
        return iter(())

    def _furnish(self, base: ImageModel, owner: str, seed: int) -> None:
        weights = base.lora.fresh(torch.Generator().manual_seed(seed))
        prefix = keys.lora(owner, LORA)
        self._shelf.put_sync(
            prefix + keys.LORA, lora_file.write(base.lora, weights, base.facts.name)
        )
        manifest = LoraManifest(
            job_id=LORA,
            base=base.facts.name,
            family=base.facts.family,
            trigger="TOK",
            class_word="person",
            rank=base.lora.rank,
        )
        self._shelf.put_sync(prefix + keys.MANIFEST, manifest.model_dump_json().encode())
        self._add_dataset(base.facts.native_px, owner)

    def _add_dataset(self, side_px: int, owner: str) -> None:
        prefix = keys.dataset(owner, TRAINING)
        examples: list[Example] = []
        for number in range(NUM_PHOTOS):
            file = BytesIO()
            Image.new("RGB", (side_px, side_px), (20 * number, 128, 128)).save(file, "PNG")
            self._shelf.put_sync(f"{prefix}{number}.png", file.getvalue())
            examples.append(
                Example(
                    key=f"{prefix}{number}.png",
                    photo_sha256=f"{number}",
                    view="face",
                    width_px=side_px,
                    height_px=side_px,
                    caption=f"photo of TOK person, wall {number}",
                    plain_caption=f"photo of a person, wall {number}",
                )
            )
            report = PhotoReport(sha256=f"{number}").model_dump_json()
            self._shelf.put_sync(keys.report(owner, f"{number}"), report.encode())
        manifest = DatasetManifest(trigger="TOK", class_word="person", examples=tuple(examples))
        self._shelf.put_sync(prefix + keys.DATASET, manifest.model_dump_json().encode())


def open_rooms(settings: EngineSettings) -> FurnishedRooms:
    """On a processor it keeps its priority, unlike the engine's: it is what is measured."""
    rooms = FurnishedRooms(settings)
    if rooms.device.startswith("cuda"):
        rooms.own_the_process()
    return rooms


def main() -> None:
    parent = Parent()
    logs.configure()
    serve(parent, open_rooms)


if __name__ == "__main__":
    main()
