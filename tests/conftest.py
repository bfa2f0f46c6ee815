"""What tests of several rooms share: a real Valkey of their own on a unix socket."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from valkey_server import Valkey


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    folder = Path(tempfile.mkdtemp(prefix="valkey-", dir="/tmp"))  # socket paths are short
    server = Valkey(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """An empty database."""
    with Redis.from_url(valkey.url) as redis:
        redis.flushall()
    return valkey.url


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random base model of FLUX.1's classes."""
    from engine.models.tiny import build_tiny

    return build_tiny(tmp_path_factory.mktemp("bases") / "tiny")
