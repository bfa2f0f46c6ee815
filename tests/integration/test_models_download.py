"""A base that must be downloaded, from a hub that says no, or is not there at all."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ASK = """
import sys
from engine.contract.failures import EngineError
from engine.models import folder
try:
    found = folder.find("someone/some-base")
    folder.check(found, "someone/some-base")
except EngineError as error:
    print(error.failure.model_dump_json())
"""


@contextmanager
def hub(status: int, code: str) -> Iterator[str]:
    """Answers everything the same way. Yields its address."""

    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(endpoint: str, cache: Path) -> str:
    """In a process of its own: the hub's library reads its address when it is imported."""
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(cache)}
    asked = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, timeout=60
    )
    return asked.stdout.splitlines()[-1]


@pytest.mark.parametrize(("status", "code"), [(403, "GatedRepo"), (404, "RepoNotFound")])
def test_a_hub_that_refuses_is_a_missing_base(tmp_path: Path, status: int, code: str) -> None:
    with hub(status, code) as endpoint:
        said = ask(endpoint, tmp_path)

    assert said == '{"code":"base_missing","base":"someone/some-base"}'


def test_a_half_downloaded_base_names_what_it_lacks(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--someone--some-base"
    commit = "a" * 40
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    (snapshot / "model_index.json").write_text("{}")

    said = ask("http://127.0.0.1:9", tmp_path)

    assert said == '{"code":"base_incomplete","base":"someone/some-base","part":"transformer"}'
