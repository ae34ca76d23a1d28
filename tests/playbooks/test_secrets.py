"""Passwords and the token's secret are only where they belong.

Runs the playbooks as the portal does: with a secrets file on tmpfs, and everything else as JSON.
"""

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import GoldenTemplate, RealLab, ansible
from tests.playbooks.operator import Desktop, Run

pytestmark = pytest.mark.lab

EVERY_S = 0.02


class Watcher(threading.Thread):
    """Reads the argument lists and environments of all processes while it is active."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(daemon=True)
        self._words = [word.encode() for word in words]
        self._over = threading.Event()
        self.looks = 0
        self.found: set[str] = set()

    def run(self) -> None:
        while not self._over.wait(EVERY_S):
            self.looks += 1
            for process in Path("/proc").glob("[0-9]*"):
                self._look(process)

    def _look(self, process: Path) -> None:
        for name in ("cmdline", "environ"):
            try:
                text = (process / name).read_bytes()
            except OSError:  # it ended, or is a kernel thread
                continue
            if any(word in text for word in self._words):
                self.found.add(f"{name}: {text[:200]!r}")

    def __enter__(self) -> "Watcher":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


@pytest.fixture
def password() -> str:
    return "Pw-" + secrets.token_urlsafe(18)


@pytest.fixture
def secrets_file(lab_node: RealLab, password: str) -> Iterator[Path]:
    """Write the file as the portal does: mode 0600, on a tmpfs, deleted afterwards."""
    file = Path("/dev/shm") / f"winux-test-{secrets.token_hex(8)}.json"
    token = lab_node.settings("portal")["proxmox_api_token_secret"]
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
        json.dump({"rdp_password": password, "proxmox_api_token_secret": token}, out)
    yield file
    file.unlink()


def written_since(began: float, folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        for path, _folders, names in os.walk(folder):
            for file in (Path(path) / name for name in names):
                try:
                    is_new = file.is_file() and file.stat().st_mtime >= began
                except OSError:  # another process's file, deleted meanwhile
                    continue
                if is_new:
                    yield file


def test_no_secret_is_shown_stored_or_listed(
    lab_node: RealLab,
    golden_template: GoldenTemplate,
    desktop: Desktop,
    password: str,
    secrets_file: Path,
    tmp_path: Path,
) -> None:
    environment = {
        name: value for name, value in desktop.operator.environment.items() if "secret" not in name
    }
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment |= {"HOME": str(tmp_path), "TMPDIR": str(temporary)}
    token = lab_node.settings("portal")["proxmox_api_token_secret"]
    variables = tmp_path / "vars.json"
    result = tmp_path / "result.json"
    names = {"session_id": desktop.session_id, "container_id": desktop.vmid}
    files = {"secrets_file": str(secrets_file), "result_file": str(result)}
    variables.write_text(json.dumps(names | files))
    began = time.time()

    with Watcher([password, token]) as watcher:
        run = Run.of(
            ansible(
                "create-winux-session.yml", environment, tmp_path, "-vvv", "-e", f"@{variables}"
            )
        )

    assert run.code == 0, run.output
    assert watcher.looks > 10
    assert not watcher.found
    for secret in (password, token):
        assert secret not in run.output
        folders = [tmp_path, Path("/tmp"), Path("/var/tmp"), Path.home() / ".ansible"]
        holders = [
            file
            for file in written_since(began, folders)
            if lab_node.state_dir not in file.parents and secret.encode() in read(file)
        ]
        assert holders == []
    assert set(json.loads(result.read_text())) >= {"node", "address", "rdp_certificate_pem"}
    assert result.stat().st_mode & 0o077 == 0


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # a socket, or deleted meanwhile
        return b""


def test_the_password_is_the_one_that_was_given(
    lab_node: RealLab, desktop: Desktop, password: str, secrets_file: Path
) -> None:
    assert desktop.create(secrets_file=secrets_file).code == 0
    stored = lab_node.inside(desktop.vmid, "getent shadow desktop").split(":")[1]
    program = f'import crypt,sys; print(crypt.crypt(sys.stdin.read(), "{stored}"))'
    script = f"printf %s '{password}' | python3 -W ignore -c '{program}'"
    assert lab_node.inside(desktop.vmid, script).strip() == stored


def test_a_failure_shows_no_secret(desktop: Desktop, password: str, secrets_file: Path) -> None:
    refused_inside = password + "\N{GRINNING FACE}"
    told = json.loads(secrets_file.read_text()) | {"rdp_password": refused_inside}
    secrets_file.write_text(json.dumps(told))
    run = desktop.create("-vvv", secrets_file=secrets_file)
    assert run.code != 0
    assert "emoji" in run.output
    assert password not in run.output
