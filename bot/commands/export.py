"""`headshot-bot export`: a model's LoRA as a file for diffusers, or for ComfyUI and its like."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Literal, get_args

from rich.console import Console
from rich.text import Text

from bot.commands import lora_formats
from bot.commands.cupboard import named, open_cupboard, owner_of
from bot.commands.faults import CommandError
from bot.settings import Settings
from engine.contract import keys
from engine.contract.blobs import BlobMissingError
from engine.contract.manifests import LoraManifest

Format = Literal["diffusers", "comfyui"]
READERS: dict[Format, str] = {
    "diffusers": "pipeline.load_lora_weights",
    "comfyui": "ComfyUI (models/loras), Forge and diffusers",
}
OURS = LoraManifest.model_fields["made_by"].default
DONE = 0


async def export(
    settings: Settings, name: str, wanted: str, out: Path, person: str | None, as_json: bool
) -> int:
    """Writes the file, and tells how to ask for the person. Returns the exit code."""
    format_ = _format(wanted)
    async with open_cupboard(settings) as cupboard:
        async with cupboard.database.transaction() as tx:
            model = await named(tx, await owner_of(tx, person), name)
        try:
            lora = await cupboard.blobs.get(model.lora_prefix + keys.LORA)
            manifest = LoraManifest.model_validate_json(
                await cupboard.blobs.get(model.lora_prefix + keys.MANIFEST)
            )
        except BlobMissingError:
            raise CommandError(f"the files of the model {model.name!r} are gone") from None
    is_ours = manifest.made_by == OURS
    if is_ours and format_ == "comfyui":
        lora = await asyncio.to_thread(lora_formats.to_comfyui, lora, _facts(manifest))
    file = await asyncio.to_thread(_write, out, model.name, lora)
    if as_json:
        _print_json(file, format_, manifest)
    else:
        Console().print(_conclusion(file, format_, manifest, is_ours))
    return DONE


def _format(name: str) -> Format:
    for known in get_args(Format):
        if name == known:
            return known
    raise CommandError(f"there is no format {name!r}; it is one of {', '.join(get_args(Format))}")


def _facts(manifest: LoraManifest) -> dict[str, str]:
    """What whoever opens the file must know: in the words of our own import."""
    return {
        "base_model": manifest.base,
        "trigger": manifest.trigger,
        "class_word": manifest.class_word,
    }


def _write(out: Path, name: str, lora: bytes) -> Path:
    """Where it was written: a folder gets a file that is named for the model."""
    file = out / f"{name.replace('/', '-')}.safetensors" if out.is_dir() else out
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(lora)
    return file


def _print_json(file: Path, format_: Format, manifest: LoraManifest) -> None:
    told = {
        "file": str(file),
        "format": format_,
        "base": manifest.base,
        "trigger": manifest.trigger,
        "class_word": manifest.class_word,
        "made_by": manifest.made_by,
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


def _conclusion(file: Path, format_: Format, manifest: LoraManifest, is_ours: bool) -> Text:
    opens = f"Opens with {READERS[format_]}"
    if not is_ours:
        opens = f"It is the file that was imported, as {manifest.made_by} wrote it"
    subject = f"{manifest.trigger} {manifest.class_word}"
    return Text.assemble(
        ("✓ ", "green"),
        (str(file), "bold"),
        f"\n  {opens}, on {manifest.base}.\n  In prompts, say ",
        (f"“{subject}”", "bold"),
        f", such as: headshot of {subject} wearing a navy suit.",
        ("\n  Whoever has this file can draw this person. Keep it as you keep photos.", "dim"),
    )
