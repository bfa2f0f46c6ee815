"""`headshot-bot import`: a LoRA that another trainer made becomes a model here, to draw with."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.commands import lora_formats
from bot.commands.again import command
from bot.commands.cupboard import base_of, open_cupboard, owner_of
from bot.commands.faults import CommandError
from bot.conversation.models import MAX_NAME
from bot.conversation.speaking import clean
from bot.database import models
from bot.service import taking_in
from bot.settings import Settings
from engine.contract import lora_names
from engine.contract.manifests import LoraManifest

DONE = 0
MAX_RANK = 16
"""That the engine's layers have; of a higher one it takes the best approximation."""


@dataclass(frozen=True)
class Found:
    """What a file's header tells."""

    made_by: str
    rank: int
    num_layers: int
    num_left_out: int
    """Layers outside of the transformer's blocks, and those of text encoders."""
    metadata: dict[str, str]


async def import_lora(
    settings: Settings,
    file: Path,
    name: str,
    trigger: str | None,
    class_word: str | None,
    person: str | None,
    as_json: bool,
    flags: Sequence[str] = (),
) -> int:
    """Takes the file in, and tells what it is. Returns the exit code."""
    if not name.strip() or clean(name, MAX_NAME) != name:
        raise CommandError(f"the name {name!r} must be 1 to {MAX_NAME} printable letters")
    lora = await asyncio.to_thread(file.read_bytes)
    found = look(lora, file.name)
    manifest = LoraManifest(
        job_id="",
        base=base_of(settings),
        family="flux1",
        trigger=_word(trigger or found.metadata.get("trigger"), file.name),
        class_word=class_word or found.metadata.get("class_word", "person"),
        rank=found.rank,
        made_by=found.made_by,
    )
    async with open_cupboard(settings) as cupboard:
        async with cupboard.database.transaction() as tx:
            owner = await owner_of(tx, person)
            taken = [model.name.casefold() for model in await models.of_person(tx, owner)]
        if name.casefold() in taken:
            raise CommandError(f"there is a model named {name!r} already; choose another name")
        model_id = await taking_in.store(cupboard.blobs, owner, lora, manifest)
        async with cupboard.database.transaction() as tx:
            known = await models.own(tx, owner, model_id)
            if known is not None:
                raise CommandError(f"that file is your model {known.name!r} already")
            now = datetime.now(UTC)
            await taking_in.enter(tx, owner, model_id, name, manifest, now)
    if as_json:
        _print_json(name, manifest, found)
    else:
        Console().print(_conclusion(flags, name, manifest, found), soft_wrap=True)
    return DONE


def look(lora: bytes, name: str) -> Found:
    """What a LoRA file is, from its header.

    Raises:
        CommandError: for what is no LoRA, none of FLUX.1, or of a kind that is no plain LoRA.
    """
    header = lora_formats.read_header(lora, name)
    parsed = {key: lora_names.parse(key) for key in header.tensors}
    strays = [key for key, tensor in parsed.items() if tensor is None]
    if strays or not parsed:
        kind = _KINDS.get(next((k for k in _KINDS if any(k in s for s in strays)), ""), "")
        raise CommandError(
            f"{name} is no plain LoRA{kind}; plain ones have pairs of lora_A and lora_B, "
            "or of lora_down and lora_up"
        )
    downs = {key: tensor for key, tensor in parsed.items() if tensor and tensor.role == "a"}
    in_blocks = [key for key, t in downs.items() if lora_names.is_flux1(t.module)]
    if not in_blocks:
        raise CommandError(
            f"{name} was not made for FLUX.1: its first layer is {next(iter(parsed))}"
        )
    ranks = Counter(int(header.tensors[key]["shape"][0]) for key in in_blocks)
    return Found(
        made_by=_trainer(header),
        rank=ranks.most_common(1)[0][0],
        num_layers=len(in_blocks),
        num_left_out=len(downs) - len(in_blocks),
        metadata=header.metadata,
    )


_KINDS = {
    "hada_": " but a LoHa",
    "lokr_": " but a LoKr",
    "dora_scale": " but a DoRA",
    "oft_": " but an OFT",
    ".diff": " but holds whole weights",
}


def _trainer(header: lora_formats.Header) -> str:
    if "trigger" in header.metadata:
        return "headshot-bot, exported"
    if any(key.startswith("lora_unet_") for key in header.tensors):
        return "kohya's sd-scripts"
    if "ostris" in header.metadata.get("software", "") or "ai-toolkit" in str(header.metadata):
        return "ai-toolkit"
    return "another trainer"


def _word(trigger: str | None, name: str) -> str:
    if trigger is None:
        raise CommandError(
            f"{name} does not say which word means the person; say it: --trigger WORD, "
            "as it was written in the captions of the training"
        )
    if not 1 <= len(trigger) <= 32 or any(letter.isspace() for letter in trigger):
        raise CommandError(f"the trigger {trigger!r} must be one word of at most 32 letters")
    return trigger


def _print_json(name: str, manifest: LoraManifest, found: Found) -> None:
    told = {
        "name": name,
        "made_by": manifest.made_by,
        "base": manifest.base,
        "trigger": manifest.trigger,
        "class_word": manifest.class_word,
        "rank": found.rank,
        "num_layers": found.num_layers,
        "num_left_out": found.num_left_out,
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


def _conclusion(flags: Sequence[str], name: str, manifest: LoraManifest, found: Found) -> Text:
    told = Text.assemble(
        ("✓ ", "green"),
        (f"“{name}” is taken in", "bold"),
        f": {found.num_layers} layers of rank {found.rank}, made by {manifest.made_by}.",
        f"\n  In prompts it is called “{manifest.trigger} {manifest.class_word}”. It will be drawn "
        f"with {manifest.base}.",
    )
    if found.rank > MAX_RANK:
        told.append(f"\n  Of its rank, the {MAX_RANK} strongest directions of each layer are used.")
    if found.num_left_out:
        told.append(
            f"\n  {found.num_left_out} layers outside of the transformer's blocks are left out; "
            "pictures may differ a little from those you know."
        )
    told.append("\n  Without photos, likeness cannot be measured for it.")
    line = command(flags, "generate", "--lora", name)
    return told.append(f"\n\nTry next:\n  {line}", style="dim")
