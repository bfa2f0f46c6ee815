"""The first phase: people are learned and drawn, and everything is left in a folder.

Each person and condition is a folder with its pictures and, written last, `done.json`; what is done
for the very same inputs is not done again, so a run can be interrupted. Needs no dlib.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from benchmarks import shots as asking
from benchmarks.conditions import DECODED, DRAWN, NO_LORA, Condition
from benchmarks.people import Person, to_jpeg
from benchmarks.portraits import draw_portraits
from benchmarks.shots import Shot
from benchmarks.studio import Studio
from engine.contract.base import Frozen
from engine.demo.people.view import PLACE_LIGHTS, View
from engine.photos.decoding import RGB

RUN = "run.json"
DONE = "done.json"
LORA = "lora.safetensors"
PHOTOS = "photos"
PEOPLE = "people"
NOBODY = "nobody"
Tell = Callable[[str], None]


class RunPlan(Frozen):
    """What one run is; beside the pictures, for whoever scores them."""

    seeds: tuple[int, ...]
    seed: int
    base: str
    quality: str
    class_word: str
    styles: tuple[str, ...]
    count: int
    conditions: tuple[str, ...]
    selects: bool
    device: str


class DoneShot(BaseModel):
    file: str
    style: str
    prompt: str
    description: str = ""
    """By the base's own captioner, if it has one: what pictures are chosen by besides likeness."""


class Done(BaseModel):
    """One person under one condition."""

    fingerprint: str
    facts: dict[str, Any]
    shots: list[DoneShot]


def folder_of(out: Path, seed: int, condition: str) -> Path:
    """The base alone knows nobody: its pictures are everybody's."""
    who = NOBODY if condition == NO_LORA else str(seed)
    return out / PEOPLE / who / condition


def read_plan(out: Path) -> RunPlan:
    return RunPlan.model_validate_json((out / RUN).read_text(encoding="utf-8"))


def read_done(folder: Path) -> Done | None:
    file = folder / DONE
    return Done.model_validate_json(file.read_text(encoding="utf-8")) if file.is_file() else None


def work(
    out: Path,
    plan: RunPlan,
    person: Person,
    conditions: Sequence[Condition],
    studio: Studio,
    tell: Tell,
) -> None:
    """All conditions of one person."""
    for condition in conditions:
        tell_more = partial(_tell_of, tell, f"person {person.seed}, {condition.name}")
        folder = folder_of(out, person.seed, condition.name)
        shots = _shots(plan, person, condition)
        mark = _fingerprint(plan, person, condition, conditions, shots, studio)
        done = read_done(folder)
        if done is not None and done.fingerprint == mark:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        (folder / DONE).unlink(missing_ok=True)
        facts: dict[str, Any] = {}
        if condition.name in (DRAWN, DECODED):
            pictures = draw_truth(person.seed, shots, studio)
            if condition.name == DECODED:
                pictures = [studio.decode_again(picture) for picture in pictures]
            files = [to_jpeg(picture) for picture in pictures]
        else:
            facts, files = _learn_and_draw(out, plan, person, condition, shots, studio, tell_more)
        for shot, data in zip(shots, files, strict=True):
            (folder / shot.file).write_bytes(data)
        chosen_from = condition.choice > 1
        said = studio.describe(files) if chosen_from else [""] * len(files)
        listed = [
            DoneShot(file=s.file, style=s.style, prompt=s.prompt, description=text)
            for s, text in zip(shots, said, strict=True)
        ]
        done = Done(fingerprint=mark, facts=facts, shots=listed)
        (folder / DONE).write_text(done.model_dump_json(indent=1), encoding="utf-8")


def draw_truth(seed: int, shots: Sequence[Shot], studio: Studio) -> list[RGB]:
    """The true person as each shot asks for them, drawn as the demo model's teachers are."""
    views = [
        replace(
            View.sample(shot.seed, kind="studio"),
            clothes=shot.asked.clothes,
            cloth_colour=shot.asked.colour,
            background=shot.asked.background,
            light=PLACE_LIGHTS[shot.asked.background][0],
        )
        for shot in shots
    ]
    people = [(seed, view) for view in views]
    return draw_portraits(people, studio.native_px, studio.device.type)


def _learn_and_draw(
    out: Path,
    plan: RunPlan,
    person: Person,
    condition: Condition,
    shots: Sequence[Shot],
    studio: Studio,
    tell: Tell,
) -> tuple[dict[str, Any], list[bytes]]:
    folder = folder_of(out, person.seed, condition.name)
    lora, facts = None, {}
    if condition.recipe is not None:
        selects = plan.selects and condition.recipe.quality != "origin"
        learned = studio.learn(person, condition.recipe, plan.seed, selects, tell)
        (folder / LORA).write_bytes(learned.lora)
        lora, facts = learned.lora, learned.facts
    elif condition.uses is not None:
        lora = (folder_of(out, person.seed, condition.uses) / LORA).read_bytes()
    return facts, studio.draw(lora, shots, tell)


def _shots(plan: RunPlan, person: Person, condition: Condition) -> list[Shot]:
    subjects = condition.subjects(plan.class_word, person.identity.class_word)
    seed = plan.seed if condition.name == NO_LORA else asking.derive(plan.seed, str(person.seed))
    return asking.plan(plan.count * condition.choice, seed, subjects, plan.styles)


def _fingerprint(
    plan: RunPlan,
    person: Person,
    condition: Condition,
    conditions: Sequence[Condition],
    shots: Sequence[Shot],
    studio: Studio,
) -> str:
    """Of everything that the pictures follow from, apart from the code."""
    source = next(c for c in conditions if c.name == (condition.uses or condition.name))
    who = [] if condition.name == NO_LORA else [photo.report.sha256 for photo in person.photos]
    recipe = None if source.recipe is None else source.recipe.model_dump(mode="json")
    inputs = [who, recipe, plan.seed, plan.selects, plan.class_word, studio.fingerprint]
    listed = [[shot.prompt, shot.seed, shot.guidance] for shot in shots]
    return blake2b(json.dumps([inputs, listed]).encode(), digest_size=16).hexdigest()


def _tell_of(tell: Tell, who: str, text: str) -> None:
    tell(f"{who}: {text}")
