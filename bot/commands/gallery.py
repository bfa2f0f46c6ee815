"""A gallery of styles: pictures on a shelf, and a page that shows them. Knows files and HTML."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image

from engine.contract.jobs import GenerateHeadshots
from engine.contract.styles import Style

PAGE_PX = 480
_CSS = """
:root { color-scheme: light dark;
  --ink: #1b1b1f; --faint: #6b6b74; --paper: #fafaf8; --line: #e4e4e0 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececf0; --faint: #9a9aa5; --paper: #161618; --line: #2c2c31 } }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 2rem } h2 { margin: 3rem 0 1rem; font-size: 1.25rem }
p { margin: .25rem 0 } .faint, small { color: var(--faint) }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1rem; margin: 1.25rem 0 }
a { color: inherit }
section > div { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)) }
article { min-width: 0 } h3 { margin: .6rem 0 0; font-size: 1rem }
figure { margin: 0; display: grid; gap: 4px }
img { width: 100%; display: block; border-radius: 10px; background: var(--line) }
figure:has(img + img) { grid-template-columns: 1fr 1fr }
code { font-size: .85em; color: var(--faint) }
details { margin-top: .3rem; font-size: .85rem; color: var(--faint) } summary { cursor: pointer }
"""


@dataclass(frozen=True)
class Entry:
    style: Style
    pictures: tuple[bytes, ...]


@dataclass(frozen=True)
class Shelf:
    """Pictures by style, with a record of what each was drawn from."""

    folder: Path
    pictures_dir: Path
    record: Path

    def holds(self, job: GenerateHeadshots) -> bool:
        known = self._known().get(job.style.name, {})
        return known.get("job_id") == job.job_id and bool(self.pictures(job.style.name))

    def put(self, job: GenerateHeadshots, pictures: Sequence[bytes]) -> None:
        """In place of what was there of the style."""
        self.pictures_dir.mkdir(parents=True, exist_ok=True)
        for old in self.paths(job.style.name):
            old.unlink(missing_ok=True)
        names = [f"{job.style.name}-{n}.jpg" for n in range(1, len(pictures) + 1)]
        for name, data in zip(names, pictures, strict=True):
            (self.pictures_dir / name).write_bytes(data)
        known = self._known()
        known[job.style.name] = {"job_id": job.job_id, "seed": job.seed, "pictures": names}
        partial = self.record.with_suffix(".partial")
        partial.write_text(json.dumps(known, indent=1), encoding="utf-8")
        partial.replace(self.record)

    def paths(self, style: str) -> list[Path]:
        names: list[str] = self._known().get(style, {}).get("pictures", [])
        return [self.pictures_dir / Path(name).name for name in names]

    def pictures(self, style: str) -> list[bytes]:
        """None where one of them is gone."""
        paths = self.paths(style)
        return [path.read_bytes() for path in paths] if all(p.is_file() for p in paths) else []

    def _known(self) -> dict[str, dict[str, Any]]:
        try:
            return json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}


def smaller(data: bytes, side_px: int) -> bytes:
    """The picture within a square of that side; what it says of having been made by AI stays."""
    with Image.open(BytesIO(data)) as picture:
        told = {
            name: picture.info[name]
            for name in ("exif", "xmp", "icc_profile")
            if name in picture.info
        }
        small = picture.convert("RGB")
    small.thumbnail((side_px, side_px))
    out = BytesIO()
    small.save(out, "JPEG", quality=88, optimize=True, **told)
    return out.getvalue()


def page(entries: Sequence[Entry], facts: str) -> str:
    """One file that needs no other."""
    groups = [(name, list(found)) for name, found in groupby(entries, lambda e: e.style.category)]
    links = "".join(f'<a href="#{_anchor(n)}">{escape(n.capitalize())}</a>' for n, _ in groups)
    sections = "\n".join(_section(name, found) for name, found in groups)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Styles</title><style>{_CSS}</style></head><body>\n"
        f'<h1>Styles</h1><p class="faint">{escape(facts)}. All pictures are made by AI.</p>\n'
        f"<nav>{links}</nav>\n{sections}\n</body></html>\n"
    )


def _section(category: str, entries: Sequence[Entry]) -> str:
    articles = "\n".join(_article(entry) for entry in entries)
    heading = escape(category.capitalize())
    return (
        f'<section id="{_anchor(category)}"><h2>{heading}</h2><div>\n{articles}\n</div></section>'
    )


def _article(entry: Entry) -> str:
    style = entry.style
    title = escape(style.title)
    pictures = "".join(
        f'<img src="data:image/jpeg;base64,{b64encode(data).decode()}" alt="{title}">'
        for data in entry.pictures
    )
    clothes = "; ".join(escape(worn) for worn in style.clothes)
    parts = filter(None, (style.background, style.light, style.framing, style.skin, style.aspect))
    facts = escape(" · ".join([*parts, f"guidance {style.guidance:g}"]))
    return (
        f"<article><figure>{pictures}</figure><h3>{title} <code>{escape(style.name)}</code></h3>"
        f"<p>{escape(style.description)}</p><details><summary>How it is asked for</summary>"
        f"<p>{escape(style.prompt)}</p><p>{facts}</p>"
        f"<p>Clothes: {clothes}</p></details></article>"
    )


def _anchor(category: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in category.casefold())
