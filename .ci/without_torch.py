"""Shows that `bot` and `engine.contract` work where neither torch nor the photo libraries are.

Run by `.ci/run` in an environment that holds the base dependencies only. Imports every module
of the bot's side, then runs its unit tests.
"""

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path

import pytest

ABSENT = ("torch", "diffusers", "transformers", "peft", "accelerate", "dlib", "numpy")
LIGHT_TESTS = (
    "test_cli.py",
    "test_commands_signing.py",
    "test_commands_verify.py",
    "test_contract*.py",
    "test_conversation*.py",
    "test_database*.py",
    "test_logs.py",
    "test_phrases.py",
    "test_photo_set.py",
    "test_service*.py",
    "test_settings.py",
    "test_styles.py",
    "test_terminal*.py",
)
"""Of tests/unit: what the bot's side is made of."""


def main() -> int:
    present = [name for name in ABSENT if importlib.util.find_spec(name) is not None]
    if present:
        print(f"this environment holds {', '.join(present)}; it must not, to prove anything")
        return 1
    count = 0
    for package in ("bot", "engine.contract"):
        for module in pkgutil.walk_packages(
            importlib.import_module(package).__path__, package + "."
        ):
            if "migrations" not in module.name:
                importlib.import_module(module.name)
                count += 1
    print(f"{count} modules import without {', '.join(ABSENT)}")
    unit = Path("tests/unit")
    files = sorted(str(path) for pattern in LIGHT_TESTS for path in unit.glob(pattern))
    return int(pytest.main(["-p", "no:cacheprovider", *files]))


if __name__ == "__main__":
    sys.exit(main())
