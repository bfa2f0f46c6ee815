"""The one real check that a person is learned: the demo model, the sample selfies, this processor.

`make bench-likeness` measures; this only notices when likeness is lost.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import figures, gallery, shots
from benchmarks.people import Person, Photo
from benchmarks.studio import Studio
from engine.contract.photos import PhotoReport
from engine.demo.people import samples
from engine.photos import likeness
from engine.training import recipe

NUM_TRAINING = 9
NUM_OTHERS = 20
STEPS = 30
SEED = 1


@pytest.fixture
def selfies(sample_reports: list[PhotoReport]) -> list[tuple[Path, PhotoReport]]:
    """The committed selfies of one person."""
    files = sorted((samples.FOLDER / "good").glob("*.jpg"))
    return list(zip(files, sample_reports, strict=True))


@pytest.mark.timeout(300)
def test_headshots_are_nearer_to_the_person_than_to_others(
    selfies: list[tuple[Path, PhotoReport]],
) -> None:
    training, held_out = selfies[:NUM_TRAINING], selfies[NUM_TRAINING:]
    photos = tuple(Photo(file=file.name, view_seed=0, report=seen) for file, seen in training)
    person = Person(samples.PERSON_SEED, samples.FOLDER / "good", photos)
    studio = Studio("demo", "cpu", "person")
    chosen = recipe.choose("fast", NUM_TRAINING, studio.native_px, STEPS)

    learned = studio.learn(person, chosen, SEED, selects=False, tell=_silent)
    plan = shots.plan(4, SEED, ("TOK person",), ("linkedin", "tech"))
    drawn = studio.draw(learned.lora, plan, _silent)

    faces = [face for data in drawn if (face := likeness.embed(_open(data))) is not None]
    own = np.array([seen.face.embedding for _, seen in held_out if seen.face is not None])
    strangers = gallery.load()[:NUM_OTHERS]
    assert len(faces) >= len(plan) - 1
    near = _mean_distance(faces, own)
    assert near < min(_mean_distance(faces, photos) for photos in strangers)


def _mean_distance(faces: list[tuple[float, ...]], photos: np.ndarray) -> float:
    return float(np.mean([figures.far(np.array(face), photos) for face in faces]))


def _silent(_: str) -> None:
    pass


def _open(data: bytes) -> np.ndarray:
    return np.array(Image.open(BytesIO(data)).convert("RGB"))
