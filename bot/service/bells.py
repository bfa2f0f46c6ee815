"""How one part wakes another after a commit. Rows hold the work; a bell only says: look now."""

import asyncio


class Bell:
    """Rung once or often, it wakes its one listener once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, timeout_s: float | None = None) -> None:
        """Returns when rung since the last wait, or after the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


class Bells:
    """One bell for each part that works through rows."""

    def __init__(self) -> None:
        self.orders = Bell()
        self.errands = Bell()
        self.letters = Bell()
        self.stirred_chats: set[tuple[str, str]] = set()

    def ring(self, chats: set[tuple[str, str]]) -> None:
        """After every commit: platform and chat of the letters that were posted."""
        self.stirred_chats |= chats
        self.orders.ring()
        self.errands.ring()
        if chats:
            self.letters.ring()
