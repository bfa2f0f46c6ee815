"""`headshot-bot chat`: the whole bot for the one person at this terminal."""

import asyncio
import sys
from collections.abc import AsyncIterable

from rich.console import Console, RenderableType

from bot import app
from bot.commands.workplace import Workplace, open_workplace
from bot.conversation.commands import COMMANDS
from bot.frontends.terminal import drawing
from bot.frontends.terminal.completion import Completion
from bot.frontends.terminal.editor import LineEditor
from bot.frontends.terminal.frontend import TerminalFrontend
from bot.frontends.terminal.lines import key_by_key, piped, typed
from bot.frontends.terminal.pictures import Album
from bot.frontends.terminal.screen import LiveScreen, PlainScreen, Screen
from bot.settings import Settings
from engine.contract import styles

DONE = 0


async def chat(settings: Settings) -> int:
    """Talks until the person leaves. What runs then goes on the next time."""
    console = Console()
    if sys.stdin.isatty() and console.is_terminal:
        await _at_the_keyboard(settings, console)
        return DONE
    async with open_workplace(settings) as place:
        screen = screen_for(console)
        frontend = frontend_for(place, console, screen)
        await talk(place, frontend, screen, piped(frontend.settled))
    return DONE


async def _at_the_keyboard(settings: Settings, console: Console) -> None:
    editor = LineEditor(Completion(COMMANDS, tuple(styles.load(settings.styles))))

    def prompt() -> RenderableType:
        return drawing.prompt(editor.text, editor.cursor, editor.candidates)

    console.print(drawing.greeting())
    with key_by_key():
        async with open_workplace(settings) as place:
            screen = LiveScreen(console, prompt)
            frontend = frontend_for(place, console, screen)
            await talk(place, frontend, screen, typed(editor, screen.refresh))
    console.print("\nGood-bye! Everything is kept; headshot-bot chat goes on.", style="dim")


def screen_for(console: Console) -> Screen:
    """A screen without a line to type in."""
    return LiveScreen(console, None) if console.is_terminal else PlainScreen(console)


def frontend_for(place: Workplace, console: Console, screen: Screen) -> TerminalFrontend:
    colours = console.is_terminal and console.color_system == "truecolor"
    album = Album(place.blobs, place.settings.terminal.pictures, thumbnails=colours)
    return TerminalFrontend(screen, album, place.settings.photos)


async def talk(
    place: Workplace, frontend: TerminalFrontend, screen: Screen, lines: AsyncIterable[str]
) -> None:
    """Runs the bot with this one frontend until the lines have ended.

    Raises:
        PartHopelessError: when the engine does not stay alive.
        Exception: what the lines raised.
    """
    frontend.listen_to(lines)
    serving = asyncio.create_task(app.run(place.settings, place.redis_url, [frontend], place.blobs))
    ends = (frontend.left, place.engine, serving)
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            if end.done():
                return end.result()
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        screen.close()
