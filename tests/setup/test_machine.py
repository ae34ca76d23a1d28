"""Checks that stop a run before it changes anything report the problem and what to do."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from setup import machine
from setup.failure import SetupFailed
from setup.settings import CHECKOUT, Settings, settings_from


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Names that are unique on this machine."""
    bridge = f"wxt{tmp_path.stat().st_ino % 9999}"
    yield replace(settings_from({}), folder=tmp_path, bridge=bridge)
    (machine.LOCKS / f"winux-{bridge}.lock").unlink(missing_ok=True)


def test_a_taken_port_names_holder_and_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupFailed) as failure:
            machine.check_port("127.0.0.1", port, "WINUX_DEMO_PORT")
    assert f"Port {port} on 127.0.0.1" in str(failure.value)
    assert f"WINUX_DEMO_PORT={port + 1} make demo" in str(failure.value)


def test_a_free_port_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    machine.check_port("127.0.0.1", port, "WINUX_DEMO_PORT")


def test_a_full_disk_names_place_and_need(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    with pytest.raises(SetupFailed, match=r"not enough room at .*/yet: .* about 1000000 GB needed"):
        machine.check_disk(folder, 1_000_000)
    machine.check_disk(folder, 0.001)


def test_a_second_run_is_told_where_the_first_one_is(settings: Settings) -> None:
    with machine.only_one(settings):
        with pytest.raises(SetupFailed, match=f"process .* in {CHECKOUT}") as failure:
            machine.only_one(settings).__enter__()
        assert "WINUX_DEMO_BRIDGE" in str(failure.value)
    with machine.only_one(settings):
        pass


def test_a_killed_run_does_not_block_the_next_one(settings: Settings) -> None:
    program = (
        "import os; from setup.machine import only_one; from setup.settings import settings_from\n"
        f"one = settings_from({{'WINUX_DEMO_BRIDGE': '{settings.bridge}'}})\n"
        "with only_one(one): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, check=False)
    assert killed.returncode == -9
    with machine.only_one(settings):
        pass
