"""SQLite connections whose operations are not torn apart when a task is cancelled.

SQLite runs in a thread; a cancelled task stops waiting for it but cannot stop it. SQLAlchemy then
drops a connection that still holds the write lock, now and then for good. Here an operation that
has begun is waited for, and the cancellation takes effect at the next wait for anything else.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

FETCH_SIZE = 64
ResultT = TypeVar("ResultT")


class SteadyConnection(aiosqlite.Connection):
    async def _execute(self, fn: Callable[..., ResultT], *args: Any, **kwargs: Any) -> ResultT:
        operation: Any = super()._execute(fn, *args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        return await outlast(operation)


async def outlast(operation: Any) -> Any:
    """Waits for the end of an operation; being cancelled meanwhile counts from then on."""
    work = asyncio.ensure_future(operation)
    task = asyncio.current_task()
    assert task is not None
    num_cancels = 0
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            num_cancels += 1
            task.uncancel()
    for _ in range(num_cancels):
        task.cancel()
    return work.result()


def connector(path: Path) -> Callable[[], SteadyConnection]:
    """For `create_async_engine(async_creator=…)`. Transactions are begun by us alone."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None)

    def create() -> SteadyConnection:
        connection = SteadyConnection(connect, FETCH_SIZE)
        # A process that must end does not wait for it.
        connection._thread.daemon = True  # pyright: ignore[reportPrivateUsage]
        return connection

    return create
