"""SQLite connections that take few trips to their thread, and are not torn apart halfway.

SQLite runs in a thread, and in a crowd each trip to it costs more than the statement. So a
statement comes back with all of its rows; nothing here reads results piece by piece.

A cancelled task stops waiting for the thread but cannot stop it. SQLAlchemy then drops a
connection that still holds the write lock, now and then for good. Here an operation that has begun
is waited for, and the cancellation takes effect at the next wait for anything else.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

FETCH_SIZE = 64
ResultT = TypeVar("ResultT")


class OneTripCursor(aiosqlite.Cursor):
    """Made, run and read to its end in one go. Closing it is nothing more to do."""

    def __init__(self, connection: "SteadyConnection") -> None:
        self._conn = connection
        self._rows: list[Any] = []

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> Self:
        await self._conn.run(self._run, sqlite3.Cursor.execute, sql, parameters or ())
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Self:
        await self._conn.run(self._run, sqlite3.Cursor.executemany, sql, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []

    def _run(self, statement: Callable[..., object], sql: str, parameters: Iterable[Any]) -> None:
        """In the thread."""
        self._cursor = self._conn.raw.cursor()
        statement(self._cursor, sql, parameters)
        if self._cursor.description:
            self._rows = self._cursor.fetchall()


class SteadyConnection(aiosqlite.Connection):
    @property
    def raw(self) -> sqlite3.Connection:
        return self._conn

    def cursor(self) -> OneTripCursor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return OneTripCursor(self)

    async def run(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """In the thread, to its end."""
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((done, partial(function, *args)))  # pyright: ignore[reportUnknownMemberType]
        return await outlast(done)

    async def _execute(self, fn: Callable[..., ResultT], *args: Any, **kwargs: Any) -> ResultT:
        return await self.run(partial(fn, **kwargs), *args)


async def outlast(work: asyncio.Future[Any]) -> Any:
    """Waits for the end of an operation; being cancelled meanwhile counts from then on."""
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
