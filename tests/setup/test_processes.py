"""Processes of a stack end on request, and never outlive set-up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from setup.commands import run_logged
from setup.failure import SetupFailed
from setup.processes import Child
from setup.settings import CHECKOUT


def wait_for(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    give_up = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_stop_also_ends_grandchildren_that_ignore_it(tmp_path: Path) -> None:
    script = f"sh -c 'trap \"\" TERM; echo $$ > {tmp_path}/pid; while :; do sleep 1; done' & wait"
    child = Child("stubborn one", ["sh", "-c", script], tmp_path / "log", dict(os.environ))
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    grandchild = int((tmp_path / "pid").read_text())
    child.stop(patience_s=1)
    assert not child.is_running()
    wait_for(lambda: not is_alive(grandchild))


def test_a_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import os; from pathlib import Path; from setup.processes import Child\n"
        f"child = Child('sleeper', ['sleep', '60'], Path('{tmp_path}/log'), dict(os.environ))\n"
        f"Path('{tmp_path}/pid').write_text(str(child.process.pid)); child.process.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=CHECKOUT)
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    sleeper = int((tmp_path / "pid").read_text())
    wait_for(lambda: Path(f"/proc/{sleeper}/comm").read_text().strip() == "sleep")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not is_alive(sleeper))


def test_one_that_ends_at_once_shows_its_last_words(tmp_path: Path) -> None:
    child = Child("server", ["sh", "-c", "echo no such bridge; exit 3"], tmp_path / "log", {})
    with pytest.raises(SetupFailed, match="server ended at once:\n  no such bridge"):
        child.wait_until(lambda: False, 10, "Mend it.")


def test_one_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    child = Child("server", ["sleep", "60"], tmp_path / "log", dict(os.environ))
    with pytest.raises(SetupFailed, match="not ready after"):
        child.wait_until(lambda: False, 0.2, "Mend it.")
    child.stop()


def test_a_failed_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed) as failure:
        run_logged(["sh", "-c", "seq 100; exit 7"], tmp_path / "log", "Do something else.")
    assert "(exit 7)" in str(failure.value)
    assert "  100\n" in str(failure.value)
    assert "  50\n" not in str(failure.value)
    assert str(failure.value).endswith("Do something else.")
