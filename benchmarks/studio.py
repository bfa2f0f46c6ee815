"""Learns a person and draws them, through the engine's own rooms, in this process.

Knows a base, photos and shots; knows no measure. What one engine does over queues and blobs is done
here in a row: dataset, training with its looks, LoRA file, sampling, JPEG.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.people import Person
from benchmarks.shots import TRIGGER, Shot
from engine.contract import styles
from engine.contract.blobs import Blobs
from engine.contract.manifests import DatasetManifest
from engine.generation import finishing
from engine.generation.sampling import Sampler, to_images
from engine.generation.sampling import Shot as SamplerShot
from engine.gpu import captioning, witness
from engine.gpu.judge import Judge
from engine.gpu.looks import Looker
from engine.models import captioner_choice, catalogue, lora_file
from engine.models.folder import CAPTIONER
from engine.photos import dataset, holdout
from engine.photos.decoding import RGB
from engine.training.loop import Trainer
from engine.training.recipe import Recipe

HEAD_BYTES = 1 << 20
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Learned:
    lora: bytes
    facts: dict[str, Any]


class Studio:
    """One loaded base."""

    def __init__(self, base: str, device: str, class_word: str) -> None:
        self.device = catalogue.choose_device(device)
        if self.device.type == "cuda":
            # its backward fails with illegal memory accesses on some drivers (torch 2.11, 580)
            torch.backends.cuda.enable_cudnn_sdp(False)
        elif "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(os.cpu_count() or 1)
        self.model = catalogue.load(base, self.device)
        self._class_word = class_word
        folder = catalogue.find(base)
        own = folder / CAPTIONER
        self._captioner = captioner_choice.choose(captioner_choice.AUTO, self.native_px, own)
        self._describe = witness.of(self._captioner, own, lambda: self.model)
        self.fingerprint = _fingerprint(folder)

    @property
    def native_px(self) -> int:
        return self.model.facts.native_px

    def learn(
        self, person: Person, recipe: Recipe, seed: int, selects: bool, tell: Tell
    ) -> Learned:
        """Trains on the person's training photos; `selects` the best of some looks by likeness."""
        photos = [(person.data(photo), photo.report) for photo in person.training]
        reports = [report for _, report in photos]
        held_out = holdout.choose(reports) if selects else ()
        manifest, pictures = dataset.build(
            photos,
            prefix="",
            trigger=TRIGGER,
            class_word=self._class_word,
            resolutions_px=(max(recipe.resolutions),),
            held_out=held_out,
        )
        manifest = self._captioned(manifest, pictures)
        judge = Judge.of_reports(reports, held_out)
        looker = Looker(self.model, judge, TRIGGER, self._class_word, seed)
        looker.prepare()
        trainer = Trainer(
            self.model,
            manifest,
            pictures,
            recipe,
            seed,
            scorer=looker.look if selects else None,
        )
        for done in trainer.steps():
            if done.phase == "training" and (done.step % 10 == 0 or done.step == done.total):
                left = "" if done.eta_s is None else f", {done.eta_s:.0f} s left"
                tell(f"step {done.step} of {done.total}{left}")
        facts = {
            "seconds": round(trainer.seconds, 2),
            "losses": trainer.losses,
            "scores": trainer.scores,
            "num_steps": trainer.step,
            "best_step": trainer.best_step,
            "recipe": recipe.model_dump(mode="json"),
            "num_examples": len(manifest.examples),
            "captioned_by": manifest.captioned_by,
        }
        return Learned(trainer.lora(), facts)

    def _captioned(
        self, manifest: DatasetManifest, pictures: Mapping[str, bytes]
    ) -> DatasetManifest:
        """As the engine does before a training."""
        blobs = Blobs.from_url("memory://")
        for key, png in pictures.items():
            blobs.put_sync(key, png)
        looking = captioning.caption(manifest, self._captioner, self.model, blobs, "")
        while True:
            try:
                next(looking)
            except StopIteration as end:
                return end.value

    def draw(self, lora: bytes | None, shots: Sequence[Shot], tell: Tell) -> list[bytes]:
        """JPEGs in the order of the shots, which may differ in style; None is nobody's LoRA."""
        slots = self.model.lora
        name = self.model.facts.name
        weights = slots.zeros() if lora is None else lora_file.read(lora, slots, name)
        files: dict[int, bytes] = {}
        for style, guidance in dict.fromkeys((shot.style, shot.guidance) for shot in shots):
            rows = [row for row, shot in enumerate(shots) if shot.style == style]
            size = self.model.facts.sizes[styles.load()[style].aspect]
            asked = [SamplerShot(shots[row].prompt, shots[row].seed) for row in rows]
            for step in Sampler(self.model, weights, asked, size, guidance).steps():
                for drawn in step.drawn:
                    origin = finishing.Origin(style, drawn.shot.seed, name)
                    files[rows[drawn.number]] = finishing.to_jpeg(drawn.image, origin)
                    tell(f"picture {len(files)} of {len(shots)}")
        return [files[row] for row in range(len(shots))]

    def describe(self, files: Sequence[bytes]) -> list[str]:
        """What the base's own captioner says of pictures; nothing where there is none."""
        return [text for data in files for text in self._describe([Image.open(BytesIO(data))])]

    def decode_again(self, picture: RGB) -> RGB:
        """A picture of the native size as the base's autoencoder can give it at best."""
        pixels = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        again = self.model.decode(self.model.encode_image(pixels))
        return np.asarray(to_images(again)[0])


def _fingerprint(folder: Path) -> str:
    """Tells one base from another by the beginning of each of its weight files."""
    digest = blake2b(digest_size=16)
    for path in sorted(folder.rglob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(file.read(HEAD_BYTES))
    return digest.hexdigest()
