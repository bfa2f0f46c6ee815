"""How like a person their headshots are: `python -m benchmarks.likeness`.

Held-out synthetic people are drawn as selfies, learned by the engine's own training, drawn as
headshots by its own generation, and compared with photos of theirs that were not trained on. What
the measures mean and how good they are is written in docs/likeness.md.

Drawing and scoring are two phases: a machine with a GPU and without dlib does `--draw-only`, a
machine with dlib `--score DIR`. Both can be interrupted; what is done is not done again.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from benchmarks import (
    attributes,
    conditions,
    drawing,
    gallery,
    people,
    scoring,
    shots,
    summary,
)
from benchmarks.drawing import RunPlan
from benchmarks.people import Look, Person
from engine.contract.jobs import Quality

OUT = Path("build/likeness")
MADE_ONCE = {
    gallery.FILE: "python -m benchmarks.gallery",
    attributes.FILE: "python -m benchmarks.attributes_training",
}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.likeness",
        description="Learn held-out synthetic people; measure how like them their headshots are.",
    )
    parser.add_argument("--people", type=int, default=8, metavar="N", help="how many (8)")
    parser.add_argument("--seed", type=int, default=0, help="other seeds mean other people (0)")
    parser.add_argument("--quality", choices=get_args(Quality), default="standard")
    parser.add_argument("--steps", type=int, help="training steps instead of the recipe's")
    parser.add_argument("--base", default="demo", help="'demo', or a folder of a base of 256 px")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--count", type=int, default=4, help="headshots in each style (4)")
    parser.add_argument(
        "--styles", type=_names(shots.BACKGROUNDS), default=tuple(shots.BACKGROUNDS),
        help=f"some of {','.join(shots.BACKGROUNDS)}",
    )  # fmt: skip
    parser.add_argument(
        "--controls", type=_names(conditions.CONTROLS), default=conditions.CONTROLS,
        help=f"'none' or some of {','.join(conditions.CONTROLS)}",
    )  # fmt: skip
    parser.add_argument("--class-word", default="person", help="as the bot trains (person)")
    parser.add_argument(
        "--set", action="append", default=[], type=_change, dest="changes", metavar="FIELD=VALUE",
        help="another number in the recipe, such as learning_rate=0.001",
    )  # fmt: skip
    parser.add_argument("--no-selection", action="store_true", help="keep the last weights")
    parser.add_argument("--out", type=Path, default=OUT, help=f"pictures and results ({OUT})")
    parser.add_argument("--photos", type=Path, help="the people's photos (OUT/photos)")
    parser.add_argument("--draw-only", action="store_true", help="train and draw; needs no dlib")
    parser.add_argument("--score", type=Path, metavar="DIR", help="measure what lies in DIR")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of a table")
    chosen = parser.parse_args(arguments)
    if not 1 <= chosen.people <= people.PEOPLE_A_SEED:
        parser.error(f"--people is {chosen.people}; it must be 1 to {people.PEOPLE_A_SEED}")
    if chosen.count < 1:
        parser.error(f"--count is {chosen.count}; it must be at least 1")
    if not chosen.draw_only and find_spec("dlib") is None:
        parser.error("there is no dlib here: use --draw-only, and --score where there is")
    if not chosen.draw_only and (lacking := missing_files()):
        parser.error(f"{'; '.join(lacking)}; or use --draw-only now, and --score afterwards")
    return chosen


def main(arguments: Sequence[str]) -> None:
    chosen = parse(arguments)
    began_s = time.monotonic()
    console = Console(stderr=True)
    with console.status("") as status:
        tell = partial(_tell, status, began_s)
        if chosen.score is None:
            out, photos = chosen.out, chosen.photos or chosen.out / drawing.PHOTOS
            everybody = draw(chosen, out, photos, tell)
        else:
            out, photos = chosen.score, chosen.photos or chosen.score / drawing.PHOTOS
            everybody = known(drawing.read_plan(out), photos)
        if chosen.draw_only:
            return
        plan = drawing.read_plan(out)
        subjects = scoring.know_people(out, plan, everybody, tell)
    if not subjects:
        sys.exit(f"{out} holds nobody who is trained and drawn")
    result = summary.to_json(plan, subjects, time.monotonic() - began_s)
    if chosen.json:
        print(json.dumps(result))
    else:
        Console().print(summary.to_table(result))


def missing_files(files: Mapping[Path, str] = MADE_ONCE) -> list[str]:
    """What scoring needs and is not there, with the command that makes it."""
    return [
        f"{path.name} is missing: run {command}"
        for path, command in files.items()
        if not path.is_file()
    ]


def draw(chosen: argparse.Namespace, out: Path, photos: Path, tell: drawing.Tell) -> list[Person]:
    """The first phase."""
    from benchmarks.studio import Studio

    tell("loading the base")
    studio = Studio(chosen.base, chosen.device, chosen.class_word)
    look, looked_by = eyes()
    todo = conditions.choose(
        chosen.quality,
        people.NUM_TRAINING,
        studio.native_px,
        chosen.steps,
        dict(chosen.changes),
        chosen.controls,
    )
    plan = RunPlan(
        seeds=people.seeds(chosen.people, chosen.seed),
        seed=chosen.seed,
        base=studio.model.facts.name,
        quality=chosen.quality,
        class_word=chosen.class_word,
        styles=chosen.styles,
        count=chosen.count,
        conditions=tuple(condition.name for condition in todo),
        selects=looked_by == "dlib" and not chosen.no_selection,
        device=studio.device.type,
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / drawing.RUN).write_text(plan.model_dump_json(indent=1), encoding="utf-8")
    everybody: list[Person] = []
    for seed in plan.seeds:
        tell(f"person {seed}: photos")
        person = people.gather(seed, photos, look, looked_by, studio.device.type)
        drawing.work(out, plan, person, todo, studio, tell)
        everybody.append(person)
    return everybody


def known(plan: RunPlan, photos: Path) -> list[Person]:
    """The people of a run whose photos lie there."""

    def refuse(*_: Any) -> Any:
        raise FileNotFoundError(f"{photos} lacks a person's photos; draw them first")

    return [people.gather(seed, photos, refuse, "", "cpu") for seed in plan.seeds]


def eyes() -> tuple[Look, str]:
    """dlib's where it is installed, else what the renderer knows."""
    if find_spec("dlib") is None:
        from benchmarks import sight

        return sight.look, "renderer"
    from engine.photos import report

    return lambda _seed, _view, data: report.look(data), "dlib"


def _tell(status: Any, began_s: float, text: str) -> None:
    status.update(f"{time.monotonic() - began_s:5.0f} s  {text}")


def _names(known: Sequence[str] | dict[str, str]) -> Any:
    def read(text: str) -> tuple[str, ...]:
        names = () if text == "none" else tuple(text.split(","))
        strange = [name for name in names if name not in known]
        if strange:
            raise argparse.ArgumentTypeError(f"{strange[0]!r} is not among {', '.join(known)}")
        return names

    return read


def _change(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    main(sys.argv[1:])
