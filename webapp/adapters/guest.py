"""Talking to a running desktop: the one command that the portal's SSH key may run inside it."""

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from webapp.domain.errors import OutsideFailed

CONNECT_SECONDS = 4
LONGEST_SECONDS = 15


def ask_guest(
    address: str, host_key_sha256: str, key_file: Path, request: dict[str, Any]
) -> dict[str, Any]:
    """Run the guest command at `address` with one JSON object on its standard input; its answer.

    Only the desktop whose SSH host key was recorded when it was built is spoken to: another
    machine at the same address raises OutsideFailed, as does one that does not answer.
    """
    with _in_memory(_host_key(address, host_key_sha256)) as known_hosts:
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "ConnectTimeout": str(CONNECT_SECONDS),
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        command = ["ssh", "-F", "/dev/null", "-i", str(key_file), *words, f"root@{address}"]
        return _parse_answer(_run([*command, "winux-guest"], json.dumps(request)))


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """The path of a file that is gone with this process, however it ends. ssh closes what it
    inherits, so it opens it as ours."""
    file = os.memfd_create("known_hosts")
    try:
        os.write(file, text.encode())
        yield f"/proc/{os.getpid()}/fd/{file}"
    finally:
        os.close(file)


def _parse_answer(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise OutsideFailed("The desktop answered something else.", retry=False)
    return answer


def _host_key(address: str, host_key_sha256: str) -> str:
    """The known_hosts line of `address`, if it shows the key with the recorded fingerprint."""
    scanned = _run(["ssh-keyscan", "-T", str(CONNECT_SECONDS), address])
    for line in scanned.splitlines():
        words = line.split()
        if len(words) == 3 and _fingerprint(words[2]) == _plain(host_key_sha256):
            return line + "\n"
    raise OutsideFailed(f"{address} is not the desktop it was: its SSH key differs.", retry=False)


def _fingerprint(key: str) -> str:
    """SHA-256 of a key in known_hosts' base64, as OpenSSH prints it without its prefix."""
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    return base64.b64encode(digest).decode().rstrip("=")


def _plain(fingerprint: str) -> str:
    return fingerprint.removeprefix("SHA256:").rstrip("=")


def _run(command: list[str], text: str = "") -> str:
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutsideFailed(f"{command[0]} got no answer from the desktop.", retry=True) from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-200:]
        raise OutsideFailed(f"The desktop did not do it: {said}", retry=True)
    return done.stdout
