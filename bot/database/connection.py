"""Opens the database by URL, brings it up to date, and hands out transactions.

Knows engines, pragmas and migrations; knows no tables. SQLite is one private file in WAL mode;
any other URL goes to SQLAlchemy as it is.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from sqlalchemy import AsyncAdaptedQueuePool, Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from bot.database.steady import connector

BUSY_TIMEOUT_MS = 10_000
CLOSING_S = 10.0
CLOSING_LOOK_S = 0.005


class Database:
    """Transactions on one database. Build with `open`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # SQLite's own queue of writers sleeps and polls; ours wakes the next one at once.
        is_sqlite = engine.dialect.name == "sqlite"
        self._turn: AbstractAsyncContextManager[object] = (
            asyncio.Lock() if is_sqlite else nullcontext()
        )
        self._writing = async_sessionmaker(engine, expire_on_commit=False)
        self._reading = async_sessionmaker(
            engine.execution_options(read_only=True), expire_on_commit=False
        )

    @classmethod
    async def open(cls, url: str) -> Self:
        """Opens `sqlite:///path` or `postgresql://…`, creates what is missing and migrates it."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise ValueError(f"database url is {url!r}; it must name a file")
            path = Path(parsed.database)
            _make_private(path)
            engine = create_async_engine(
                "sqlite+aiosqlite://",
                async_creator=connector(path),
                poolclass=AsyncAdaptedQueuePool,
                hide_parameters=True,
            )
            event.listen(engine.sync_engine, "connect", _set_pragmas)
            event.listen(engine.sync_engine, "begin", _begin)
        else:
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+asyncpg")
            engine = create_async_engine(parsed, pool_pre_ping=True, hide_parameters=True)
        try:
            async with engine.connect() as connection:
                await connection.run_sync(migrate)
                await connection.commit()
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """All of it or nothing. One writer at a time; keep network and blobs outside."""
        async with self._turn, self._writing() as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession]:
        """One consistent view, beside any writer."""
        async with self._reading() as session:
            yield session

    async def scrub(self) -> None:
        """Empties SQLite's write-ahead log, so that what was deleted is in no file any more."""
        if self._engine.dialect.name != "sqlite":
            return
        async with self._turn, self._engine.connect() as connection:
            await connection.execution_options(no_transaction=True)
            await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        await asyncio.shield(self._close())

    async def _close(self) -> None:
        """Waits for those who are about to end: what comes back later would stay open for good."""
        pool = self._engine.pool
        assert isinstance(pool, AsyncAdaptedQueuePool)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                while pool.checkedout():  # noqa: ASYNC110 a pool tells nobody of that
                    await asyncio.sleep(CLOSING_LOOK_S)
        await self._engine.dispose()


def migrate(connection: Connection) -> None:
    """Brings the schema to the newest version. Alembic is heavy: loaded for this alone."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("bot.database").joinpath("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A writer takes its lock at once: a reader that turns writer halfway is refused, not queued.
    options = connection.get_execution_options()
    if not options.get("no_transaction"):
        connection.exec_driver_sql("BEGIN" if options.get("read_only") else "BEGIN IMMEDIATE")
