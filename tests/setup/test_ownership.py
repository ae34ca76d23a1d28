"""Only our own files are removed; no other account of the machine can read them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labnode.leftovers import is_state_folder
from setup import ownership
from setup.commands import open_log, run_logged
from setup.failure import SetupFailed
from setup.settings import CHECKOUT

#: Names of an unused stack, so that `make clean` finds none of the machine's own.
NOBODYS = {
    f"WINUX_{stack}_{name}": value
    for stack, letter in (("DEMO", "d"), ("BENCH", "b"), ("TEST", "t"))
    for name, value in {"BRIDGE": f"wxown{letter}", "DIR": f"var/own-{letter}"}.items()
}


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder with a user's own files."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "thesis.txt").write_text("three years of work")
    return folder


def test_somebodys_folder_is_neither_used_nor_removed(foreign: Path) -> None:
    with pytest.raises(SetupFailed, match="WINUX_DEMO_DIR"):
        ownership.claim(foreign, "WINUX_DEMO_DIR")
    assert not ownership.remove(foreign)
    assert sorted(path.name for path in foreign.iterdir()) == ["thesis.txt"]


def test_a_folder_of_ours_is_used_again_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    ownership.claim(folder, "WINUX_DEMO_DIR")
    (folder / "winux.db").touch()
    ownership.claim(folder, "WINUX_DEMO_DIR")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert ownership.remove(folder)
    assert not folder.exists()


def test_a_link_to_a_folder_of_ours_is_not_followed(tmp_path: Path) -> None:
    ownership.claim(tmp_path / "demo", "WINUX_DEMO_DIR")
    (tmp_path / "link").symlink_to(tmp_path / "demo")
    assert not ownership.remove(tmp_path / "link")
    assert (tmp_path / "demo").is_dir()


@pytest.mark.parametrize("command", ["setup.demo", "setup.clean"])
def test_the_commands_leave_somebodys_folder_alone(
    foreign: Path, checkout: Path, command: str
) -> None:
    if os.geteuid() != 0:
        pytest.skip("both need root")
    names = NOBODYS | {"WINUX_DEMO_DIR": str(foreign), "WINUX_DEMO_PORT": "8391"}
    names |= {"WINUX_DEMO_GATEWAY_PORT": "8392", "WINUX_DEMO_LAB_PORT": "8393"}
    done = subprocess.run(
        [sys.executable, "-m", command],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **names},
        capture_output=True,
        text=True,
    )
    assert str(foreign) in done.stdout + done.stderr
    assert (foreign / "thesis.txt").read_text() == "three years of work"
    assert sorted(path.name for path in foreign.iterdir()) == ["thesis.txt"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of set-up, because cleaning this checkout would remove what other tests use."""
    copy = tmp_path / "checkout"
    for name in ("setup", "webapp", "labnode"):
        (copy / name).mkdir(parents=True)
        for file in (CHECKOUT / name).glob("*.py"):
            (copy / name / file.name).write_text(file.read_text())
    return copy


def test_cleaning_leaves_the_database_and_key_of_a_real_portal(checkout: Path) -> None:
    var = checkout / "var"
    for name in ("demo/lab", "logs", "test-lab0"):
        (var / name).mkdir(parents=True)
    for name in ("winux.db", "guest_key", "guest_key.pub", "demo.json", "notes.txt"):
        (var / name).write_text("ssh-ed25519 AAAA admin@portal\n")
    done = subprocess.run(
        [sys.executable, "-m", "setup.clean"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **NOBODYS},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    left = ["guest_key", "guest_key.pub", "notes.txt", "winux.db"]
    assert sorted(path.name for path in var.iterdir()) == left
    assert str(var / "winux.db") in done.stdout
    for name in ("guest_key", "guest_key.pub"):
        (var / name).write_text("ssh-ed25519 AAAA winux\n")
    subprocess.run([sys.executable, "-m", "setup.clean"], cwd=checkout, env=NOBODYS, check=True)
    assert sorted(path.name for path in var.iterdir()) == ["notes.txt", "winux.db"]


def test_a_lab_node_refuses_somebodys_folder_and_cleaning_it_does_nothing(foreign: Path) -> None:
    (foreign / "containers").mkdir()
    (foreign / "containers" / "notes.txt").write_text("mine")
    labnode = [sys.executable, "-m", "labnode"]
    place = ["--state-dir", str(foreign)]
    serve = subprocess.run(
        [*labnode, "serve", *place, "--backend", "memory", "--listen", "127.0.0.1:0"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (serve.returncode, "no labnode made" in serve.stderr) == (1, True)
    assert subprocess.run([*labnode, "clean", *place], cwd=CHECKOUT).returncode == 0
    assert not is_state_folder(foreign)
    assert (foreign / "containers" / "notes.txt").read_text() == "mine"


def test_logs_are_for_their_owner_alone_also_those_of_earlier_releases(tmp_path: Path) -> None:
    old = tmp_path / "old.log"
    old.write_text("before\n")
    old.chmod(0o644)
    for log in (old, tmp_path / "logs" / "new.log"):
        run_logged(["sh", "-c", f"echo said; touch {tmp_path}/made"], log, "")
        assert log.stat().st_mode & 0o777 == 0o600
    assert old.read_text() == "before\nsaid\n"
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600
    with open_log(old, anew=True):
        assert old.read_text() == ""


def test_the_marker_of_a_folder_is_closed_to_others_also_when_an_older_one_was_open(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "stack"
    for _ in range(2):
        before = os.umask(0o022)
        try:
            ownership.claim(folder, "WINUX_DEMO_DIR")
        finally:
            os.umask(before)
        [marker] = folder.iterdir()
        assert marker.stat().st_mode & 0o077 == 0
        marker.chmod(0o644)
