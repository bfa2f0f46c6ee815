"""`headshot-bot train`: a folder of photos becomes a LoRA."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.text import Text

from bot.commands.again import command
from bot.commands.check import as_object
from bot.commands.faults import CommandError
from bot.commands.folder import files_of, make_ready, take
from bot.commands.teller import counter_of, see_through
from bot.commands.verdict_list import VerdictList
from bot.commands.workplace import open_workplace
from bot.conversation.models import MAX_NAME
from bot.conversation.situation import Model
from bot.conversation.speaking import clean
from bot.frontends.terminal.frontend import CALLER
from bot.service.counter import Counter
from bot.settings import Settings
from engine.contract import keys
from engine.contract.jobs import Quality
from engine.contract.manifests import LoraManifest
from engine.contract.photo_set import judge
from engine.contract.photos import PhotoLimits, PhotoReport

DONE, TOO_FEW = 0, 1
LOOK_EVERY_S = 0.1


async def train(
    settings: Settings,
    flags: Sequence[str],
    folder: Path,
    name: str,
    quality: str,
    out: Path | None,
    as_json: bool,
) -> int:
    """Trains, and tells where the LoRA is. Returns the exit code.

    Args:
        flags: that were given before the command, for the command to try next.
    """
    console = Console(stderr=as_json)
    wanted = _quality(quality)
    files = await asyncio.to_thread(files_of, folder)
    if out is not None:
        make_ready(out)
    async with (
        open_workplace(settings) as place,
        counter_of(place, console) as (counter, teller),
    ):
        owner = await counter.owner(CALLER)
        _refuse_name(name, await counter.models(owner))
        taken = await asyncio.to_thread(_take, files, settings.photos)
        photos = [data for data in taken.values() if isinstance(data, bytes)]
        collection = await counter.collect(owner, photos)
        try:
            listing = VerdictList(console, files, settings.photos)
            reports = await place.unless_engine_dies(_judged(counter, collection, taken, listing))
            verdict = judge(reports, settings.photos)
            listing.finish(verdict)
            if not verdict.ready:
                if as_json:
                    sys.stdout.write(json.dumps(as_object(files, verdict), indent=2) + "\n")
                return TOO_FEW
            order = await counter.train(owner, collection, name, wanted)
            await see_through(place, counter, teller, owner, order, "ready.model")
        finally:
            await counter.put_away(owner, collection)
        prefix = keys.lora(owner, order)
        manifest = LoraManifest.model_validate_json(await place.blobs.get(prefix + keys.MANIFEST))
        kept = None
        if out is not None:
            kept = out / keys.LORA
            _copy(kept, await place.blobs.get(prefix + keys.LORA), manifest)
    if as_json:
        _print_json(name, manifest, kept)
    else:
        console.print(_conclusion(flags, name, manifest, kept), soft_wrap=True)
    return DONE


def _quality(name: str) -> Quality:
    for known in get_args(Quality):
        if name == known:
            return known
    raise CommandError(f"there is no quality {name!r}; it is one of {', '.join(get_args(Quality))}")


def _refuse_name(name: str, models: Sequence[Model]) -> None:
    if not name.strip() or clean(name, MAX_NAME) != name:
        raise CommandError(f"the name {name!r} must be 1 to {MAX_NAME} printable letters")
    if any(model.name.casefold() == name.casefold() for model in models):
        raise CommandError(
            f"there is a model named {name!r} already; choose another name, "
            "or delete it: headshot-bot chat, then /models"
        )


def _take(files: Sequence[Path], limits: PhotoLimits) -> dict[Path, bytes | PhotoReport]:
    return {file: take(file, limits) for file in files}


async def _judged(
    counter: Counter,
    collection: str,
    taken: Mapping[Path, bytes | PhotoReport],
    listing: VerdictList,
) -> list[PhotoReport]:
    """One report a file, in order, told as they come."""
    reports: list[PhotoReport] = []
    digests = {f: sha256(d).hexdigest() for f, d in taken.items() if isinstance(d, bytes)}
    while len(reports) < len(taken):
        known = {photo.sha256: photo for photo in await counter.photos(collection)}
        for file, data in list(taken.items())[len(reports) :]:
            if isinstance(data, PhotoReport):
                report = data
            else:
                photo = known[digests[file]]
                if photo.failure is not None:
                    raise CommandError(f"{file.name} could not be checked: {photo.failure}")
                report = photo.report
            if report is None:
                break
            reports.append(report)
            listing.add(report)
        await asyncio.sleep(LOOK_EVERY_S)
    return reports


def _copy(path: Path, lora: bytes, manifest: LoraManifest) -> None:
    path.write_bytes(lora)
    path.with_suffix(".json").write_text(manifest.model_dump_json(indent=2), encoding="utf-8")


def _print_json(name: str, manifest: LoraManifest, kept: Path | None) -> None:
    told = {
        "name": name,
        "file": str(kept) if kept else None,
        "base": manifest.base,
        "num_photos": len(manifest.photos_sha256),
        "num_steps": manifest.num_steps,
        "seconds": round(manifest.seconds, 1),
        "likeness": manifest.likeness,
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


def _conclusion(flags: Sequence[str], name: str, manifest: LoraManifest, kept: Path | None) -> Text:
    told = Text.assemble(
        ("\n✓ ", "green"),
        (f"“{name}” is ready", "bold"),
        f": {manifest.num_steps} steps in {manifest.seconds:.0f} s",
        "" if manifest.likeness is None else f", likeness {manifest.likeness:.0%}",
    )
    if kept is not None:
        told.append(f"\n  {kept}")
    line = command(flags, "generate", "--lora", name, "--style", "linkedin", "--out", "headshots")
    return told.append(f"\n\nTry next:\n  {line}", style="dim")
