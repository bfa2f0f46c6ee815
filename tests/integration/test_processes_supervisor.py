"""Parts are started again when they die, end when asked, and never outlive their supervisor."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bot.processes.supervisor import Part, PartHopelessError, Patience, Supervisor, supervised

QUICK = Patience(first_delay_s=0.01, longest_delay_s=0.05, grace_s=0.5)
SLEEP = "import time; time.sleep(60)"


def _python(name: str, code: str, stdin: bytes = b"", output: Path | None = None) -> Part:
    command = (sys.executable, "-I", "-S", "-c", code)
    return Part(name=name, command=command, stdin=stdin, output=output)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)


async def test_a_part_that_is_killed_is_started_again() -> None:
    async with supervised([_python("sleeper", SLEEP)], QUICK) as supervisor:
        await _until(lambda: "sleeper" in supervisor.pids)
        first = supervisor.pids["sleeper"]
        os.kill(first, signal.SIGKILL)
        await _until(lambda: supervisor.pids.get("sleeper", first) != first)
        assert supervisor.num_deaths("sleeper") == 1


async def test_a_part_that_dies_does_not_take_another_with_it() -> None:
    parts = [_python("steady", SLEEP), _python("frail", "raise SystemExit(3)")]
    async with supervised(parts, QUICK) as supervisor:
        await _until(lambda: "steady" in supervisor.pids)
        steady = supervisor.pids["steady"]
        await _until(lambda: supervisor.num_deaths("frail") >= 3)
        assert supervisor.pids["steady"] == steady


async def test_a_hopeless_part_is_given_up_and_named(tmp_path: Path) -> None:
    output = tmp_path / "frail.log"
    frail = _python("frail", "raise SystemExit('out of luck')", output=output)
    patience = Patience(first_delay_s=0.01, give_up_after=2)
    with pytest.raises(PartHopelessError, match=r"frail stopped 2 times in a row.*frail\.log"):
        await Supervisor([frail], patience).run()
    assert output.read_text().count("out of luck") == 2


async def test_a_part_gets_its_input_and_its_output_is_kept(tmp_path: Path) -> None:
    output = tmp_path / "logs" / "part.log"
    part = _python("echo", "import sys; print(sys.stdin.read())", b"settings", output)
    async with supervised([part], QUICK) as supervisor:
        await _until(lambda: supervisor.num_deaths("echo") >= 1)
    assert "settings" in output.read_text()


async def test_all_parts_end_with_the_block_even_a_deaf_one(tmp_path: Path) -> None:
    output = tmp_path / "part.log"
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); "
    parts = [_python("deaf", deaf + "time.sleep(60)", output=output), _python("polite", SLEEP)]
    async with supervised(parts, QUICK) as supervisor:
        await _until(lambda: output.exists() and "deaf" in output.read_text())
        await _until(lambda: len(supervisor.pids) == 2)
        pids = supervisor.pids.values()
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a watcher polls")
def test_parts_end_when_the_supervisor_is_killed() -> None:
    host = (
        "import asyncio, sys\n"
        "from bot.processes.supervisor import Part, supervised\n"
        "async def main():\n"
        f"    part = Part('sleeper', (sys.executable, '-I', '-S', '-c', {SLEEP!r}))\n"
        "    async with supervised([part]) as supervisor:\n"
        "        while not supervisor.pids:\n"
        "            await asyncio.sleep(.01)\n"
        "        print(supervisor.pids['sleeper'], flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", host],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.strip().isdigit())
        sleeper = psutil.Process(int(line))
        process.kill()
        process.wait()
        sleeper.wait(timeout=10)
    assert not sleeper.is_running()


def test_delays_double_up_to_a_limit() -> None:
    patience = Patience(first_delay_s=0.5, longest_delay_s=4)
    assert [patience.delay_s(deaths) for deaths in range(1, 6)] == [0.5, 1, 2, 4, 4]
