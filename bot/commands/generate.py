"""`headshot-bot generate`: headshots with a trained LoRA, written to a folder."""

import asyncio
import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from bot.commands.cupboard import base_of
from bot.commands.faults import CommandError
from bot.commands.folder import make_ready
from bot.commands.import_lora import look
from bot.commands.teller import counter_of, see_through
from bot.commands.workplace import open_workplace
from bot.conversation.effects import Generate
from bot.conversation.situation import Model
from bot.conversation.wardrobe import background_of, clothes_of, suggested
from bot.frontends.terminal import drawing
from bot.frontends.terminal.frontend import CALLER
from bot.service.counter import Counter
from bot.settings import Settings
from engine.contract import keys, styles
from engine.contract.blobs import Blobs
from engine.contract.jobs import derive_id
from engine.contract.manifests import HeadshotsManifest, LoraManifest
from engine.contract.styles import Style

DONE = 0
SEEDS = 2**31


@dataclass(frozen=True)
class Look:
    """How the pictures are to be, in the words of the command line."""

    style: str
    prompt: str | None = None
    background: str = ""
    clothes: str = ""


async def generate(
    settings: Settings,
    lora: str,
    look: Look,
    count: int,
    out: Path,
    seed: int | None,
    cuts: bool,
    as_json: bool,
) -> int:
    """Draws, and tells where the pictures are. Returns the exit code."""
    console = Console(stderr=as_json)
    catalogue = styles.load(settings.styles)
    _refuse_style(look.style, list(catalogue))
    background, clothes = _chosen(look, catalogue)
    make_ready(out)
    async with (
        open_workplace(settings) as place,
        counter_of(place, console) as (counter, teller),
    ):
        owner = await counter.owner(CALLER)
        wish = Generate(
            model_id=await _model(counter, owner, lora, base_of(settings)),
            style=look.style,
            count=count,
            seed=secrets.randbelow(SEEDS) if seed is None else seed,
            exact=seed is not None,
            prompt=look.prompt,
            background=background,
            clothes=clothes,
        )
        order = await counter.generate(owner, wish)
        told = await see_through(place, counter, teller, owner, order, "headshots.ready")
        prefix = keys.headshots(owner, order)
        made = HeadshotsManifest.model_validate_json(await place.blobs.get(prefix + keys.MANIFEST))
        pictures = [await place.blobs.get(shot.key) for shot in made.headshots]
        beside = await files_beside(place.blobs, prefix, made) if cuts else {}
    paths = _write(out, made, pictures)
    for name, data in beside.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(data)
    if as_json:
        sys.stdout.write(json.dumps(_as_object(made, paths), indent=2) + "\n")
        return DONE
    for path, picture in zip(paths, told.pictures, strict=True):
        console.print(drawing.link(path, picture.caption))
    for name in beside:
        console.print(drawing.link(out / name, ""))
    return DONE


async def files_beside(blobs: Blobs, prefix: str, made: HeadshotsManifest) -> dict[str, bytes]:
    """What else there is of a set: cuts in folders named for their shape, and the sheet."""
    names: dict[str, str] = {}
    for key in await blobs.list(prefix):
        for shot in made.headshots:
            start = shot.key.removesuffix(".jpg") + "-"
            if key.startswith(start):
                shape = key.removeprefix(start).removesuffix(".jpg")
                names[key] = f"{shape}/{made.style}-{shot.seed}.jpg"
        if key == prefix + keys.SHEET:
            names[key] = f"{made.style}-{made.headshots[0].seed}-sheet.jpg"
    return {name: await blobs.get(key) for key, name in names.items()}


def _write(out: Path, made: HeadshotsManifest, pictures: Sequence[bytes]) -> list[Path]:
    """Named for style and seed, which is how a picture is asked for again."""
    paths = [out / f"{made.style}-{shot.seed}.jpg" for shot in made.headshots]
    for path, picture in zip(paths, pictures, strict=True):
        path.write_bytes(picture)
    return paths


def _refuse_style(style: str, known: Sequence[str]) -> None:
    if style not in known:
        near = get_close_matches(style, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "headshot-bot styles lists all"
        raise CommandError(f"there is no style {style!r}; {hint}")


def _chosen(look: Look, catalogue: dict[str, Style]) -> tuple[str, tuple[str, ...]]:
    """The prompt's words for background and clothes; empty: the style's own."""
    background = background_of(look.background, catalogue) if look.background else ""
    if background is None:
        known = ", ".join(suggested("background", "", "en"))
        raise CommandError(f"there is no background {look.background!r}; there are: {known}")
    clothes = clothes_of(look.clothes, catalogue[look.style], catalogue) if look.clothes else ()
    if look.clothes and not clothes:
        known = ", ".join(suggested("garment", "", "en"))
        raise CommandError(f"there are no clothes {look.clothes!r}; there are: {known}")
    return background, clothes


async def _model(counter: Counter, owner: str, lora: str, base: str) -> str:
    """The id of the model that is meant: by name, else from a file."""
    models = await counter.models(owner)
    named = [model for model in models if model.name.casefold() == lora.casefold()]
    if named:
        return _ready(named[-1]).id
    found = await asyncio.to_thread(_file, Path(lora), base)
    if found is not None:
        return await counter.take_in(owner, Path(lora).stem, *found)
    if not models:
        raise CommandError(
            f"there is neither a model nor a file {lora!r}; "
            "train one: headshot-bot train DIR --name NAME"
        )
    names = ", ".join(model.name for model in models)
    raise CommandError(f"there is neither a model nor a file {lora!r}; your models: {names}")


def _file(path: Path, base: str) -> tuple[bytes, LoraManifest] | None:
    file = path.expanduser()
    if not file.is_file():
        return None
    lora = file.read_bytes()
    return lora, _manifest(file, lora, base)


def _ready(model: Model) -> Model:
    if model.status == "training":
        raise CommandError(f"the model {model.name!r} is still being trained")
    if model.status == "failed":
        raise CommandError(f"the training of the model {model.name!r} did not finish")
    return model


def _manifest(file: Path, lora: bytes, base: str) -> LoraManifest:
    """From beside the file, as `train --out` leaves it; else what its own header tells."""
    found = look(lora, file.name)
    for beside in (file.with_suffix(".json"), file.with_name(keys.MANIFEST)):
        if beside.is_file():
            try:
                return LoraManifest.model_validate_json(beside.read_bytes())
            except ValidationError:
                continue
    return LoraManifest(
        job_id=derive_id("lora_file", file.name),
        base=base,
        family="flux1",
        trigger=found.metadata.get("trigger", "TOK"),
        class_word=found.metadata.get("class_word", "person"),
        rank=found.rank,
        made_by=found.made_by,
    )


def _as_object(made: HeadshotsManifest, paths: Sequence[Path]) -> dict[str, Any]:
    headshots = [
        {
            "file": str(path),
            "seed": shot.seed,
            "width_px": shot.width_px,
            "height_px": shot.height_px,
            "likeness": shot.likeness,
        }
        for path, shot in zip(paths, made.headshots, strict=True)
    ]
    seconds = round(made.seconds, 1)
    return {"style": made.style, "prompt": made.prompt, "headshots": headshots, "seconds": seconds}
