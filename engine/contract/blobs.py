"""The blob store: a private folder, or an S3-compatible bucket, by URL.

Knows bytes and keys (see `engine.contract.keys`); knows nothing of what they mean. In a folder
every file is the owner's alone (0600 in 0700) and is written whole or not at all.
"""

# pyright: reportUnknownMemberType=false
# (obstore declares its lists as list[Unknown])

import asyncio
import copy
import errno
import os
import shutil
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store

from engine.contract.failures import EngineError, FailureCode

_PARTIAL = ".partial"


class BlobMissingError(KeyError):
    """No blob lies under that key."""


class WritingForbiddenError(Exception):
    """What is to be written belongs to work that was given up; it must not lie there afterwards."""


class Blobs:
    """Bytes by key. Methods ending in `_sync` are for processes without an event loop."""

    def __init__(self, store: ObjectStore, url: str, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._forbidden: Callable[[], bool] = lambda: False
        self.url = url

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Opens `file:///folder`, `s3://bucket/prefix` (AWS_* variables apply) or `memory://`.

        Raises:
            ValueError: for another scheme.
        """
        parts = urlsplit(url)
        if parts.scheme == "file":
            folder = Path(unquote(parts.path))
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            return cls(LocalStore(prefix=folder), url, folder)
        if parts.scheme == "s3":
            return cls(S3Store.from_url(url), url)
        if parts.scheme == "memory":
            return cls(MemoryStore(), url)
        raise ValueError(f"blobs url is {url!r}; it must begin with file://, s3:// or memory://")

    def unless(self, forbidden: Callable[[], bool]) -> "Blobs":
        """The same blobs, into which nothing can be put (`WritingForbiddenError`) once so."""
        blobs = copy.copy(self)
        blobs._forbidden = forbidden
        return blobs

    async def put(self, key: str, data: bytes) -> None:
        self._ask(key)
        with self._faults(key):
            if self._folder is not None:
                await asyncio.to_thread(self._put_file, key, data)
            else:
                await obstore.put_async(self._store, key, data)

    def put_sync(self, key: str, data: bytes) -> None:
        self._ask(key)
        with self._faults(key):
            if self._folder is not None:
                self._put_file(key, data)
            else:
                obstore.put(self._store, key, data)

    async def get(self, key: str) -> bytes:
        """Raises BlobMissingError."""
        with self._faults(key):
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())

    def get_sync(self, key: str) -> bytes:
        """Raises BlobMissingError."""
        with self._faults(key):
            return bytes(obstore.get(self._store, key).bytes())

    def version_sync(self, key: str) -> str:
        """Another one whenever the blob is put again. Raises BlobMissingError."""
        with self._faults(key):
            meta = obstore.head(self._store, key)
        return f"{meta['e_tag']} {meta['last_modified']} {meta['size']}"

    async def exists(self, key: str) -> bool:
        try:
            with self._faults(key):
                await obstore.head_async(self._store, key)
        except BlobMissingError:
            return False
        return True

    def list_sync(self, prefix: str) -> list[str]:
        """Keys under a prefix that ends in '/', sorted."""
        with self._faults(prefix):
            batches = obstore.list(self._store, prefix=prefix)
            return _whole(meta["path"] for batch in batches for meta in batch)

    async def list(self, prefix: str) -> list[str]:
        """Keys under a prefix that ends in '/', sorted."""
        with self._faults(prefix):
            metas = await obstore.list(self._store, prefix=prefix).collect_async()
            return _whole(meta["path"] for meta in metas)

    async def delete(self, keys: Sequence[str]) -> None:
        """Deletes what is there; what is not there is no error."""
        for key in keys:
            try:
                with self._faults(key):
                    await obstore.delete_async(self._store, key)
            except BlobMissingError:
                continue

    def delete_sync(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                with self._faults(key):
                    obstore.delete(self._store, key)
            except BlobMissingError:
                continue

    async def erase(self, prefix: str) -> int:
        """Deletes everything under a prefix that ends in '/', empty folders too. Returns how many.

        Raises:
            ValueError: for a prefix that could reach more than one person's blobs.
        """
        if not prefix.startswith("people/") or prefix.count("/") < 2 or not prefix.endswith("/"):
            raise ValueError(f"prefix is {prefix!r}; it must name one person, people/<owner>/")
        keys = await self.list(prefix)
        await self.delete(keys)
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder / prefix, ignore_errors=True)
        return len(keys)

    def path_of(self, key: str) -> Path | None:
        """The file behind a key where blobs lie in a folder, else None."""
        return None if self._folder is None else self._folder / key

    def _ask(self, key: str) -> None:
        if self._forbidden():
            raise WritingForbiddenError(key)

    def _put_file(self, key: str, data: bytes) -> None:
        assert self._folder is not None
        if not key or any(part in ("", ".", "..") for part in key.split("/")):
            raise ValueError(f"key is {key!r}; it must be names joined by '/'")
        path = self._folder / key
        for parent in reversed(path.relative_to(self._folder).parents[:-1]):
            (self._folder / parent).mkdir(mode=0o700, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.{id(data):x}{_PARTIAL}")
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    @contextmanager
    def _faults(self, key: str) -> Generator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise BlobMissingError(key) from error
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise EngineError(FailureCode.DISK_FULL, free_mib=0) from error
            raise EngineError(FailureCode.STORAGE_UNREACHABLE) from error
        except obstore.exceptions.BaseError as error:
            raise EngineError(FailureCode.STORAGE_UNREACHABLE) from error


def _whole(keys: Iterable[str]) -> list[str]:
    """Sorted, without what a killed process left half written."""
    return sorted(key for key in keys if not key.endswith(_PARTIAL))
