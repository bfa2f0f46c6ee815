"""The cast of the training set: who is drawn, how often, under which name, with which captions.

Imports nothing heavy, because processes that describe people start with it. How a person looks and
is described is `engine.demo.people`'s affair. Some people have an invented name that their captions
carry, so that the model learns that a name decides who is seen.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.demo.people.identity import Identity
from engine.demo.people.view import View
from engine.demo.recipe.plan import FIRST_TRAINING_SEED, People

_CONSONANTS, _VOWELS = "BCDFGHJKLMNPRSTVWXZ", "AEIOUY"
_KINDS = ("selfie", "selfie", "selfie", "studio", "studio", "any", "any")

# Prompts hold words that say nothing a picture here could show: these teach the model to pass over
# them, whole or spelled letter by letter.
FILLERS = (
    "linkedin profile picture", "high quality", "8k", "photorealistic", "sharp focus", "award",
    "professional", "natural skin", "85mm lens", "detailed", "editorial", "corporate",
    "realistic", "raw photo", "dslr", "cinematic", "hd", "magazine", "masterpiece", "bokeh",
    "natural skin texture", "natural skin texture", "shallow depth of field", "realistic photo",
    "editorial photo", "looking at the camera", "candid photo", "film still",
)  # fmt: skip

_CAST = 1_000_000
"""More people than any run draws."""

Described = tuple[Identity, View, tuple[str, ...]]


@dataclass(frozen=True)
class Job:
    """Views of a person to be drawn: seed, number of views, name if any, which view comes first."""

    seed: int
    num_views: int
    name: str | None
    first_view: int = 0


def invented_name(number: int) -> str:
    """A rare word in capitals for person `number`; never TOK, which is kept for users."""
    rng = random.Random(f"name {number}")
    pattern = rng.choice(("CVC", "CVCV", "VCVC", "CVCCV", "CVCVC", "CVVC"))
    letters = "".join(rng.choice(_CONSONANTS if p == "C" else _VOWELS) for p in pattern)
    return f"{letters}K" if letters.startswith("TO") else letters


def list_jobs(people: People) -> list[Job]:
    """Named and unnamed people, mixed evenly, so that a cut-short drawing keeps the mix."""
    names: dict[str, None] = {}
    number = 0
    while len(names) < people.num_named:
        names.setdefault(invented_name(number))
        number += 1
    seed, each = FIRST_TRAINING_SEED, people.views_unnamed
    seen = people.cast * people.views_named
    named = [
        Job(seed + i, min(each, people.views_named - first), name, seen + first)
        for i, name in enumerate(names)
        for first in range(0, people.views_named, each)
    ]
    seed += people.num_named + people.cast * _CAST
    unnamed_pictures = max(people.max_pictures - people.num_named * people.views_named, 0)
    unnamed = [Job(seed + i, each, None) for i in range(unnamed_pictures // each)]
    # The first share of the list holds all named people even if only half of it is drawn.
    half = len(unnamed) // 2
    early = named + unnamed[:half]
    random.Random(0).shuffle(early)
    return early + unnamed[half:]


def with_filler(text: str, rng: random.Random) -> str:
    """The caption with one to three wordings that say nothing about the picture."""
    words = rng.sample(FILLERS, rng.choice((1, 1, 2, 3)))
    return f"{text}, {', '.join(words)}" if rng.random() < 0.7 else f"{words[0]}, {text}"


def describe(job: Job, people: People, caption: Callable[..., str]) -> list[Described]:
    """(identity, view, captions) of each of a job's pictures; the same job gives the same."""
    identity = Identity.from_seed(job.seed)
    described = []
    for number in range(job.first_view, job.first_view + job.num_views):
        rng = random.Random(f"{job.seed} {number}")
        kind = "selfie" if number == 0 else "studio" if number == 1 else rng.choice(_KINDS)
        view = View.sample(job.seed * 1000 + number, kind=kind)  # pyright: ignore
        texts = []
        for _ in range(people.captions_each):
            is_named = job.name is not None and rng.random() < people.named_share
            text = caption(identity, view, rng, trigger=job.name if is_named else None)
            if rng.random() < people.filler_share:
                text = with_filler(text, rng)
            if rng.random() < people.capital_share:
                text = text[:1].upper() + text[1:]
            texts.append(text)
        described.append((identity, view, tuple(texts)))
    return described


def describe_all(
    jobs: Sequence[Job], people: People, caption: Callable[..., str]
) -> list[tuple[Job, list[Described]]]:
    return [(job, describe(job, people, caption)) for job in jobs]
