"""What goes first when many people do something at once: acknowledgements, before all work.

Discord waits three seconds for an acknowledgement and nobody waits that short for an answer. So
nothing new is begun while many acknowledgements are on their way, and few works go on at once: one
more acknowledgement never stands in line behind a crowd's photos.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

PATIENCE_S = 4.0
"""So long work stands back, should Discord be slow."""
MANY = 8
MAX_WORKS = 8


class Precedence:
    def __init__(
        self, patience_s: float = PATIENCE_S, many: int = MANY, max_works: int = MAX_WORKS
    ) -> None:
        self._patience_s = patience_s
        self._many = many
        self._works = asyncio.Semaphore(max_works)
        self._num_acknowledging = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @contextmanager
    def acknowledging(self) -> Generator[None]:
        self._num_acknowledging += 1
        if self._num_acknowledging >= self._many:
            self._calm.clear()
        try:
            yield
        finally:
            self._num_acknowledging -= 1
            if self._num_acknowledging < self._many:
                self._calm.set()

    async def calm(self) -> None:
        """Returns when few wait for an acknowledgement, or when patience ends."""
        if self._calm.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await self._calm.wait()

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        async with self._works:
            await self.calm()
            yield
