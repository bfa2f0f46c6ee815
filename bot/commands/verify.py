"""`headshot-bot verify`: where a picture comes from, in words, and as an exit code for scripts."""

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog
from cryptography import x509
from rich.console import Console
from rich.text import Text

from bot.commands.faults import CommandError
from bot.commands.origin import NotAPictureError, Origin, Verdict, read
from bot.commands.signing import folder_of
from bot.settings import Settings
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.provenance import CHAIN, TOOL

EXIT_CODES = {
    Verdict.MADE_HERE: 0,
    Verdict.NOTHING_FOUND: 1,
    Verdict.MADE_BY_ANOTHER: 3,
    Verdict.MADE_BY_AI: 4,
    Verdict.ALTERED: 5,
}
"""2 stays what it is everywhere: the command could not do its work."""
MAX_BYTES = 200 * 1024 * 1024
PATIENCE_S = 10.0
MARKS = {Verdict.MADE_HERE: ("✓", "green"), Verdict.ALTERED: ("✗", "red")}

log = structlog.get_logger()


async def verify(settings: Settings, file: Path, as_json: bool) -> int:
    """Says it; returns the exit code."""
    try:
        data = await asyncio.to_thread(_read, file)
        origin = await asyncio.to_thread(read, data, await certificates(settings))
    except NotAPictureError:
        raise CommandError(
            f"{file} cannot be read as a picture; try the original file, "
            "for example a JPEG as the bot sent it"
        ) from None
    except ImportError:
        raise CommandError(
            "content credentials cannot be read here; install what reads them: "
            "pip install c2pa-python"
        ) from None
    if as_json:
        sys.stdout.write(json.dumps(as_object(file, origin), indent=2) + "\n")
    else:
        _print(file, origin)
    return EXIT_CODES[origin.verdict]


async def certificates(settings: Settings) -> str:
    """Of this machine's engine, and of all that share its blob store."""
    try:
        own = _readable(await asyncio.to_thread((folder_of(settings) / CHAIN).read_bytes))
    except OSError:
        own = ""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return own + await _published(settings.blobs_url)
    except Exception as error:  # another machine's store: what lies here still counts
        log.warning("certificates_not_read", error=type(error).__name__)
        return own


async def _published(blobs_url: str) -> str:
    if not await asyncio.to_thread(_is_there, blobs_url):
        return ""
    blobs = Blobs.from_url(blobs_url)
    found = [await blobs.get(key) for key in await blobs.list(keys.CERTIFICATES)]
    return "".join(_readable(chain) for chain in found)


def _is_there(blobs_url: str) -> bool:
    """Where nothing was ever made, looking must not make a folder."""
    parts = urlsplit(blobs_url)
    return parts.scheme != "file" or Path(unquote(parts.path)).is_dir()


def _readable(chain: bytes) -> str:
    """Empty for what is no certificate: one that is damaged must not spoil the others."""
    try:
        x509.load_pem_x509_certificates(chain)
        return chain.decode("ascii")
    except ValueError:
        return ""


def as_object(file: Path, origin: Origin) -> dict[str, object]:
    """The machine's form of it."""
    return {
        "file": str(file),
        "verdict": origin.verdict,
        "ai_made": origin.is_ai,
        "signed": origin.is_signed,
        "tool": origin.tool or None,
        "signer": origin.signer or None,
        "began_with": origin.began_with if origin.verdict is Verdict.ALTERED else None,
        "style": origin.how.get("style"),
        "seed": _number(origin.how.get("seed", "")),
        "base": origin.how.get("base"),
    }


def sentences(origin: Origin) -> tuple[str, str]:
    """What is so, and what that means or what to do."""
    match origin.verdict:
        case Verdict.MADE_HERE:
            return (
                "Made here, by AI.",
                "This Headshot Bot made the picture, and nothing in the file was changed since.",
            )
        case Verdict.MADE_BY_ANOTHER:
            return (
                "Made by another Headshot Bot, by AI.",
                "Nothing in the file was changed since. Anybody can run a Headshot Bot, so the "
                "signature says which one it was, not who runs it. If it is one of your own "
                "machines, let it use the same blob store as this one.",
            )
        case Verdict.ALTERED:
            return _altered(origin)
        case Verdict.MADE_BY_AI:
            return _by_ai(origin)
        case Verdict.NOTHING_FOUND:
            return _nothing(origin)


def _altered(origin: Origin) -> tuple[str, str]:
    whose = {
        Verdict.MADE_HERE: "This Headshot Bot made the original, by AI. ",
        Verdict.MADE_BY_ANOTHER: "A Headshot Bot made the original, by AI. ",
        None: "",
    }[origin.began_with]
    if origin.is_edited_openly:
        tool = origin.tool or "a program that gives no name"
        return "Changed since it was made, and it says so.", f"{whose}It was edited with {tool}."
    if origin.began_with is None:
        return (
            "Not as it was signed.",
            "The signature in the file does not hold, so nothing that it says can be believed. "
            "If it matters, ask for the original file.",
        )
    return (
        "Changed since it was signed.",
        f"{whose}The signature in the file belongs to another version of it. "
        "If it matters, ask for the original file.",
    )


def _by_ai(origin: Origin) -> tuple[str, str]:
    if origin.is_signed:
        tool = origin.tool or "a program that gives no name"
        return (
            f"Made by AI, by somebody else: {tool}.",
            "Nothing in the file was changed since it was signed. "
            "Whether the signer is who the name says cannot be told from here.",
        )
    who = f"It says that a {TOOL} made it" if origin.tool == TOOL else "It says so itself"
    return (
        "Probably made by AI, but nothing proves it.",
        f"{who}, but it is not signed, or the signature got lost: many chats and programs drop it "
        "when they save a picture anew. Ask for the original file to know more.",
    )


def _nothing(origin: Origin) -> tuple[str, str]:
    if origin.is_signed:
        tool = origin.tool or "a program that gives no name"
        return (
            "Nothing here says that AI made it.",
            f"It is signed and unchanged since; it comes from {tool}.",
        )
    return (
        "Nothing found.",
        "The file says nothing about where it comes from. That proves neither AI nor a camera: "
        "screenshots and many chats drop such notes. Ask for the original file to know more.",
    )


def _print(file: Path, origin: Origin) -> None:
    console = Console()
    mark, colour = MARKS.get(origin.verdict, ("•", "yellow"))
    verdict, meaning = sentences(origin)
    console.print(Text(str(file), style="dim"), soft_wrap=True)
    console.print(Text.assemble((f"{mark} ", colour), (verdict, "bold")))
    console.print(Text(meaning))
    facts = [f"{name} {value}" for name, value in origin.how.items()]
    if origin.signer:
        facts.append(f"signed by {origin.signer}")
    if facts:
        console.print(Text(" · ".join(facts), style="dim"), soft_wrap=True)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CommandError(f"{file} is larger than {MAX_BYTES >> 20} MB; that is no headshot")
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
