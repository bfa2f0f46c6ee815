"""The second phase: looks at what the first one left, and says how like the people it is.

Knows faces, through `engine.photos`, and attributes. Needs dlib and no accelerator. Embeddings are
kept beside the pictures, because a face takes longer to find than to compare.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import attributes, conditions, drawing, figures, gallery, shots
from benchmarks.drawing import Done, RunPlan
from benchmarks.figures import Array, Self
from benchmarks.people import Person, Photo
from engine.generation import ranking
from engine.gpu import critic_process
from engine.photos import adherence, likeness
from engine.photos.decoding import RGB

FACES = "faces.json"
Tell = Callable[[str], None]
SecondMeasure = Callable[[RGB, Person], float]
"""A place for a measure that dlib's embedding does not limit: 0 .. 1 for a picture of a person."""


@dataclass(frozen=True)
class Face:
    """What was found in one picture."""

    style: str
    embedding: Array | None
    as_asked: bool
    """Clothes and background."""
    is_coloured: bool
    small: RGB
    second: float | None = None


@dataclass(frozen=True)
class Subject:
    """One person: what their own photos say, and what each condition drew."""

    person: Person
    own: Self
    faces: dict[str, list[Face]]
    facts: dict[str, dict[str, Any]]


def know_people(
    out: Path,
    plan: RunPlan,
    people: Sequence[Person],
    tell: Tell,
    second_measure: SecondMeasure | None = None,
) -> list[Subject]:
    """Everything that the figures follow from. People who are not done are left out."""
    subjects: list[Subject] = []
    for person in people:
        tell(f"person {person.seed}: looking")
        done = {
            name: done
            for name in plan.conditions
            if (done := drawing.read_done(drawing.folder_of(out, person.seed, name))) is not None
        }
        if conditions.OURS not in done:
            continue
        faces = {
            name: look(drawing.folder_of(out, person.seed, name), one, person, second_measure)
            for name, one in done.items()
        }
        ours = conditions.OURS
        shown = choose(drawing.folder_of(out, person.seed, ours), done[ours], person, plan.count)
        faces[conditions.UNSELECTED] = faces[ours]
        faces[ours] = [faces[ours][row] for row in shown]
        facts = {name: one.facts for name, one in done.items()}
        subjects.append(Subject(person, know_self(person), faces, facts))
    return subjects


def choose(folder: Path, done: Done, person: Person, count: int) -> list[int]:
    """The rows of the pictures that the engine would show: in each style the best `count` of those
    it would have drawn, judged by the photos trained on and by what was asked for.
    """
    photos = [e for photo in person.training if (e := _embedding(person, photo)) is not None]
    known = critic_process.Person(photos, likeness.calibrate(photos))
    shown: list[int] = []
    for style in dict.fromkeys(shot.style for shot in done.shots):
        rows = [row for row, shot in enumerate(done.shots) if shot.style == style]
        asked = [done.shots[row] for row in rows]
        looks = [
            replace(
                critic_process.look(_pixels(folder / shot.file), known),
                missing=adherence.missing(shot.prompt, shot.description),
            )
            for shot in asked
        ]
        num = min(len(rows), count * conditions.CHOICE)
        while num < len(rows) and not ranking.are_enough(looks[:num], count):
            num += 1
        shown += sorted(rows[place] for place in ranking.choose(looks[:num], count))
    return shown


def know_self(person: Person) -> Self:
    """From the photos' reports, or from the photos where they were taken without dlib."""
    training, held_out = (
        [e for photo in some if (e := _embedding(person, photo)) is not None]
        for some in (person.training, person.held_out)
    )
    return figures.know(np.array(training), np.array(held_out))


def look(
    folder: Path, done: Done, person: Person, second_measure: SecondMeasure | None = None
) -> list[Face]:
    """Finds the face and the attributes of each picture of one folder."""
    pictures = [_pixels(folder / shot.file) for shot in done.shots]
    embeddings = _embeddings(folder, done, pictures)
    seen = attributes.load().see(pictures)
    faces: list[Face] = []
    for shot, picture, embedding, found in zip(done.shots, pictures, embeddings, seen, strict=True):
        asked = shots.read(shot.prompt, shots.BACKGROUNDS[shot.style])
        faces.append(
            Face(
                style=shot.style,
                embedding=None if embedding is None else np.array(embedding),
                as_asked=found.wears(asked) and found.is_before(asked),
                is_coloured=found.is_coloured(asked),
                small=_small(picture),
                second=None if second_measure is None else second_measure(picture, person),
            )
        )
    return faces


def is_same(face: Face, own: Self) -> bool:
    """A picture without a face is a miss."""
    return face.embedding is not None and figures.far(face.embedding, own.held_out) <= own.reach


def is_strictly_same(face: Face, own: Self) -> bool:
    if face.embedding is None:
        return False
    return figures.far(face.embedding, own.held_out) <= own.strict_reach


def is_named(face: Face, own: Self) -> bool:
    """Whether the nearest of 100 is the person."""
    if face.embedding is None:
        return False
    return figures.is_nearest(face.embedding, own.held_out, _strangers())


def _strangers() -> Array:
    return gallery.load()


def _embedding(person: Person, photo: Photo) -> tuple[float, ...] | None:
    known = photo.report.face
    if known is not None and any(known.embedding):
        return known.embedding
    kept = person.folder / f"{Path(photo.file).stem}.face.json"
    if kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))
    found = likeness.embed(_pixels(person.folder / photo.file))
    kept.write_text(json.dumps(found), encoding="utf-8")
    return found


def _embeddings(
    folder: Path, done: Done, pictures: Sequence[RGB]
) -> list[tuple[float, ...] | None]:
    digest = blake2b(done.fingerprint.encode(), digest_size=16)
    for picture in pictures:
        digest.update(picture.tobytes())
    kept = folder / FACES
    if kept.is_file():
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content["of"] == digest.hexdigest():
            return content["embeddings"]
    found = [likeness.embed(picture) for picture in pictures]
    kept.write_text(json.dumps({"of": digest.hexdigest(), "embeddings": found}), encoding="utf-8")
    return found


def _pixels(path: Path) -> RGB:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _small(picture: RGB) -> RGB:
    side = figures.VARIETY_SIDE_PX
    shrunk = Image.fromarray(picture).resize((side, side), Image.Resampling.BOX)
    return np.asarray(shrunk)
