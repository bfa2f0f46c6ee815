"""One thing at a time for each person, first come first served; different people in parallel."""

import asyncio
from weakref import WeakValueDictionary


class Locks:
    """Locks by name. One that nobody holds or waits for is gone."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Lock:
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock
