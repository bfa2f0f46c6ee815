"""In a crowd, taking down what people do goes before answering them.

Telegram hands over a page at a time. While pages come full, more people wait there whose words
nobody has saved; answering the others meanwhile would keep them waiting. Not for ever, though: a
crowd without end gets answers, too.
"""

import asyncio

FULL_PAGE = 100
"""Updates that Telegram hands over at once, at most."""
AT_MOST_S = 4.0


class Gate:
    def __init__(self, at_most_s: float = AT_MOST_S) -> None:
        self._at_most_s = at_most_s
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._opening: asyncio.TimerHandle | None = None

    async def wait(self) -> None:
        """Until it is open."""
        await self._is_open.wait()

    def page_came(self, num_updates: int) -> None:
        if num_updates >= FULL_PAGE and self._opening is None:
            self._is_open.clear()
            loop = asyncio.get_running_loop()
            self._opening = loop.call_later(self._at_most_s, self._is_open.set)
        elif num_updates < FULL_PAGE and self._opening is not None:
            self._opening.cancel()
            self._opening = None
            self._is_open.set()
