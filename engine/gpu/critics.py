"""Has drawn pictures looked at while the GPU goes on: in processes of their own, for dlib holds
Python's lock for a tenth of a second at a time, and in the GPU process every such moment would be
a gap between two steps.

Knows processes and looks; what is seen is `engine.gpu.critic_process`'s. A critic that dies costs
its verdict, not the picture.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from base64 import b64encode
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import structlog
from PIL import Image

from engine.generation.ranking import UNSEEN, Look
from engine.gpu import cores
from engine.gpu.critic_process import Person
from engine.gpu.fair_pool import FairPool

PROCESS = "engine.gpu.critic_process"
MAX_CRITICS = 4

log = structlog.get_logger()


class CriticLostError(Exception):
    """The process died over a picture, or could not judge it."""


@dataclass(frozen=True)
class Verdict:
    """A look that is on its way."""

    _future: Future[Look]

    def is_there(self) -> bool:
        return self._future.done()

    def wait(self) -> Look:
        """The look; `UNSEEN` where it came to grief."""
        error = self._future.exception()
        if error is None:
            return self._future.result()
        log.warning("critic_failed", error=type(error).__name__)
        return UNSEEN


class Critics:
    """As many as the machine has cores for, each started when the first picture comes to it.

    They may be slower than the GPU, so whose picture is next is as fair as whose step is.
    """

    def __init__(self, pool: Executor | None = None) -> None:
        """`pool` runs those who wait for a critic's process, one each, instead of our own."""
        num = min(MAX_CRITICS, max(1, cores.usable_cores() // 2))
        self._pool = pool or FairPool(num, "critic")
        self._own = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []

    def look(self, image: Image.Image, person: Person, owner: str = "") -> Verdict:
        """`owner` is who waits for it."""
        if isinstance(self._pool, FairPool):
            return Verdict(self._pool.submit(owner, partial(self._ask, image, person)))
        return Verdict(self._pool.submit(self._ask, image, person))

    def _ask(self, image: Image.Image, person: Person) -> Look:
        picture = image.convert("RGB")
        request = {
            "rgb": b64encode(picture.tobytes()).decode("ascii"),
            "width": picture.width,
            "height": picture.height,
            "person": asdict(person),
        }
        critic = self._critic()
        assert critic.stdin is not None
        assert critic.stdout is not None
        try:
            critic.stdin.write(json.dumps(request).encode() + b"\n")
            critic.stdin.flush()
            reply = json.loads(critic.stdout.readline() or b"{}")
        except OSError as error:
            raise CriticLostError from error
        if "look" not in reply:
            raise CriticLostError(reply.get("error", "it ended"))
        return _read(reply["look"])

    def _critic(self) -> "subprocess.Popen[bytes]":
        """This thread's own, a new one if it died. It ends with this process."""
        critic: subprocess.Popen[bytes] | None = getattr(self._own, "critic", None)
        if critic is not None and critic.poll() is not None:
            _close(critic)
            critic = None
        if critic is None:
            command = [sys.executable, "-m", PROCESS, str(os.getpid())]
            critic = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._own.critic = critic
            self._all.append(critic)
        return critic

    def close(self) -> None:
        """Ends them, when their last looks are taken."""
        self._pool.shutdown()
        for critic in self._all:
            _close(critic)


def _close(critic: "subprocess.Popen[bytes]") -> None:
    """Its input ends, and so does it."""
    with contextlib.suppress(BrokenPipeError), critic:
        pass


def _read(told: dict[str, Any]) -> Look:
    face = told["face"] and tuple(told["face"])
    return Look(**{**told, "face": face, "small": tuple(told["small"])})
