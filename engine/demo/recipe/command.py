"""The command line of the recipe: options, the plan they make, the run."""

import argparse
import dataclasses
import logging
import sys
from pathlib import Path

import torch

from engine.demo.recipe.clock import facts
from engine.demo.recipe.corpus import real_people, stand_ins
from engine.demo.recipe.export import Workshop
from engine.demo.recipe.plan import FULL, RESTART_SHARE, RESTART_SHARES, SMOKE, Plan
from engine.demo.recipe.run import STAGES, Run


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="engine.demo.recipe", description="Train the demo model from nothing on one GPU."
    )
    parser.add_argument("--out", type=Path, required=True, help="model, report and sheets")
    parser.add_argument("--work", type=Path, help="unfinished work (default: OUT.work)")
    parser.add_argument("--minutes", type=float, help="wall-clock time of the whole run")
    parser.add_argument("--stage", choices=("all", *STAGES), default="all", help="last stage")
    parser.add_argument("--only", choices=("captioner",), help="this stage alone")
    parser.add_argument("--pictures", type=int, help="how many pictures to draw at most")
    parser.add_argument("--batch", type=int, help="largest batch of the flow stage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="continue from the work folder")
    parser.add_argument("--start", type=Path, help="continue from a model folder, new people")
    parser.add_argument("--cast", type=int, default=0, help="another number draws other people")
    parser.add_argument(
        "--keep-autoencoder", action="store_true", help="with --start: train it no further"
    )
    parser.add_argument("--smoke", action="store_true", help="toy sizes, any machine")
    parser.add_argument("--stand-ins", action="store_true", help="ovals for people")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args(arguments)


def plan_of(chosen: argparse.Namespace) -> Plan:
    """The plan that ships, or the smoke plan, with the command line's changes."""
    plan = SMOKE if chosen.smoke else FULL
    plan = dataclasses.replace(plan, seed=chosen.seed, minutes=chosen.minutes or plan.minutes)
    people = dataclasses.replace(
        plan.people, cast=chosen.cast, max_pictures=chosen.pictures or plan.people.max_pictures
    )
    plan = dataclasses.replace(plan, people=people)
    if chosen.batch:
        batches = tuple(sorted({chosen.batch, *(b for b in plan.flow.batches if b < chosen.batch)}))
        flow = dataclasses.replace(plan.flow, batches=batches[::-1])
        plan = dataclasses.replace(plan, flow=flow)
    if chosen.only:
        return dataclasses.replace(plan, share_captioning=1.0)
    if chosen.start:
        plan = _gentler(plan)
    if chosen.start and chosen.keep_autoencoder:
        plan = dataclasses.replace(plan, share_autoencoding=0.0)
    return plan


def _gentler(plan: Plan) -> Plan:
    flow, autoencoding = plan.flow, plan.autoencoding
    return dataclasses.replace(
        plan,
        **{f"share_{stage}": share for stage, share in RESTART_SHARES.items()},
        autoencoding=dataclasses.replace(
            autoencoding, learning_rate=autoencoding.learning_rate * RESTART_SHARE
        ),
        flow=dataclasses.replace(
            flow,
            matrix_learning_rate=flow.matrix_learning_rate * RESTART_SHARE,
            learning_rate=flow.learning_rate * RESTART_SHARE,
            text_learning_rate=flow.text_learning_rate * RESTART_SHARE,
        ),
    )


def main(arguments: list[str]) -> None:
    chosen = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    for loud in ("httpx", "torch._dynamo", "torch._inductor"):
        logging.getLogger(loud).setLevel(logging.ERROR)
    device = torch.device(chosen.device)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        # Its backward fails on some drivers; flash attention is as fast at this size.
        torch.backends.cuda.enable_cudnn_sdp(False)
        torch.backends.cudnn.benchmark = True
        # What does not compile runs as it is.
        torch._dynamo.config.suppress_errors = True
    work = chosen.work or chosen.out.with_name(f"{chosen.out.name}.work")
    workshop = Workshop(work)
    if not (chosen.resume or chosen.only):
        for old in work.glob("*.*"):
            old.unlink()
    source = stand_ins() if chosen.stand_ins else real_people()
    run = Run(plan_of(chosen), source, chosen.out, workshop, device)
    if chosen.start:
        run.start_from(chosen.start)
    elif chosen.resume:
        run.resume()
    for stage in (chosen.only,) if chosen.only else STAGES:
        getattr(run, stage)()
        if stage == chosen.stage:
            break
    facts("finished", seconds=run.clock.now_s, out=chosen.out)
