"""`headshot-bot demo`: the whole job, played through the real chat, queue and engine."""

import re
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.commands.again import command, program
from bot.commands.chat import screen_for, talk
from bot.commands.contact_sheet import Row, contact_sheet
from bot.commands.faults import CommandError, sentence
from bot.commands.script import Script, button
from bot.commands.workplace import Workplace, open_workplace
from bot.conversation.actions import Verb
from bot.conversation.messages import Message, Picture
from bot.frontends.terminal import drawing
from bot.frontends.terminal.frontend import TerminalFrontend
from bot.frontends.terminal.paths import named_in
from bot.frontends.terminal.pictures import Album
from bot.logs import configure
from bot.settings import Settings, load
from engine.contract import keys, styles

DONE, FAILED = 0, 2
NUM_HEADSHOTS = 4
CHOICE = 4.0
"""The toy's pictures of one person differ more than FLUX's do: more are drawn to choose from, as
far as that goes quickly.
"""
STEPS = 162
"""Unless the settings say otherwise. All are taken, for so few leave none out; the whole job takes
less than five minutes on two cores.
"""
BAD_SAMPLES = ("blurred.jpg", "someone_else.jpg")
MOST_PREVIEWS = 6
DATA, SELFIES, PREVIEWS = ".data", "selfies", "previews"
SHEET, LORA, MANIFEST = "contact-sheet.jpg", "lora.safetensors", "lora.json"


async def demo(config: Path | None, photos: Path | None, style: str, out: Path) -> int:
    """Plays it; returns the exit code."""
    console = Console()
    settings = _fresh(config, out, style)
    try:
        await _play(console, settings, photos, style, out)
    except Exception as error:
        reason = sentence(error)
        if reason is None:
            raise
        console.print(f"\nThe demo stopped: {reason}", style="bold red", highlight=False)
        console.print(f"What happened in detail: {settings.log_dir}", style="dim", soft_wrap=True)
        return FAILED
    return DONE


def _fresh(config: Path | None, out: Path, style: str) -> Settings:
    """A data folder of its own, empty; results of an earlier demo are cleared away."""
    data_dir = out.absolute() / DATA
    for folder in (data_dir, out / PREVIEWS, out / SELFIES):
        shutil.rmtree(folder, ignore_errors=True)
    for stale in (*out.glob("headshot-*.jpg"), out / SHEET, out / LORA, out / MANIFEST):
        stale.unlink(missing_ok=True)
    private = {
        "data_dir": data_dir,
        "redis_url": None,
        "blobs_url": (data_dir / "blobs").as_uri(),
        "database_url": f"sqlite+aiosqlite:///{data_dir / 'bot.sqlite3'}",
    }
    settings = load(private, config)
    configure(settings.log_level, settings.log_dir / "bot.log")
    known = styles.load(settings.styles)
    if style not in known:
        raise CommandError(f"there is no style {style!r}; try one of: {', '.join(known)}")
    return _paced(settings) if settings.engine.base == "demo" else settings


def _paced(settings: Settings) -> Settings:
    choice = max(settings.engine.choice, CHOICE)
    steps = settings.engine.steps or STEPS
    engine = settings.engine.model_copy(update={"choice": choice, "steps": steps})
    return settings.model_copy(update={"engine": engine})


@dataclass
class Story:
    """What was met on the way, for the contact sheet."""

    script: Script
    style: str
    photos: str
    accepted: tuple[str, ...] = ()
    previews: list[str] = field(default_factory=list[str])
    headshots: tuple[Picture, ...] = ()

    def hear(self, message: Message) -> None:
        if message.card and message.card.startswith("order:"):
            self.previews += [p.key for p in message.pictures if p.key not in self.previews]
        self.script.hear(message)

    async def lines(self) -> AsyncIterator[str]:
        """What the newcomer types."""
        yield "/train"
        await self.script.until(lambda m: m.key == "collection.empty")
        yield self.photos
        card = await self.script.until(_is_judged)
        self.accepted = tuple(p.key for p in card.photos if p.verdict == "accepted")
        start = button(card, Verb.START_TRAINING)
        if start is None:
            raise CommandError(
                f"only {len(self.accepted)} of {len(card.photos)} photos are good enough to train"
            )
        yield start.label
        await self.script.until(lambda m: m.key == "ready.model")
        yield f"/headshot {self.style} {NUM_HEADSHOTS}"
        told = await self.script.until(lambda m: m.key == "headshots.ready")
        self.headshots = told.pictures


def _is_judged(message: Message) -> bool:
    return bool(message.photos) and all(p.verdict != "pending" for p in message.photos)


