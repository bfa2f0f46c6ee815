"""Held-out people and their photos: drawn once, looked at as users' photos are, kept on disk.

Knows seeds, views, JPEGs and reports. Nobody here is among the people that the demo model was
trained on (`engine.demo.recipe.plan.FIRST_TRAINING_SEED`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import count, islice
from pathlib import Path

from PIL import Image
from pydantic import BaseModel

from benchmarks.portraits import draw_portraits
from engine.contract.photos import PhotoReport
from engine.demo.people.identity import Identity
from engine.demo.people.view import View
from engine.photos.decoding import RGB

FIRST_SEED = 1000
PEOPLE_A_SEED = 100
"""Another seed of the benchmark means other people."""
NUM_BLOCKS = 30
MAX_VIEWS = 100
NUM_TRAINING = 12
NUM_HELD_OUT = 4
INDEX = "photos.json"
JPEG_QUALITY = 92
CHUNKS = {"cuda": 24}
"""Photos drawn at once; a processor draws them one by one."""

Look = Callable[[int, View, bytes], PhotoReport]
"""Judges a photo: identity seed, view and JPEG."""


class Photo(BaseModel):
    """One accepted selfie. `view_seed` draws it again."""

    file: str
    view_seed: int
    report: PhotoReport


class _Index(BaseModel):
    looked_by: str
    photos: list[Photo]


@dataclass(frozen=True)
class Person:
    seed: int
    folder: Path
    photos: tuple[Photo, ...]
    """Those to train on, then those held out."""

    @property
    def identity(self) -> Identity:
        return Identity.from_seed(self.seed)

    @property
    def training(self) -> tuple[Photo, ...]:
        return self.photos[:NUM_TRAINING]

    @property
    def held_out(self) -> tuple[Photo, ...]:
        return self.photos[NUM_TRAINING:]

    def data(self, photo: Photo) -> bytes:
        return (self.folder / photo.file).read_bytes()


def seeds(num_people: int, seed: int) -> tuple[int, ...]:
    """Identity seeds of one run."""
    if not 1 <= num_people <= PEOPLE_A_SEED:
        raise ValueError(f"{num_people} people; there are 1 to {PEOPLE_A_SEED} for each seed")
    first = FIRST_SEED + seed % NUM_BLOCKS * PEOPLE_A_SEED
    return tuple(range(first, first + num_people))


def selfie_views(seed: int) -> Iterator[View]:
    """The selfies of a person, one after the other, each with a seed of its own."""
    for number in count():
        yield View.sample(seed * MAX_VIEWS + number, kind="selfie")


def gather(seed: int, photos: Path, look: Look, looked_by: str, device: str) -> Person:
    """The person's photos from `photos`, or drawn now: as many good ones as are needed."""
    folder = photos / str(seed)
    index = folder / INDEX
    if not index.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        found = _draw(seed, folder, look, device)
        text = _Index(looked_by=looked_by, photos=found).model_dump_json(indent=1)
        index.write_text(text, encoding="utf-8")
    kept = _Index.model_validate_json(index.read_text(encoding="utf-8"))
    return Person(seed, folder, tuple(kept.photos))


def _draw(seed: int, folder: Path, look: Look, device: str) -> list[Photo]:
    views = islice(selfie_views(seed), MAX_VIEWS)
    good: list[Photo] = []
    while chunk := list(islice(views, CHUNKS.get(device, 1))):
        pictures = draw_portraits([(seed, view) for view in chunk], device=device)
        for view, picture in zip(chunk, pictures, strict=True):
            data = to_jpeg(picture)
            report = look(seed, view, data)
            if report.accepted:
                photo = Photo(file=f"{view.seed}.jpg", view_seed=view.seed, report=report)
                (folder / photo.file).write_bytes(data)
                good.append(photo)
            if len(good) == NUM_TRAINING + NUM_HELD_OUT:
                return good
    raise RuntimeError(f"person {seed} has {len(good)} good photos among {MAX_VIEWS}")


def to_jpeg(picture: RGB) -> bytes:
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
