"""What logs must not tell."""

import subprocess
import sys

FAULT = """
import structlog
from engine import logs
logs.configure()
try:
    prompt = "hush"
    raise ValueError(f"bad {prompt}")
except ValueError as error:
    structlog.get_logger().exception("job_broken")
    structlog.get_logger().error("task_broken", exc_info=error)
"""


def test_an_exception_is_told_by_kind_and_place_without_values() -> None:
    done = subprocess.run([sys.executable, "-c", FAULT], capture_output=True, text=True, check=True)
    assert "hush" not in done.stderr
    assert done.stderr.count('"error": "ValueError"') == 2
    assert '"trace": "<string>:7"' in done.stderr
