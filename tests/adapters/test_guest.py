"""Connecting to a desktop: only to the one with the recorded key."""

import os
import resource
import stat
import subprocess
import time
from pathlib import Path

import pytest

from webapp.adapters import guest
from webapp.adapters.guest import ask_guest
from webapp.adapters.guest_answer import parse_answer, parse_since_input
from webapp.domain.desktops.guest_trouble import MUTE, NONSENSE
from webapp.domain.errors import OutsideFailed

REQUEST = {"do": "deadline", "deadline_epoch": 1}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return file


@pytest.fixture
def fingerprint(key: Path) -> str:
    """Return the fingerprint as OpenSSH prints it."""
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", key], capture_output=True, text=True, check=True
    )
    return shown.stdout.split()[1]


@pytest.fixture
def tools(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace OpenSSH's programs: the scan returns `key`, and ssh records its arguments."""
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
    answer = ask_guest("192.0.2.7", fingerprint, key, REQUEST, parse_answer)
    assert answer.error is None
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
    ask_guest("192.0.2.7", fingerprint, key, REQUEST, parse_answer)
    assert (tools / "there").read_text() == ""


def test_another_machine_at_the_address_is_not_spoken_to(tools: Path, key: Path) -> None:
    with pytest.raises(OutsideFailed, match="its SSH key differs"):
        ask_guest("192.0.2.7", "SHA256:" + "A" * 43, key, REQUEST, parse_answer)
    assert not (tools / "called").exists()


def test_a_refusal_inside_the_desktop_is_told(tools: Path, key: Path, fingerprint: str) -> None:
    _program(tools / "bin" / "ssh", """echo '{"error": "cannot do that"}'; exit 1""")
    with pytest.raises(OutsideFailed, match="cannot do that"):
        ask_guest("192.0.2.7", fingerprint, key, REQUEST, parse_answer)


GARBAGE = {
    "nothing": "",
    "no JSON": "hello",
    "a list": "[1]",
    "half": "{",
    "a number without an end": '{"seconds": 1e12}',
    "no number": '{"seconds": NaN}',
    "infinity": '{"seconds": 1e400}',
    "negative": '{"seconds": -1}',
    "a text": '{"seconds": "7"}',
    "true": '{"seconds": true}',
    "a list of numbers": '{"seconds": [7]}',
    "not what was asked": '{"changed": true}',
    "nested": '{"seconds": 1, "more": ' + "[" * 1500 + "]" * 1500 + "}",
    "nested without an end": "[" * 4000,
    "five levels": '{"seconds": 1, "more": [[[[]]]]}',
    "NUL": '{"seconds": 1}\0',
    "no UTF-8": '{"error": "\udcff"}',
    "long": '{"seconds": 1, "x": "' + "x" * 1_000_000 + '"}',
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE)
def test_an_answer_that_winux_guest_never_gives_is_named_nonsense(
    tools: Path, key: Path, fingerprint: str, said: str
) -> None:
    (tools / "said").write_bytes(said.encode(errors="surrogateescape"))
    _program(tools / "bin" / "ssh", f"cat {tools}/said")
    with pytest.raises(OutsideFailed, match="cannot be believed") as caught:
        ask_guest("192.0.2.7", fingerprint, key, {"do": "since_input"}, parse_since_input)
    assert caught.value.reason == NONSENSE


@pytest.mark.parametrize("said", ['{"seconds": 7.5}', '{"seconds": 7, "else": {"a": [1]}}'])
def test_an_honest_answer_is_read(tools: Path, key: Path, fingerprint: str, said: str) -> None:
    _program(tools / "bin" / "ssh", f"echo '{said}'")
    request = {"do": "since_input"}
    seconds = ask_guest("192.0.2.7", fingerprint, key, request, parse_since_input)
    assert seconds is not None
    assert 7 <= seconds < 8


@pytest.mark.parametrize("where", ["", ">&2"], ids=["output", "errors"])
def test_an_endless_answer_ends_at_its_limit(
    tools: Path, key: Path, fingerprint: str, where: str
) -> None:
    _program(tools / "bin" / "ssh", f"exec cat /dev/zero {where}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(OutsideFailed, match="does not end") as caught:
        ask_guest("192.0.2.7", fingerprint, key, REQUEST, parse_answer)
    assert caught.value.reason == NONSENSE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10  # KiB


def test_a_mute_desktop_is_given_up(
    tools: Path, key: Path, fingerprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop the X server, so that ssh waits for an answer that never comes."""
    monkeypatch.setattr(guest, "LONGEST_SECONDS", 1.0)
    _program(tools / "bin" / "ssh", "exec sleep 900")
    with pytest.raises(OutsideFailed, match="no answer") as caught:
        ask_guest("192.0.2.7", fingerprint, key, REQUEST, parse_answer)
    assert caught.value.reason == MUTE


def test_what_a_desktop_says_of_itself_obeys_no_terminal(
    tools: Path, key: Path, fingerprint: str
) -> None:
    _program(tools / "bin" / "ssh", """printf '{"error": "a\\\\u001b[2Jb\\\\u202ec"}'""")
    with pytest.raises(OutsideFailed) as caught:
        ask_guest("192.0.2.7", fingerprint, key, REQUEST, parse_answer)
    assert str(caught.value) == "The desktop did not do it: a\N{REPLACEMENT CHARACTER}[2Jb\ufffdc"


def test_an_address_where_nobody_answers_is_a_failure_soon(key: Path, fingerprint: str) -> None:
    began = time.monotonic()
    with pytest.raises(OutsideFailed):
        ask_guest("127.203.0.99", fingerprint, key, REQUEST, parse_answer)
    assert time.monotonic() - began < 10
