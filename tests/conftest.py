"""What tests of several rooms share: a real Valkey of their own on a unix socket, a tiny base, what
the checks say of the sample photos."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from valkey_server import Valkey

from engine.contract.photos import PhotoReport

GOOD_SAMPLES = sorted(
    (Path(__file__).parents[1] / "engine" / "demo" / "samples" / "good").glob("*.jpg")
)


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


@pytest.fixture(scope="session")
def sample_reports(tmp_path_factory: pytest.TempPathFactory) -> list[PhotoReport]:
    """Of `GOOD_SAMPLES`; whoever comes first looks at them for all that run side by side."""
    from filelock import FileLock

    from engine.photos.report import look

    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    kept = shared / "sample_reports.json"
    with FileLock(f"{kept}.lock"):
        if not kept.is_file():
            found = [look(file.read_bytes()).model_dump(mode="json") for file in GOOD_SAMPLES]
            kept.write_text(json.dumps(found))
        return [PhotoReport.model_validate(one) for one in json.loads(kept.read_text())]
