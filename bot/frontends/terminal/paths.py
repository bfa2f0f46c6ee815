"""Photos named in a line of text: paths typed, dropped or pasted, folders, patterns, file:// URLs.

Reads folders, never a file.
"""

import glob
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

IMAGES = frozenset(
    f".{name}"
    for name in (
        *("jpg", "jpeg", "jfif", "png", "webp", "heic", "heif", "hif", "avif"),
        *("bmp", "gif", "tif", "tiff"),
    )
)
"""Files of a folder that are taken along; a file named by itself is taken whatever its name."""


@dataclass(frozen=True)
class Named:
    files: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()
    """What looks like a path and is none."""
    empty: tuple[Path, ...] = ()
    """Folders without a picture."""

    def __bool__(self) -> bool:
        return bool(self.files or self.missing or self.empty)


def named_in(text: str) -> Named:
    """All photos that a line names; nothing (and False) where it is no line of paths."""
    whole = _path(text.strip().strip("'\""))
    words = [text.strip().strip("'\"")] if text.strip() and _is_there(whole) else _words(text)
    if not any(_exists(word) or _looks_like_a_path(word) for word in words):
        return Named()
    files: dict[Path, None] = {}
    missing: list[str] = []
    empty: list[Path] = []
    for word in words:
        found = _files(word)
        if found is None:
            missing.append(word)
        elif not found:
            empty.append(_path(word))
        files |= dict.fromkeys(found or ())
    return Named(tuple(files), tuple(missing), tuple(empty))


def complete(word: str) -> Sequence[str]:
    """Paths that begin with a word, quoted for the line where they hold spaces."""
    bare = word.lstrip("'\"").replace("\\ ", " ")
    start = os.path.expanduser(bare)
    found = sorted(glob.iglob(glob.escape(start) + "*"))[:50]
    shown = (path + "/" if os.path.isdir(path) else path for path in found)
    tilde = bare.startswith("~") and not start.startswith("~")
    home = os.path.expanduser("~")
    return [(("~" + p[len(home) :]) if tilde else p).replace(" ", "\\ ") for p in shown]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an apostrophe
        return text.split()


def _exists(word: str) -> bool:
    return _is_there(_path(word)) or bool(_matches(word))


def _is_there(path: Path) -> bool:
    """Also of what can be no path: a long sentence, or one behind a door that is shut."""
    try:
        return path.exists()
    except OSError:
        return False


def _looks_like_a_path(word: str) -> bool:
    image = Path(word).suffix.lower() in IMAGES
    return image or word.startswith(("/", "~/", "./", "../", "file://"))


def _path(word: str) -> Path:
    if word.startswith("file://"):
        word = unquote(urlsplit(word).path)
    try:
        return Path(word).expanduser()
    except RuntimeError:  # ~nobody
        return Path(word)


def _matches(word: str) -> list[Path]:
    if not glob.has_magic(word):
        return []
    return sorted(Path(match) for match in glob.iglob(str(_path(word))))


def _files(word: str) -> list[Path] | None:
    """None where there is nothing of that name."""
    path = _path(word)
    places = [path] if _is_there(path) else _matches(word)
    if not places:
        return None
    return [file for place in places for file in _of(place)]


def _of(path: Path) -> Iterator[Path]:
    """Neither pipes nor devices: they would be read for ever."""
    if path.is_file():
        yield path
    elif path.is_dir() and os.access(path, os.R_OK | os.X_OK):
        for file in sorted(path.iterdir()):
            if file.is_file() and file.suffix.lower() in IMAGES and not file.name.startswith("."):
                yield file
