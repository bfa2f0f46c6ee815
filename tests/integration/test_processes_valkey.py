"""The embedded queue server: shared, private, kept on disk, and never left behind."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bot.processes.valkey import MAX_SOCKET_PATH_BYTES, ValkeyError, embedded, socket_path
from engine.contract.queue import connect

HOST = """
import asyncio, sys
from pathlib import Path
from bot.processes.valkey import embedded

async def main():
    async with embedded(Path(sys.argv[1]), Path(sys.argv[1]) / "logs") as url:
        print(url, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def host(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a server for the same data folder, ready."""
    command = [sys.executable, "-c", HOST, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("unix://")
        yield process
        process.kill()


def _servers(data_dir: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(data_dir / "valkey" / "socket") in " ".join(process.info["cmdline"] or ())
    ]


async def test_what_was_queued_survives_a_kill_of_the_host(
    data_dir: Path, host: subprocess.Popen[str]
) -> None:
    redis = await connect(f"unix://{socket_path(data_dir)}")
    for number in range(200):
        await redis.set(f"key{number}", number)
    await redis.aclose()
    await asyncio.sleep(1.1)  # the file is synced every second
    server = _servers(data_dir)[0]
    server.send_signal(signal.SIGKILL)
    host.kill()
    host.wait()
    server.wait(timeout=5)
    async with embedded(data_dir, data_dir / "logs") as url:
        redis = await connect(url)
        assert await redis.dbsize() == 200
        await redis.aclose()


async def test_the_server_ends_when_its_host_is_killed(
    data_dir: Path, host: subprocess.Popen[str]
) -> None:
    (server,) = _servers(data_dir)
    host.kill()
    host.wait()
    server.wait(timeout=5)
    assert not server.is_running()


async def test_a_second_host_shares_the_server_and_leaves_it(
    data_dir: Path, host: subprocess.Popen[str]
) -> None:
    (server,) = _servers(data_dir)
    async with embedded(data_dir, data_dir / "logs") as url:
        redis = await connect(url)
        await redis.set("a", 1)
        await redis.aclose()
        assert _servers(data_dir) == [server]
    assert server.is_running()
    host.terminate()
    host.wait()
    server.wait(timeout=5)


async def test_a_second_host_takes_over_when_the_first_is_gone(
    data_dir: Path, host: subprocess.Popen[str]
) -> None:
    async with embedded(data_dir, data_dir / "logs") as url:
        redis = await connect(url)
        await redis.set("a", 1)
        (server,) = _servers(data_dir)
        host.kill()
        host.wait()
        server.wait(timeout=5)
        assert await redis.get("a") == b"1"
        assert server not in _servers(data_dir)
        await redis.aclose()
    assert _servers(data_dir) == []


async def test_a_server_that_crashes_is_started_again(data_dir: Path) -> None:
    async with embedded(data_dir, data_dir / "logs") as url:
        redis = await connect(url)
        await redis.set("a", 1)
        await asyncio.sleep(1.1)  # the file is synced every second
        _servers(data_dir)[0].send_signal(signal.SIGKILL)
        assert await redis.get("a") == b"1"
        await redis.aclose()


async def test_only_the_owner_can_reach_it(data_dir: Path) -> None:
    async with embedded(data_dir, data_dir / "logs"):
        path = socket_path(data_dir)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


async def test_a_deep_data_folder_still_gets_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / "data"
    path = socket_path(deep)
    assert len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES
    async with embedded(deep, deep / "logs") as url:
        redis = await connect(url)
        assert await redis.ping()
        await redis.aclose()
    path.unlink(missing_ok=True)
    path.parent.rmdir()


async def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(ValkeyError, match=r"data/valkey: Not a directory; choose another"):
        async with embedded(tmp_path / "data", tmp_path / "logs"):
            pass
