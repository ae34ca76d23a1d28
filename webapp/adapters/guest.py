"""Requests to a running desktop: the one command that the portal's SSH key may run inside it."""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from webapp.adapters.bounded_program import ProgramResult, run_bounded
from webapp.adapters.guest_answer import LARGEST, nonsense
from webapp.domain.desktops.guest_trouble import MUTE
from webapp.domain.errors import OutsideFailed

T = TypeVar("T")

CONNECT_SECONDS = 4
#: A desktop normally responds within a second; a warning in many sessions takes longer.
LONGEST_SECONDS = 12


def ask_guest(
    address: str,
    host_key_sha256: str,
    key_file: Path,
    request: dict[str, Any],
    parse: Callable[[bytes], T],
) -> T:
    """Runs the guest command at `address` with one JSON object on its standard input.

    Returns the response as `parse` (guest_answer.py) reads it, from at most guest_answer.LARGEST
    bytes. Only the desktop whose SSH host key was recorded at its build is accepted: raises
    OutsideFailed for another machine at the same address, and for one that does not respond.
    """
    with _in_memory(_host_key(address, host_key_sha256)) as known_hosts:
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "UpdateHostKeys": "no",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "PreferredAuthentications": "publickey",
            "ConnectTimeout": str(CONNECT_SECONDS),
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        command = ["ssh", "-F", "/dev/null", "-i", str(key_file), *words, f"root@{address}"]
        said = _run([*command, "winux-guest"], json.dumps(request).encode())
    return parse(_answer(said))


def _answer(said: ProgramResult) -> bytes:
    if said.code and not said.output:
        why = said.errors.decode(errors="replace").strip()[-200:]
        raise OutsideFailed(f"The desktop did not do it: {why}", retry=True, reason=MUTE)
    return bytes(said.output)


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """Yields the path of a file that vanishes with this process, even if that is killed.

    The path names this process, because ssh closes the file descriptors that it inherits.
    """
    file = os.memfd_create("known_hosts")
    try:
        os.write(file, text.encode())
        yield f"/proc/{os.getpid()}/fd/{file}"
    finally:
        os.close(file)


def _host_key(address: str, host_key_sha256: str) -> str:
    """Returns the known_hosts line of `address` if its key has the recorded fingerprint."""
    scanned = _run(["ssh-keyscan", "-T", str(CONNECT_SECONDS), address])
    for line in scanned.output.decode(errors="replace").splitlines():
        words = line.split()
        if len(words) == 3 and _fingerprint(words[2]) == _plain(host_key_sha256):
            return line + "\n"
    raise OutsideFailed(
        f"{address} is not the desktop it was: its SSH key differs.", retry=False, reason=MUTE
    )


def _fingerprint(key: str) -> str:
    """Returns the SHA-256 of a known_hosts key, as OpenSSH prints it, without its prefix."""
    try:
        digest = hashlib.sha256(base64.b64decode(key, validate=True)).digest()
    except ValueError:
        return ""
    return base64.b64encode(digest).decode().rstrip("=")


def _plain(fingerprint: str) -> str:
    return fingerprint.removeprefix("SHA256:").rstrip("=")


def _run(command: list[str], text: bytes = b"") -> ProgramResult:
    said = run_bounded(command, text, seconds=LONGEST_SECONDS, most=LARGEST)
    if not said.is_whole:
        if said.is_too_long:
            raise nonsense("it does not end")
        raise OutsideFailed(
            f"{command[0]} got no answer from the desktop.", retry=True, reason=MUTE
        )
    return said
