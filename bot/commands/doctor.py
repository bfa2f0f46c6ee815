"""`headshot-bot doctor`: looks at what the program needs on this machine, and says how to mend it.

torch is asked about in a process of its own, so that this one stays light.
"""

import asyncio
import json
import os
import platform
import shutil
import sys
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.commands import signing
from bot.frontends.discord.invite import links
from bot.processes.engine import torch_is_installed
from bot.processes.valkey import ValkeyError, embedded
from bot.settings import EngineSection, Settings, TelegramSection
from engine.contract.base import Frozen
from engine.contract.queue import JobQueue, connect
from engine.contract.styles import StylesError, load

HEALTHY, SICK = 0, 1
GIB = 1024**3
FREE_DISK_GIB = 5
REDIS_TIMEOUT_S = 5
PROBE_TIMEOUT_S = 120
LOCAL_BASES = ("demo",)
LICENCES = {
    "black-forest-labs/FLUX.1-dev": "FLUX.1 [dev] non-commercial licence: not for paid services",
    "black-forest-labs/FLUX.1-Krea-dev": "FLUX.1 [dev] non-commercial licence",
    "black-forest-labs/FLUX.1-schnell": "Apache-2.0",
}
PROBE = "engine.models.probe"


LAYOUTS = {
    "whole": "all of it on the card",
    "frugal": "blocks are computed again for their gradients",
    "streamed": "blocks come to the card in turn, which is slower",
}


class Finding(Frozen):
    """One thing that was looked at. `missing` is needed; `advice` can be lived with."""

    what: str
    state: Literal["good", "advice", "missing"]
    found: str
    remedy: str = ""


async def doctor(settings: Settings, as_json: bool) -> int:
    findings = [finding async for finding in look(settings)]
    if as_json:
        rows = [finding.model_dump() for finding in findings]
        sys.stdout.write(json.dumps({"findings": rows}, indent=2) + "\n")
    else:
        _show(findings)
    return SICK if any(finding.state == "missing" for finding in findings) else HEALTHY


async def look(settings: Settings) -> AsyncIterator[Finding]:
    """Everything, one after the other."""
    yield Finding(what="python", state="good", found=platform.python_version())
    probe = await _probe(settings.engine)
    yield _torch(probe)
    yield _gpu(settings, probe)
    if probe and probe.get("memory"):
        yield _memory(settings.engine.memory, probe["memory"])
    if probe and "captioner" in probe:
        yield _captioner(settings.engine.captioner, probe["captioner"])
    yield _base(settings, probe)
    yield await _queue(settings)
    yield _folder(settings.data_dir)
    yield _disk(settings.data_dir)
    yield _styles(settings.styles)
    yield _credentials(settings)
    yield _tokens(settings)
    if settings.discord.token is not None:
        yield _discord(settings.discord.token.get_secret_value())
    if settings.telegram.token is not None:
        yield await _telegram(settings.telegram, settings.telegram.token.get_secret_value())


async def _probe(engine: EngineSection) -> dict[str, Any] | None:
    """What torch says; None where it is not installed or does not start."""
    if not torch_is_installed():
        return None
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", PROBE, engine.base, engine.memory, engine.captioner),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PROBE_TIMEOUT_S)
        return json.loads(output.splitlines()[-1])
    except (TimeoutError, ValueError, IndexError):
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _torch(probe: dict[str, Any] | None) -> Finding:
    if probe is not None:
        return Finding(what="torch", state="good", found=str(probe["torch"]))
    found = "it does not start" if torch_is_installed() else "not installed"
    remedy = "pip install 'headshot-bot[engine]' (photos can be checked without it)"
    return Finding(what="torch", state="missing", found=found, remedy=remedy)


