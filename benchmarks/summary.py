"""The figures of a whole run, as one JSON object and as a table. Knows subjects; draws nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from benchmarks import attributes, figures, scoring
from benchmarks.conditions import (
    BLEED,
    DECODED,
    DRAWN,
    NO_LORA,
    ORIGIN,
    ORIGIN_DOUBLE,
    OURS,
    UNSELECTED,
)
from benchmarks.drawing import RunPlan
from benchmarks.figures import Self, Share
from benchmarks.scoring import Face, Subject

Judge = Callable[[Face, Self], bool]
ANOTHER_LORA = "another_lora"


@dataclass(frozen=True)
class Target:
    title: str
    limit: float
    is_most: bool = False

    def is_met(self, value: float) -> bool:
        return value <= self.limit if self.is_most else value >= self.limit

    @property
    def text(self) -> str:
        return f"{'≤' if self.is_most else '≥'} {self.limit:.0%}"


TARGETS = {
    "rank_1": Target("rank 1 of 100", 0.95),
    "same_person": Target("same person", 0.85),
    "style": Target("style as asked", 0.90),
    "bleed_rank_1": Target("bleed, rank 1", 0.05, is_most=True),
}
ROWS = {
    UNSELECTED: "all that were drawn, unselected",
    NO_LORA: "no LoRA",
    ORIGIN: "origin's recipe, same budget",
    ORIGIN_DOUBLE: "origin's recipe, double budget",
    ANOTHER_LORA: "another user's LoRA",
    DRAWN: "the true person, drawn",
    DECODED: "the same through the autoencoder",
}


@dataclass(frozen=True)
class Measures:
    """One condition over all people."""

    rank_1: Share
    same_person: Share
    same_person_strict: Share
    style: Share
    colour: Share
    found: Share
    distance: tuple[float, float, float]
    """Median distance to the held-out photos, mean over people, with its interval."""
    variety: float
    second: float | None = None
    """Of the second measure, where there is one."""


def measure(subjects: Sequence[Subject], name: str) -> Measures | None:
    done = [subject for subject in subjects if name in subject.faces]
    if not done:
        return None

    def share(judge: Judge) -> Share:
        return figures.share([[judge(f, s.own) for f in s.faces[name]] for s in done])

    return Measures(
        rank_1=share(scoring.is_named),
        same_person=share(scoring.is_same),
        same_person_strict=share(scoring.is_strictly_same),
        style=share(lambda face, _: face.as_asked),
        colour=share(lambda face, _: face.is_coloured),
        found=share(lambda face, _: face.embedding is not None),
        distance=figures.mean([d for s in done if (d := _distance(s, name)) is not None]),
        variety=figures.mean([v for s in done for v in _varieties(s.faces[name])])[0],
        second=_second(done, name),
    )


def crossed(subjects: Sequence[Subject]) -> Share:
    """Pictures by the next person's LoRA, judged as if they were this person's: rank 1."""
    if len(subjects) < 2:
        return figures.share([])
    pairs = zip(subjects, [*subjects[1:], subjects[0]], strict=True)
    return figures.share(
        [[scoring.is_named(face, one.own) for face in other.faces[OURS]] for one, other in pairs]
    )


def to_json(plan: RunPlan, subjects: Sequence[Subject], seconds: float) -> dict[str, Any]:
    """One flat object; shares are rounded to a tenth of a per cent."""
    names = (*plan.conditions, UNSELECTED)
    by_name = {n: m for n in names if (m := measure(subjects, n)) is not None}
    ours, bleed = by_name[OURS], by_name[BLEED]
    drawn = by_name.get(DRAWN)
    controls: dict[str, Any] = {
        name: _plain(measures) for name, measures in by_name.items() if name not in (OURS, BLEED)
    }
    for name in (ORIGIN, ORIGIN_DOUBLE):
        if name in controls:
            controls[name]["samples"] = _samples(subjects, name)
    controls[ANOTHER_LORA] = {"rank_1": _round(crossed(subjects).value)}
    return {
        **_plain(ours),
        "bleed_rank_1": _round(bleed.rank_1.value),
        "bleed_same_person": _round(bleed.same_person.value),
        "bleed_style": _round(bleed.style.value),
        "variety_of_drawn": None if drawn is None or not drawn.variety else drawn.variety,
        "controls": controls,
        "intervals": {
            **{n: _interval(getattr(ours, n)) for n in ("rank_1", "same_person", "style")},
            "bleed_rank_1": _interval(bleed.rank_1),
        },
        "by_style": _by_style(subjects),
        "checker": attributes.own_accuracy(),
        "selection_gain": _round(ours.same_person.value - by_name[UNSELECTED].same_person.value),
        "own_reach": _round(sum(s.own.reach for s in subjects) / len(subjects)),
        "people": len(subjects),
        "pictures": ours.rank_1.num,
        "samples": _samples(subjects, OURS),
        "recipe": subjects[0].facts[OURS].get("recipe"),
        "selects": plan.selects,
        "seconds": round(seconds, 1),
        "training_seconds": _training_seconds(subjects),
        "seed": plan.seed,
        "quality": plan.quality,
        "base": plan.base,
        "device": plan.device,
        "targets_met": {
            name: target.is_met({**_plain(ours), "bleed_rank_1": bleed.rank_1.value}[name])
            for name, target in TARGETS.items()
        },
    }


def to_table(result: dict[str, Any]) -> Table:
    title = f"likeness of {result['people']} held-out people, {result['pictures']} headshots"
    table = Table(title=title, title_justify="left")
    for heading in ("", "rank 1", "same person", "style", "distance", "variety"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("[bold]this recipe", *_cells(result))
    intervals = result["intervals"]
    table.add_row(
        "  95 % interval",
        *(f"{low:.0%} to {high:.0%}" for low, high in list(intervals.values())[:3]),
        "",
        "",
    )
    table.add_row("  target", *(target.text for target in list(TARGETS.values())[:3]), "", "")
    low, high = intervals["bleed_rank_1"]
    table.add_section()
    bleed = {key: result.get(f"bleed_{key}") for key in ("rank_1", "same_person", "style")}
    table.add_row("without the trigger", *_cells(bleed))
    table.add_row("  95 % interval", f"{low:.0%} to {high:.0%}", "", "", "", "")
    table.add_row("  target", TARGETS["bleed_rank_1"].text, "", "", "", "")
    table.add_section()
    for name, row in ROWS.items():
        if name in result["controls"]:
            table.add_row(row, *_cells(result["controls"][name]))
    checker = ", ".join(f"{n} {v:.0%}" for n, v in result["checker"].items() if "_" not in n)
    table.caption = (
        f"the check of attributes is right on drawn pictures for {checker}; "
        f"faces found in {result['detector_found']:.1%}; "
        f"{result['training_seconds']} s of training a person"
    )
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    shares = [row.get(name) for name in ("rank_1", "same_person", "style")]
    numbers = [row.get(name) for name in ("distance", "variety")]
    return ["" if v is None else f"{v:.1%}" for v in shares] + [
        "" if v is None else f"{v:.3f}" for v in numbers
    ]


def _plain(measures: Measures) -> dict[str, Any]:
    return {
        "rank_1": _round(measures.rank_1.value),
        "same_person": _round(measures.same_person.value),
        "same_person_strict": _round(measures.same_person_strict.value),
        "style": _round(measures.style.value),
        "colour": _round(measures.colour.value),
        "detector_found": _round(measures.found.value),
        "distance": _round(measures.distance[0]),
        "variety": _round(measures.variety),
    } | ({} if measures.second is None else {"second": _round(measures.second)})


def _by_style(subjects: Sequence[Subject]) -> dict[str, dict[str, float]]:
    names = dict.fromkeys(face.style for face in subjects[0].faces[OURS])
    judges: dict[str, Judge] = {
        "rank_1": scoring.is_named,
        "same_person": scoring.is_same,
        "style": lambda face, _: face.as_asked,
    }
    return {
        style: {
            key: _round(
                figures.share(
                    [[judge(f, s.own) for f in s.faces[OURS] if f.style == style] for s in subjects]
                ).value
            )
            for key, judge in judges.items()
        }
        for style in names
    }


def _distance(subject: Subject, name: str) -> float | None:
    known = [face.embedding for face in subject.faces[name] if face.embedding is not None]
    if not known:
        return None
    return sum(figures.far(face, subject.own.held_out) for face in known) / len(known)


def _second(subjects: Sequence[Subject], name: str) -> float | None:
    found = [face.second for s in subjects for face in s.faces[name] if face.second is not None]
    return sum(found) / len(found) if found else None


def _varieties(faces: Sequence[Face]) -> list[float]:
    """Of the pictures of each style."""
    styles = dict.fromkeys(face.style for face in faces)
    found = (figures.variety([f.small for f in faces if f.style == style]) for style in styles)
    return [value for value in found if value is not None]


def _samples(subjects: Sequence[Subject], name: str) -> int | None:
    recipe = next((s.facts[name].get("recipe") for s in subjects if name in s.facts), None)
    return None if recipe is None else recipe["steps"] * recipe["batch"]


def _training_seconds(subjects: Sequence[Subject]) -> float:
    found = [subject.facts[OURS].get("seconds", 0.0) for subject in subjects]
    return round(sum(found) / len(found), 1)


def _interval(share: Share) -> list[float]:
    return [_round(share.low), _round(share.high)]


def _round(value: float) -> float:
    return round(value, 4)
