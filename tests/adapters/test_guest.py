"""Speaking to a desktop: only to the one whose key was recorded."""

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from webapp.adapters.guest import ask_guest
from webapp.domain.errors import OutsideFailed

REQUEST = {"do": "deadline", "deadline_epoch": 1}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return file


@pytest.fixture
def fingerprint(key: Path) -> str:
    """As OpenSSH itself prints it."""
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", key], capture_output=True, text=True, check=True
    )
    return shown.stdout.split()[1]


@pytest.fixture
def tools(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs in place of OpenSSH's: the scan shows `key`; ssh writes down how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    public = key.with_suffix(".pub").read_text().split()
    _program(folder / "ssh-keyscan", f'echo "$3 {public[0]} {public[1]}"')
    _program(
        folder / "ssh",
        f'echo "$@" > {tmp_path}/called; cat > {tmp_path}/heard\n'
        f'for word in "$@"; do case $word in UserKnownHostsFile=*) cat "${{word#*=}}";; esac; done'
        f""" > {tmp_path}/known; echo '{{"changed": true}}'""",
    )
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path


def _program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_request_goes_by_standard_input_to_the_recorded_key_alone(
    tools: Path, key: Path, fingerprint: str
) -> None:
    answer = ask_guest("192.0.2.7", fingerprint, key, REQUEST)
    assert answer == {"changed": True}
    assert (tools / "heard").read_text() == '{"do": "deadline", "deadline_epoch": 1}'
    called = (tools / "called").read_text()
    assert "StrictHostKeyChecking=yes" in called
    assert "deadline" not in called
    assert key.with_suffix(".pub").read_text().split()[1] in (tools / "known").read_text()


def test_nothing_is_written_that_a_killed_worker_would_leave(
    tools: Path, key: Path, fingerprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = tools / "tmp"
    places.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(places))
    _program(tools / "bin" / "ssh", f"""ls -A {places} > {tools}/there; echo '{{}}'""")
    ask_guest("192.0.2.7", fingerprint, key, REQUEST)
    assert (tools / "there").read_text() == ""


def test_another_machine_at_the_address_is_not_spoken_to(tools: Path, key: Path) -> None:
    with pytest.raises(OutsideFailed, match="its SSH key differs"):
        ask_guest("192.0.2.7", "SHA256:" + "A" * 43, key, REQUEST)
    assert not (tools / "called").exists()


def test_a_refusal_inside_the_desktop_is_told(tools: Path, key: Path, fingerprint: str) -> None:
    _program(tools / "bin" / "ssh", """echo '{"error": "cannot do that"}'; exit 1""")
    with pytest.raises(OutsideFailed, match="cannot do that"):
        ask_guest("192.0.2.7", fingerprint, key, REQUEST)


@pytest.mark.parametrize("said", ["", "hello", "[1]", "{"])
def test_a_desktop_that_answers_anything_else_is_a_failure(
    tools: Path, key: Path, fingerprint: str, said: str
) -> None:
    _program(tools / "bin" / "ssh", f"echo '{said}'")
    with pytest.raises(OutsideFailed, match="answered something else"):
        ask_guest("192.0.2.7", fingerprint, key, REQUEST)


def test_an_address_where_nobody_answers_is_a_failure_soon(key: Path, fingerprint: str) -> None:
    began = time.monotonic()
    with pytest.raises(OutsideFailed):
        ask_guest("127.203.0.99", fingerprint, key, REQUEST)
    assert time.monotonic() - began < 10
