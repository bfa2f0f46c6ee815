"""What torch finds on this machine, as JSON: `python -m engine.models.probe BASE TIER CAPTIONER`.

For those who must not import torch themselves. Knows devices, how a base would be laid out on them,
and who would look at its photos; loads no model and downloads nothing.
"""

import json
import sys
from pathlib import Path
from typing import Any, cast, get_args

import torch
from huggingface_hub import try_to_load_from_cache

from engine.contract.failures import EngineError
from engine.contract.settings import MemoryTier
from engine.models import captioner_choice
from engine.models.folder import CAPTIONER

GIB = 2**30


def probe(base: str, tier: MemoryTier, captioner: str = captioner_choice.AUTO) -> dict[str, Any]:
    gpus = _gpus()
    cached = None
    if base.count("/") == 1 and not Path(base).expanduser().exists():
        cached = isinstance(try_to_load_from_cache(base, "model_index.json"), str)
    found = {
        "torch": torch.__version__,
        "gpus": gpus,
        "mps": torch.backends.mps.is_available(),
        "cached": cached,
    }
    if not gpus or cached is False:
        return found
    from engine.models import catalogue  # takes seconds, for diffusers comes along

    try:
        folder = catalogue.find(base)
        native_px = catalogue.facts(base, folder).native_px
    except EngineError:
        return found
    looks = _captioner(captioner, native_px, folder / CAPTIONER)
    return found | {"memory": _memory(folder, tier), "captioner": looks}


def _gpus() -> list[dict[str, Any]]:
    gpus: list[dict[str, Any]] = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        gpus.append({"name": name, "free_gib": free / GIB, "total_gib": total / GIB})
    return gpus


def _memory(folder: Path, tier: MemoryTier) -> dict[str, Any] | None:
    """How the base would be laid out; what is lacking where it fits in no way."""
    from engine.models import catalogue, memory  # as above

    device = catalogue.choose_device()
    try:
        plan = memory.plan(folder, device, torch.bfloat16, tier)
    except EngineError as error:
        facts = error.failure.facts
        return {"needed_mib": facts["needed_mib"]} if "needed_mib" in facts else None
    return {
        "tier": plan.tier,
        "kind": plan.kind,
        "precision": plan.precision,
        "streamed_share": plan.streamed_share,
    }


def _captioner(wish: str, native_px: int, own: Path) -> dict[str, Any] | None:
    """Who is wanted, and whether it is on this machine; None where nobody is."""
    name = captioner_choice.wanted(wish, native_px, own)
    return None if name is None else {"name": name, "is_here": captioner_choice.is_here(name)}


def main() -> None:
    base, tier, captioner = sys.argv[1:]
    if tier not in get_args(MemoryTier):
        raise SystemExit(f"memory is {tier!r}; it must be one of {', '.join(get_args(MemoryTier))}")
    print(json.dumps(probe(base, cast(MemoryTier, tier), captioner)))


if __name__ == "__main__":
    main()
