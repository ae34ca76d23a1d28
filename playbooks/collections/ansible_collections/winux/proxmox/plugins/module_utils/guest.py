"""Sends a request to winux-guest in a desktop over one SSH connection, with secrets on stdin.

A desktop is untrusted: its answer is parsed by one schema (answers.py), and its SSH host key is the
one of the connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import selectors
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ansible_collections.winux.proxmox.plugins.module_utils.answers import LARGEST, Garbled, parse
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.patience import moments

SSH_S = 40
BANNER_S = 2
TRIES = 3

OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "accept-new",
    "GlobalKnownHostsFile": "/dev/null",
    # The file then holds exactly the key of this connection, unhashed.
    "HashKnownHosts": "no",
    "UpdateHostKeys": "no",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PreferredAuthentications": "publickey",
    "LogLevel": "ERROR",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "5",
}


@dataclass
class Spoken:
    """The result of ssh: exit code, and output of at most LARGEST bytes per stream."""

    code: int = -1
    output: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)
    was_killed: bool = False
    """Killed by another process, such as the kernel when memory runs out."""


def ask(
    address: str, key_file: str, request: dict[str, Any], host_key_sha256: str | None = None
) -> dict[str, Any]:
    """Send one request to winux-guest and return its answer, with `ssh_host_key_sha256`.

    The host key of a new desktop is unknown, so the first key is accepted, into a file of this
    call alone, and its fingerprint is in the answer. Later callers pass that fingerprint as
    `host_key_sha256`; nothing is sent to a machine with another key.
    """
    key = Path(key_file).expanduser()
    if not key.is_file():
        raise ProxmoxFailed(
            f"guest_key_file {key_file} is not there: it must be the private key whose public "
            "half is in the template"
        )
    _wait_for_ssh(address)
    with tempfile.TemporaryDirectory(prefix="winux-known-hosts-") as folder:
        known = Path(folder, "known_hosts")
        options = OPTIONS | {"UserKnownHostsFile": str(known)}
        if host_key_sha256:
            options["StrictHostKeyChecking"] = "yes"
            known.write_text(f"{_host_key(address, host_key_sha256)}\n")
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        command = ["ssh", "-T", "-F", os.devnull, "-i", str(key), *words, f"root@{address}"]
        spoken = _talk([*command, "winux-guest"], json.dumps(request).encode())
        answer = _answer(address, spoken, request["do"])
        return answer | {"ssh_host_key_sha256": _seen_key(address, known)}


def _seen_key(address: str, known_hosts: Path) -> str:
    """Return the fingerprint of the host key that the connection used."""
    with suppress(OSError):
        words = known_hosts.read_text().split()
        if len(words) >= 3 and (fingerprint := _fingerprint(words[2])):
            return fingerprint
    raise ProxmoxFailed(f"the SSH host key of the desktop at {address} is not known after all")


def _host_key(address: str, sha256: str) -> str:
    """Return the known_hosts line of `address` if it presents the key with this fingerprint."""
    scanned = _talk(["ssh-keyscan", "-T", str(BANNER_S * 2), address], b"")
    for line in scanned.output.decode(errors="replace").splitlines():
        words = line.split()
        if len(words) == 3 and _fingerprint(words[2]) == sha256.rstrip("="):
            return line
    raise ProxmoxFailed(
        f"{address} is not the desktop that was said: its SSH host key is not {sha256}. Is the "
        "address used twice?"
    )


def _fingerprint(key: str) -> str:
    """Return the fingerprint of a key in known_hosts' base64, as `ssh-keygen -l` shows it."""
    try:
        digest = hashlib.sha256(base64.b64decode(key, validate=True)).digest()
    except ValueError:
        return ""
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _wait_for_ssh(address: str) -> None:
    trouble = "no answer"
    for _waited in moments(SSH_S, first_s=0.03, longest_s=0.3):
        try:
            with socket.create_connection((address, 22), timeout=BANNER_S) as connection:
                connection.settimeout(BANNER_S)
                if connection.recv(16).startswith(b"SSH-"):
                    return
        except OSError as error:
            trouble = str(error)
    raise ProxmoxFailed(
        f"the desktop at {address} does not answer on SSH after {SSH_S} s ({trouble}): is its "
        "address reachable from here, and its bridge right?"
    )


def _talk(command: list[str], text: bytes) -> Spoken:
    """Run `_talk_once`, again if the program was killed: every request may be repeated."""
    for _try in range(TRIES):
        spoken = _talk_once(command, text)
        if not spoken.was_killed:
            break
    return spoken


def _talk_once(command: list[str], text: bytes) -> Spoken:
    """Send one request and read the answer, up to a size and a time; then kill the program."""
    spoken = Spoken()
    has_ended = False
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        if process.stdin and process.stdout and process.stderr:
            with suppress(BrokenPipeError):  # the connection failed; stderr has the reason
                process.stdin.write(text)
                process.stdin.close()
            if _hear({process.stdout: spoken.output, process.stderr: spoken.errors}):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(BANNER_S)
                    has_ended = True
        process.kill()
    spoken.code = process.returncode
    spoken.was_killed = has_ended and spoken.code < 0
    return spoken


def _hear(heard: dict[IO[bytes], bytearray]) -> bool:
    """Read both streams to their end; False if one exceeds the size limit, or at the timeout."""
    ends_at = time.monotonic() + SSH_S
    with selectors.DefaultSelector() as selector:
        for pipe, said in heard.items():
            selector.register(pipe, selectors.EVENT_READ, said)
        while selector.get_map() and (left := ends_at - time.monotonic()) > 0:
            for key, _events in selector.select(left):
                chunk = os.read(key.fd, LARGEST - len(key.data))
                key.data.extend(chunk)
                if len(key.data) >= LARGEST:
                    return False
                if not chunk:
                    selector.unregister(key.fileobj)
        return not selector.get_map()


def _answer(address: str, spoken: Spoken, kind: str) -> dict[str, Any]:
    if not spoken.output:
        why = spoken.errors.decode(errors="replace").strip()[-300:]
        why = why or f"ssh ended with {spoken.code}"
        if "Permission denied" in why:
            why += ". Was the template built with another guest_key_file?"
        raise ProxmoxFailed(f"the desktop at {address} gave no answer over SSH: {why}")
    try:
        answer = parse(bytes(spoken.output), kind)
    except Garbled as garbled:
        raise ProxmoxFailed(
            f"the desktop at {address} gave an answer that winux-guest does not give: {garbled}"
        ) from garbled
    if "error" in answer:
        raise ProxmoxFailed(f"the desktop at {address} refused: {answer['error']}")
    return answer
