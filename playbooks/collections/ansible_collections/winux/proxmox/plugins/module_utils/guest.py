"""Asking winux-guest inside a desktop, over one SSH connection; secrets go through its input."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.patience import moments

SSH_S = 40
BANNER_S = 2
#: Bytes that are read of what a desktop says; it need not end.
LARGEST = 64 * 1024

OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "accept-new",
    "GlobalKnownHostsFile": "/dev/null",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PreferredAuthentications": "publickey",
    "LogLevel": "ERROR",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "5",
}


@dataclass(frozen=True)
class Spoken:
    """What ssh ended with, and what it printed."""

    code: int
    output: bytes
    errors: str


def ask(
    address: str, key_file: str, request: dict[str, Any], host_key_sha256: str | None = None
) -> dict[str, Any]:
    """Send one request to winux-guest and return its answer.

    A desktop that is seconds old has a host key that nobody knows yet, so the first key is
    accepted, into a file of this call alone; the answer holds its fingerprint, for whoever connects
    later. Who connects later says it (`host_key_sha256`), and nothing is sent to another machine.
    """
    key = Path(key_file).expanduser()
    if not key.is_file():
        raise ProxmoxFailed(
            f"guest_key_file {key_file} is not there: it must be the private key whose public "
            "half is in the template"
        )
    _wait_for_ssh(address)
    with tempfile.TemporaryDirectory(prefix="winux-known-hosts-") as folder:
        options = OPTIONS | {"UserKnownHostsFile": f"{folder}/known_hosts"}
        if host_key_sha256:
            options["StrictHostKeyChecking"] = "yes"
            known = _host_key(address, host_key_sha256)
            Path(folder, "known_hosts").write_text(f"{known}\n")
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        command = ["ssh", "-T", "-F", os.devnull, "-i", str(key), *words, f"root@{address}"]
        spoken = _talk([*command, "winux-guest"], json.dumps(request).encode())
    return _answer(address, spoken)


def _host_key(address: str, sha256: str) -> str:
    """The known_hosts line of `address`, if it shows the key with this fingerprint."""
    command = ["ssh-keyscan", "-T", str(BANNER_S * 2), address]
    scanned = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=SSH_S, check=False
    )
    for line in scanned.stdout.splitlines():
        words = line.split()
        if len(words) == 3 and _fingerprint(words[2]) == sha256.rstrip("="):
            return line
    raise ProxmoxFailed(
        f"{address} is not the desktop that was said: its SSH host key is not {sha256}. Is the "
        "address used twice?"
    )


def _fingerprint(key: str) -> str:
    """Of a key in known_hosts' base64, as `ssh-keygen -l` shows it."""
    try:
        digest = hashlib.sha256(base64.b64decode(key)).digest()
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
    """Say one thing and hear the answer, up to a size and a time."""
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        timer = threading.Timer(SSH_S, process.kill)
        timer.start()
        output = b""
        if process.stdin and process.stdout:
            with suppress(BrokenPipeError):  # it could not connect; its errors say why
                process.stdin.write(text)
                process.stdin.close()
            output = process.stdout.read(LARGEST)
            process.stdout.close()
        code = process.wait()
        timer.cancel()
        errors.seek(0)
        return Spoken(code, output, errors.read(LARGEST).decode(errors="replace"))


def _answer(address: str, spoken: Spoken) -> dict[str, Any]:
    try:
        answer = json.loads(spoken.output)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        why = spoken.errors.strip()[-300:] or f"ssh ended with {spoken.code}"
        if "Permission denied" in why:
            why += ". Was the template built with another guest_key_file?"
        raise ProxmoxFailed(f"the desktop at {address} gave no answer over SSH: {why}")
    if "error" in answer:
        raise ProxmoxFailed(f"the desktop at {address} refused: {answer['error']}")
    return answer