def _gpu(settings: Settings, probe: dict[str, Any] | None) -> Finding:
    gpus: list[dict[str, Any]] = probe["gpus"] if probe else []
    if gpus:
        shown = (f"{g['name']}, {g['free_gib']:.0f} of {g['total_gib']:.0f} GiB free" for g in gpus)
        return Finding(what="gpu", state="good", found="; ".join(shown))
    if probe and probe["mps"]:
        return Finding(what="gpu", state="good", found="Apple GPU")
    if settings.engine.base in LOCAL_BASES:
        remedy = "the demo model does well without; FLUX needs an NVIDIA GPU with 12 GB or more"
        return Finding(what="gpu", state="advice", found="none", remedy=remedy)
    remedy = "FLUX needs an NVIDIA GPU with 12 GB or more and its driver; is `nvidia-smi` content?"
    return Finding(what="gpu", state="missing", found="none", remedy=remedy)


def _memory(wish: str, plan: dict[str, Any]) -> Finding:
    """How the base is laid out on the card, and why."""
    if "needed_mib" in plan:
        found = f"the smallest layout needs {plan['needed_mib'] / 1024:.1f} GiB"
        remedy = "free the card (`nvidia-smi` shows who has it), or use a smaller base"
        return Finding(what="gpu memory", state="missing", found=found, remedy=remedy)
    why = "for what is free" if wish == "auto" else "as HEADSHOT_ENGINE__MEMORY asks"
    found = f"laid out for {plan['tier']} GB {why}: {LAYOUTS[plan['kind']]}"
    if plan["precision"] != "plain":
        found += ", weights in fp8"
    if plan["streamed_share"]:
        found += f", {plan['streamed_share']:.0%} of the blocks outside the card"
    return Finding(what="gpu memory", state="good", found=found)


def _captioner(wish: str, one: dict[str, Any] | None) -> Finding:
    """Who looks at the photos before a training."""
    if one is None:
        found = "by the photo checks, which see neither clothes nor places"
        return Finding(what="captions", state="good", found=found)
    if one["is_here"]:
        return Finding(what="captions", state="good", found=f"by {one['name']}")
    found = f"{one['name']}, not on this machine"
    if wish == "auto":
        found += ": downloaded when the engine first loads the base (half a gigabyte)"
    remedy = "without network put its files into a folder; HEADSHOT_ENGINE__CAPTIONER names that"
    return Finding(what="captions", state="advice", found=found, remedy=remedy)


def _base(settings: Settings, probe: dict[str, Any] | None) -> Finding:
    base = settings.engine.base
    if base in LOCAL_BASES:
        there = Path(str(files("engine"))).joinpath("demo", "model", "model_index.json").is_file()
        found = "demo, a toy that draws synthetic people" if there else "demo, not in this install"
        remedy = (
            "for photographs set HEADSHOT_ENGINE__BASE=black-forest-labs/FLUX.1-dev"
            if there
            else "install again, or set HEADSHOT_ENGINE__BASE"
        )
        return Finding(
            what="base model", state="good" if there else "missing", found=found, remedy=remedy
        )
    folder = Path(base).expanduser()
    if folder.is_dir() or base.startswith(("/", "~", ".")):
        whole = (folder / "model_index.json").is_file()
        remedy = "" if whole else "name a folder in the diffusers layout, with model_index.json"
        return Finding(
            what="base model", state="good" if whole else "missing", found=base, remedy=remedy
        )
    licence = LICENCES.get(base, "see its page")
    if probe and probe["cached"]:
        return Finding(what="base model", state="good", found=f"{base} ({licence})")
    remedy = f"accept its licence on its page, then: hf auth login && hf download {base}"
    return Finding(
        what="base model", state="missing", found=f"{base}, not downloaded", remedy=remedy
    )


async def _queue(settings: Settings) -> Finding:
    try:
        if settings.redis_url is None:
            async with embedded(settings.data_dir, settings.log_dir) as url:
                return Finding(what="queue", state="good", found=f"embedded, {await _alive(url)}")
        found = await _alive(settings.redis_url)
        return Finding(what="queue", state="good", found=f"your Redis, {found}")
    except ValkeyError as error:
        return Finding(what="queue", state="missing", found="none", remedy=str(error))
    except (RedisError, TimeoutError, ValueError):
        remedy = "start it, or correct HEADSHOT_REDIS_URL; without that setting one is built in"
        return Finding(what="queue", state="missing", found="does not answer", remedy=remedy)


