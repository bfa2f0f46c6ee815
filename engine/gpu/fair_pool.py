"""Threads that work for people: next comes whoever had the fewest of their tasks begun.

Knows people and tasks, not what the tasks are.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class FairPool:
    """One person's hundred tasks do not hold up another's first."""

    def __init__(self, num_threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(num_threads, name)
        self._line = FairLine[Callable[[], None]]()

    def submit(self, owner: str, task: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            try:
                result = task()
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._line.add(owner, run)
        self._threads.submit(lambda: self._line.take()())
        return future

    def shutdown(self) -> None:
        """Waits for all that was submitted."""
        self._threads.shutdown()


class FairLine(Generic[T]):
    """People who each wait for many things. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, deque[T]] = {}
        self._had: dict[str, int] = {}

    def add(self, owner: str, thing: T) -> None:
        """Who was away is level with whoever in line had the fewest: it earns no credit."""
        with self._lock:
            if not self._waiting:
                self._had = {}
            if owner not in self._waiting:
                least = min((self._had[other] for other in self._waiting), default=0)
                self._had[owner] = max(self._had.get(owner, 0), least)
                self._waiting[owner] = deque()
            self._waiting[owner].append(thing)

    def take(self) -> T:
        """Raises ValueError where nobody waits."""
        with self._lock:
            owner = min(self._waiting, key=lambda one: self._had[one])
            self._had[owner] += 1
            thing = self._waiting[owner].popleft()
            if not self._waiting[owner]:
                del self._waiting[owner]
            return thing
