"""`headshot-bot styles preview`: example pictures of the styles, drawn by the engine at hand.

They make a page and a contact sheet to look at, and what the chats' menus show of each style. What
is drawn already for the same style, words and base is not drawn again.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console

from bot.commands import gallery
from bot.commands.contact_sheet import Row, contact_sheet
from bot.commands.cupboard import base_of, named, open_cupboard, owner_of
from bot.commands.drawn import Drawer
from bot.commands.faults import CommandError
from bot.commands.workplace import Workplace, open_workplace
from bot.frontends.terminal import drawing
from bot.service.examples import EXAMPLE_PX
from bot.settings import Settings
from engine.contract import keys, styles
from engine.contract.jobs import GenerateHeadshots, derive_id
from engine.contract.styles import Style

DONE = 0
COLUMNS = 8
PAGE, SHEET, PICTURES, RECORD = "index.html", "contact-sheet.jpg", "pictures", "gallery.json"
SUBJECTS = (
    "a young woman with long brown hair",
    "a Black man with a short beard",
    "an older woman with short grey hair",
    "an East Asian man with short black hair",
    "a woman with curly red hair",
    "a bald man with glasses",
    "a South Asian woman with long black hair",
    "a young man with blond hair",
    "a Black woman with an afro",
    "an older man with white hair and a moustache",
    "an East Asian woman with a bob",
)
"""Whom a base draws that knows nobody: different people for different styles."""


@dataclass(frozen=True)
class Wish:
    """What is to be drawn."""

    styles: tuple[str, ...] = ()
    """By name; none: all."""
    count: int = 1
    lora: str | None = None
    """A model's name; none: people that the base makes up."""
    seed: int = 0
    again: bool = False
    """Also what is there already."""
    publish: bool = True
    """Show the pictures in the chats' menus."""


async def preview(settings: Settings, wish: Wish, out: Path | None, as_json: bool) -> int:
    """Draws what is missing, and tells where the gallery lies. Returns the exit code."""
    console = Console(stderr=as_json)
    folder = (out or settings.data_dir / "styles").expanduser().absolute()
    catalogue = styles.load(settings.styles)
    names = chosen(catalogue, wish.styles)
    jobs = await _jobs(settings, wish, catalogue, names)
    shelf = gallery.Shelf(folder, folder / PICTURES, folder / RECORD)
    missing = [job for job in jobs if wish.again or not shelf.holds(job)]
    try:
        if missing:
            await _draw(settings, missing, shelf, console)
    except asyncio.CancelledError:
        console.print("Stopped. The same command goes on where it stopped.")
        raise
    finally:
        _lay_out(settings, shelf, catalogue)
    if wish.publish:
        await _publish(settings, shelf, catalogue)
    _tell(console, shelf, names, wish.publish, as_json)
    return DONE


def chosen(catalogue: dict[str, Style], wanted: Sequence[str]) -> list[str]:
    for name in wanted:
        if name not in catalogue:
            near = get_close_matches(name, catalogue, n=1)
            hint = f"did you mean {near[0]}?" if near else "headshot-bot styles lists all"
            raise CommandError(f"there is no style {name!r}; {hint}")
    return list(dict.fromkeys(wanted)) or list(catalogue)


async def _jobs(
    settings: Settings, wish: Wish, catalogue: dict[str, Style], names: Sequence[str]
) -> list[GenerateHeadshots]:
    async with open_cupboard(settings) as cupboard, cupboard.database.transaction() as tx:
        owner = await owner_of(tx, None)
        prefix = (await named(tx, owner, wish.lora)).lora_prefix if wish.lora else ""
    return orders(catalogue, names, wish, owner, prefix, base_of(settings))


def orders(
    catalogue: dict[str, Style],
    names: Sequence[str],
    wish: Wish,
    owner: str,
    lora_prefix: str,
    base: str,
) -> list[GenerateHeadshots]:
    """One for each style. The id holds all that decides how the pictures look."""
    jobs: list[GenerateHeadshots] = []
    for number, style in enumerate(catalogue.values()):
        if style.name not in names:
            continue
        if not lora_prefix:
            style = _with_somebody(style, SUBJECTS[(number + wish.seed) % len(SUBJECTS)])
        look = style.model_dump_json(exclude={"title", "category", "description", "translations"})
        jobs.append(
            GenerateHeadshots(
                job_id=derive_id("style_preview", base, lora_prefix, look, wish.count, wish.seed),
                owner=owner,
                lora_prefix=lora_prefix,
                style=style,
                count=wish.count,
                seed=int(derive_id("seed", style.name, wish.seed)[:8], 16),
            )
        )
    return jobs


def _with_somebody(style: Style, subject: str) -> Style:
    return style.model_copy(update={"prompt": style.prompt.replace("{subject}", subject)})


async def _draw(
    settings: Settings, jobs: Sequence[GenerateHeadshots], shelf: gallery.Shelf, console: Console
) -> None:
    async with open_workplace(settings, roles=("generation",)) as place:
        await place.unless_engine_dies(_draw_all(place, jobs, shelf, console))


async def _draw_all(
    place: Workplace,
    jobs: Sequence[GenerateHeadshots],
    shelf: gallery.Shelf,
    console: Console,
) -> None:
    """One after the other, the next one always in line already."""
    async with Drawer(place.queue, place.redis, place.blobs).at_work() as drawer:
        for number, job in enumerate(jobs, start=1):
            made = await drawer.draw(job, jobs[number : number + 1])
            pictures = [await place.blobs.get(shot.key) for shot in made.headshots]
            await asyncio.to_thread(shelf.put, job, pictures)
            await place.blobs.erase(keys.headshots(job.owner, job.job_id))
            spent = f"{number:>3}/{len(jobs)}  {job.style.name}  {made.seconds:.1f} s"
            console.print(spent, style="dim", highlight=False)


def _lay_out(settings: Settings, shelf: gallery.Shelf, catalogue: dict[str, Style]) -> None:
    """Page and contact sheet of all that is there, in the catalogue's order."""
    entries = [
        gallery.Entry(style, tuple(gallery.smaller(data, gallery.PAGE_PX) for data in found))
        for name, style in catalogue.items()
        if (found := shelf.pictures(name))
    ]
    if not entries:
        return
    facts = f"{len(entries)} of {len(catalogue)} styles, drawn by {base_of(settings)}"
    shelf.folder.joinpath(PAGE).write_text(gallery.page(entries, facts), encoding="utf-8")
    pictures = [(entry.pictures[0], entry.style.title) for entry in entries]
    rows = [Row(facts, pictures, COLUMNS)]
    shelf.folder.joinpath(SHEET).write_bytes(contact_sheet("Styles", rows))


async def _publish(settings: Settings, shelf: gallery.Shelf, catalogue: dict[str, Style]) -> None:
    """The first picture of each style into the blob store, where every bot finds it."""
    async with open_cupboard(settings) as cupboard:
        for name in catalogue:
            found = shelf.pictures(name)
            if found:
                small = gallery.smaller(found[0], EXAMPLE_PX)
                await cupboard.blobs.put(keys.style_example(name), small)


def _tell(
    console: Console, shelf: gallery.Shelf, names: Sequence[str], published: bool, as_json: bool
) -> None:
    page, sheet = shelf.folder / PAGE, shelf.folder / SHEET
    if as_json:
        drawn = {name: [str(path) for path in shelf.paths(name)] for name in names}
        told = {"page": str(page), "contact_sheet": str(sheet), "styles": drawn}
        sys.stdout.write(json.dumps({**told, "published": published}, indent=2) + "\n")
        return
    console.print(drawing.link(page, "the gallery"))
    console.print(drawing.link(sheet, "all on one picture"))
    if published:
        console.print("The chats' style menus show these pictures within a minute.", style="dim")
