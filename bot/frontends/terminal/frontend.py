"""The terminal as a chat platform: one person, one chat, no network.

Translates lines into what reaches the conversation, and messages into what appears. It keeps
nothing that matters: names of files and numbers of buttons are for the eyes only.
"""

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding

from bot.conversation.actions import Action
from bot.conversation.incoming import (
    Command,
    PhotosReceived,
    Pressed,
    Said,
    UploadRefused,
)
from bot.conversation.messages import MENU, Button, Message, PhotoLine
from bot.frontends.base import Address, Caller, Inbox, MessageRef
from bot.frontends.terminal import drawing
from bot.frontends.terminal.paths import Named, named_in
from bot.frontends.terminal.pictures import Album, Kept
from bot.frontends.terminal.screen import Screen
from engine.contract.photos import PhotoLimits

MIB = 1024 * 1024
BATCH = 8
"""Photos handed over at once, so that the first verdicts come while the others are read."""
QUIET_S = 1.0
"""So long nothing is said once everything has been answered."""
CALLER = Caller(platform="terminal", user_id="local", address={"terminal": "local"})


class TerminalFrontend:
    """A frontend in the sense of `bot.frontends.base`. `hears` is told of each message."""

    name = "terminal"
    edit_pace_s = 0.1
    verdict_replies = False

    def __init__(
        self,
        screen: Screen,
        album: Album,
        limits: PhotoLimits,
        hears: Callable[[Message], None] | None = None,
    ) -> None:
        self._screen = screen
        self._album = album
        self._limits = limits
        self._lines: AsyncIterable[str] | None = None
        self._offered = Offered()
        self._cards: dict[str, Message] = {}
        self._file_names: dict[str, str] = {}
        self._hears = hears
        self._told: dict[tuple[str, int], PhotoLine] = {}
        self._numbers = count(1)
        self._spoke = time.monotonic()
        self.left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the lines have ended, or have failed."""

    def listen_to(self, lines: AsyncIterable[str]) -> None:
        """Says where lines come from; before `run`."""
        self._lines = lines

    async def run(self, inbox: Inbox) -> None:
        assert self._lines is not None
        try:
            async for line in self._lines:
                await self.take(inbox, line)
        except Exception as failure:
            self.left.set_exception(failure)
        else:
            self.left.set_result(None)
        await asyncio.Event().wait()

    # From the person to the conversation.

    async def take(self, inbox: Inbox, line: str) -> None:
        """One line, as it was entered."""
        text = line.strip()
        if not text:
            return
        self._screen.print(drawing.echo(text))
        self._spoke = time.monotonic()
        button = self._offered.find(text)
        named = Named() if button else named_in(_after_train(text))
        if button is not None:
            await inbox.receive(CALLER, Pressed(action=button.action))
        elif named and (not text.startswith("/") or named.files or "/" in text.split()[0][1:]):
            await self._send_photos(inbox, named, opens=_is_train(text))
        elif text.startswith("/"):
            name, _, argument = text[1:].partition(" ")
            await inbox.receive(CALLER, Command(name=name, argument=argument.strip()))
        else:
            await inbox.receive(CALLER, Said(text=text))

    async def _send_photos(self, inbox: Inbox, named: Named, opens: bool) -> None:
        for word in named.missing:
            self._note(f"There is no file {word}")
        for folder in named.empty:
            self._note(f"There is no picture in {folder}")
        if opens:
            await inbox.receive(CALLER, Command(name="train"))
        small, large = _by_size(named.files, self._limits.max_bytes)
        if large:
            limit_mib = self._limits.max_bytes // MIB
            await inbox.receive(
                CALLER,
                UploadRefused(reason="too_large", limit_mib=limit_mib, num_files=len(large)),
            )
        for start in range(0, len(small), BATCH):
            batch = await asyncio.to_thread(self._read, small[start : start + BATCH])
            if batch:
                await inbox.receive(CALLER, PhotosReceived(), batch)

    def _read(self, files: Sequence[Path]) -> list[bytes]:
        photos: list[bytes] = []
        for file in files:
            try:
                data = file.read_bytes()
            except OSError as error:
                self._note(f"{file}: {error.strerror}")
                continue
            self._file_names[sha256(data).hexdigest()] = file.name
            photos.append(data)
        return photos

    # From the conversation to the person.

    async def send(
        self, address: Address, message: Message, replace: MessageRef | None
    ) -> MessageRef:
        self._spoke = time.monotonic()
        number = next(self._numbers) if replace is None else int(replace["number"])
        self._tell_verdicts(message)
        self._offered.offer(number, message, is_new=replace is None)
        pictures = [await self._album.keep(picture) for picture in message.pictures]
        if message.card and message.card != MENU and not message.final:
            self._cards[message.card] = message
            draw = partial(self._draw, pictures=pictures)
            if not self._screen.card(message.card, message, draw):
                news = [picture for picture in pictures if picture.is_new]
                shown = (Padding(line, (0, 0, 0, 2)) for line in self._album.show(news))
                self._screen.print(*shown, is_line=True)
        else:
            if message.card:
                self._cards.pop(message.card, None)
                self._screen.drop(message.card)
            self._screen.print(self._draw(message, pictures))
        if self._hears is not None:
            self._hears(message)
        return {"number": number}

    def _draw(self, message: Message, pictures: Sequence[Kept]) -> RenderableType:
        told = [photo.reason for (card, _), photo in self._told.items() if card == message.card]
        return drawing.message(
            message,
            self._offered.numbers,
            without=[reason for reason in told if reason],
            pictures=self._album.show(pictures),
        )

    def _tell_verdicts(self, message: Message) -> None:
        news: list[RenderableType] = []
        for photo in message.photos:
            key = message.card or "", photo.number
            before = self._told.get(key)
            if photo.verdict == "pending" or (before and before.reason == photo.reason):
                continue
            self._told[key] = photo
            news.append(drawing.verdict(photo, self._file_names.get(photo.sha256, "")))
        if news:
            self._screen.print(*news, is_line=True)

    def _note(self, text: str) -> None:
        self._screen.print(drawing.note(text))

    async def settled(self) -> None:
        """Returns when everything has been answered and nothing is under way."""
        while True:
            quiet_s = time.monotonic() - self._spoke
            if quiet_s >= QUIET_S and not any(_goes_on(card) for card in self._cards.values()):
                return
            await asyncio.sleep(QUIET_S / 10)


class Offered:
    """Buttons that can be pressed now, and the numbers of the latest of them."""

    def __init__(self) -> None:
        self.numbers: Mapping[Action, int] = {}
        self._owner = 0
        self._buttons: dict[int, list[Button]] = {}

    def offer(self, number: int, message: Message, is_new: bool) -> None:
        """A message that is new, or whose buttons changed, takes the numbers over."""
        buttons = [button for row in message.buttons for button in row]
        before = self._buttons.pop(number, None)
        if buttons:
            self._buttons[number] = buttons
        takes_over = is_new or _actions(before or []) != _actions(buttons)
        if buttons and (takes_over or number == self._owner):
            self._owner = number
            self.numbers = {button.action: n for n, button in enumerate(buttons, 1)}
        elif not buttons and number == self._owner:
            self.numbers = {}

    def find(self, text: str) -> Button | None:
        """By its number, or by its label or the beginning of it."""
        if text.isdecimal():
            wanted = [b for b in self._all() if self.numbers.get(b.action) == int(text)]
            return wanted[0] if wanted else None
        word = text.casefold()
        for button in self._all():
            if button.label.casefold() == word:
                return button
        return None

    def _all(self) -> Iterable[Button]:
        for number in sorted(self._buttons, reverse=True):
            yield from self._buttons[number]


def _actions(buttons: Sequence[Button]) -> list[Action]:
    return [button.action for button in buttons]


def _is_train(text: str) -> bool:
    return text.split()[0].casefold() == "/train"


def _after_train(text: str) -> str:
    """`/train ~/Pictures/me` names photos, too."""
    return text.partition(" ")[2] if _is_train(text) else text


def _by_size(files: Sequence[Path], max_bytes: int) -> tuple[list[Path], list[Path]]:
    small: list[Path] = []
    large: list[Path] = []
    for file in files:
        (large if file.stat().st_size > max_bytes else small).append(file)
    return small, large


def _goes_on(card: Message) -> bool:
    running = (card.card or "").startswith("order:")
    return running or any(photo.verdict == "pending" for photo in card.photos)