async def _alive(redis_url: str) -> str:
    async with asyncio.timeout(REDIS_TIMEOUT_S):
        redis = await connect(redis_url)
        try:
            engines = await JobQueue(redis).engines_alive()
        finally:
            await redis.aclose()
    return f"engines alive: {len(engines)}"


def _folder(data_dir: Path) -> Finding:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        remedy = "choose another with --data DIR or HEADSHOT_DATA_DIR"
        found = f"{data_dir}: {error.strerror}"
        return Finding(what="data folder", state="missing", found=found, remedy=remedy)
    if os.access(data_dir, os.W_OK | os.X_OK):
        return Finding(what="data folder", state="good", found=str(data_dir))
    remedy = "make it yours, or choose another with --data DIR or HEADSHOT_DATA_DIR"
    found = f"{data_dir} cannot be written to"
    return Finding(what="data folder", state="missing", found=found, remedy=remedy)


def _disk(data_dir: Path) -> Finding:
    place = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    free_gib = shutil.disk_usage(place).free / GIB
    found = f"{free_gib:.0f} GiB free"
    if free_gib >= FREE_DISK_GIB:
        return Finding(what="disk", state="good", found=found)
    remedy = f"free {FREE_DISK_GIB} GiB, or move the data folder with HEADSHOT_DATA_DIR"
    return Finding(what="disk", state="missing", found=found, remedy=remedy)


def _styles(own: Path | None) -> Finding:
    try:
        found = f"{len(load(own))}, with those of {own}" if own else f"{len(load())}"
    except StylesError as error:
        remedy = "mend the file, then try: headshot-bot styles"
        return Finding(what="styles", state="missing", found=str(error), remedy=remedy)
    return Finding(what="styles", state="good", found=found)


def _credentials(settings: Settings) -> Finding:
    found, remedy = signing.look(signing.folder_of(settings))
    state = "advice" if remedy else "good"
    return Finding(what="credentials", state=state, found=found, remedy=remedy)


def _tokens(settings: Settings) -> Finding:
    tokens = {"Discord": settings.discord.token, "Telegram": settings.telegram.token}
    found = [name for name, token in tokens.items() if token is not None]
    if found:
        return Finding(what="chats", state="good", found="terminal, " + ", ".join(found))
    remedy = "for others: HEADSHOT_DISCORD__TOKEN, HEADSHOT_TELEGRAM__TOKEN"
    return Finding(what="chats", state="advice", found="terminal only", remedy=remedy)


def _discord(token: str) -> Finding:
    invites = links(token)
    if not invites:
        remedy = "copy it from discord.com/developers, Bot, Reset Token: it has three parts"
        return Finding(what="discord", state="missing", found="no bot token", remedy=remedy)
    found = "\n".join(f"add to a {place}: {link}" for place, link in invites.items())
    return Finding(what="discord", state="good", found=found)


async def _telegram(section: TelegramSection, token: str) -> Finding:
    from bot.frontends.telegram.introduction import Introduction, introduce

    met = await introduce(token, section.api_url)
    if isinstance(met, Introduction):
        found = f"@{met.username}, add it to a group: {met.group_link}"
        if not met.reads_all:
            return Finding(what="telegram", state="good", found=found)
        remedy = "it reads all words of its groups and needs none: /setprivacy at @BotFather"
        return Finding(what="telegram", state="advice", found=found, remedy=remedy)
    if met == "refused":
        remedy = "copy it from @BotFather, /token, into HEADSHOT_TELEGRAM__TOKEN"
        return Finding(what="telegram", state="missing", found="token refused", remedy=remedy)
    remedy = "is there a way to it? The bot starts all the same and waits"
    return Finding(
        what="telegram", state="advice", found=f"{section.api_url} does not answer", remedy=remedy
    )


def _show(findings: list[Finding]) -> None:
    marks = {"good": ("✓", "green"), "advice": ("·", "yellow"), "missing": ("✗", "red")}
    table = Table.grid(padding=(0, 1))
    table.add_column()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        mark, style = marks[finding.state]
        said = Text(finding.found)
        if finding.remedy:
            said.append(f"\n→ {finding.remedy}", style="dim" if finding.state == "good" else style)
        table.add_row(Text(mark, style=style), finding.what, said)
    Console().print(table)