async def _play(
    console: Console, settings: Settings, photos: Path | None, style: str, out: Path
) -> None:
    began = time.monotonic()
    chosen = photos or _samples(out / SELFIES)
    if not named_in(str(chosen)).files:
        raise CommandError(f"there is no picture in {chosen}")
    story = Story(Script(), style, photos=str(chosen))
    async with open_workplace(settings) as place:
        screen = screen_for(console)
        screen.print(_introduction(settings, photos))
        album = Album(
            place.blobs, out, console.is_terminal and console.color_system == "truecolor", _name
        )
        frontend = TerminalFrontend(screen, album, settings.photos, story.hear)
        await talk(place, frontend, screen, story.lines())
        await _keep_results(place, story, out)
    _conclude(console, out, story, style, time.monotonic() - began)


def _samples(folder: Path) -> Path:
    """Good sample selfies and a few bad ones, laid out where a newcomer can look at them."""
    samples = Path(str(files("engine"))) / "demo" / "samples"
    good = sorted((samples / "good").glob("*.jpg"))
    bad = [samples / "bad" / name for name in BAD_SAMPLES]
    if not good:
        raise CommandError("the sample photos are not in this install; try --photos DIR")
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*good, *bad):
        shutil.copyfile(file, folder / file.name)
    return folder


def _name(picture: Picture) -> str:
    """`linkedin-2-1234.jpg` becomes `headshot-2.jpg`; previews get a folder."""
    if not picture.as_file:
        return f"{PREVIEWS}/{Path(picture.filename).name}"
    return f"headshot-{Path(picture.filename).stem.split('-')[-2]}.jpg"


def _introduction(settings: Settings, photos: Path | None) -> Text:
    whose = f"the photos in {photos}" if photos else "sample selfies of a person who does not exist"
    text = Text.assemble(("Headshot Bot: the whole job, played for you\n", "bold"))
    text.append(f"With {whose}, and the base model {settings.engine.base}.", style="dim")
    if settings.engine.base == "demo":
        text.append(" It is a toy that draws synthetic people.", style="dim")
    return text


async def _keep_results(place: Workplace, story: Story, out: Path) -> None:
    """Copies the LoRA, and lays everything out on one sheet."""
    if len(story.headshots) != NUM_HEADSHOTS:
        raise CommandError(f"{len(story.headshots)} headshots came instead of {NUM_HEADSHOTS}")
    loras = [k for k in await place.blobs.list("people/") if k.endswith(f"/{keys.LORA}")]
    prefix = loras[-1].removesuffix(keys.LORA)
    (out / LORA).write_bytes(await place.blobs.get(prefix + keys.LORA))
    (out / MANIFEST).write_bytes(await place.blobs.get(prefix + keys.MANIFEST))
    selfies = [(await place.blobs.get(key), "") for key in story.accepted]
    shown = _spread(story.previews, MOST_PREVIEWS)
    previews = [(await place.blobs.get(key), _when(key)) for key in shown]
    headshots = [(await place.blobs.get(p.key), p.caption) for p in story.headshots]
    rows = [
        Row("The selfies", selfies, columns=8),
        Row("While it learns the face", previews, columns=6),
        Row(f"Headshots: {story.style}", headshots, columns=4),
    ]
    (out / SHEET).write_bytes(contact_sheet("From selfies to headshots", rows))


def _when(key: str) -> str:
    """`…/preview-000120.jpg` was drawn at step 120."""
    step = re.search(r"(\d+)\.jpg$", key)
    return f"after {int(step[1])} steps" if step else ""


def _spread(found: Sequence[str], most: int) -> list[str]:
    """The first, the last and some between."""
    if len(found) <= most:
        return list(found)
    return [found[round(i * (len(found) - 1) / (most - 1))] for i in range(most)]


def _conclude(console: Console, out: Path, story: Story, style: str, spent_s: float) -> None:
    minutes, seconds = divmod(round(spent_s), 60)
    console.print(f"\nDone in {minutes} min {seconds} s.", style="bold green", highlight=False)
    table = Table.grid(padding=(0, 2))
    for name, file in {
        "four headshots": "headshot-1.jpg … headshot-4.jpg",
        "everything on one sheet": SHEET,
        "the LoRA": LORA,
    }.items():
        table.add_row(f"  {name}", drawing.plain(str(out / file)))
    console.print(table)
    other = "founder" if style != "founder" else "linkedin"
    data = ["--data", str(out / DATA)]
    console.print("\nTry next:", style="bold")
    for line in (
        command(data, "chat"),
        command(data, "generate", "--lora", "Me", "--style", other, "--out", str(out / other)),
        f"{program()} check ~/Pictures/me",
        command([], "doctor"),
    ):
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)
