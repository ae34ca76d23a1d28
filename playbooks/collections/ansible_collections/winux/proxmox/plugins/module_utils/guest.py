"""Asking winux-guest inside a desktop, over one SSH connection; everything secret goes through
its standard input."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.patience import moments

SSH_S = 40
BANNER_S = 2


def ask(address: str, key_file: str, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to winux-guest and return its answer.

    The desktop is minutes old and its host key is not known yet, so the first key is accepted
    (into a file of this call
    alone); the answer holds its fingerprint for whoever connects later.
    """
    if not Path(key_file).expanduser().is_file():
        raise ProxmoxFailed(
            f"guest_key_file {key_file} is not there: it must be the private key whose public "
            "half is in the template"
        )
    _wait_for_ssh(address)
    with tempfile.TemporaryDirectory(prefix="winux-known-hosts-") as folder:
        done = _ssh(
            address,
            str(Path(key_file).expanduser()),
            Path(folder) / "known_hosts",
            json.dumps(request),
        )
    return _answer(address, done)


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


def _ssh(
    address: str, key_file: str, known_hosts: Path, text: str
) -> subprocess.CompletedProcess[str]:
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": str(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "LogLevel": "ERROR",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "5",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    command = [
        "ssh",
        "-T",
        "-F",
        os.devnull,
        "-i",
        key_file,
        *words,
        f"root@{address}",
        "winux-guest",
    ]
    try:
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SSH_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProxmoxFailed(
            f"the desktop at {address} did not finish within {SSH_S} s over SSH"
        ) from None


def _answer(address: str, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        why = done.stderr.strip()[-300:] or f"ssh ended with {done.returncode}"
        if "Permission denied" in why:
            why += ". Was the template built with another guest_key_file?"
        raise ProxmoxFailed(f"the desktop at {address} gave no answer over SSH: {why}")
    if "error" in answer:
        raise ProxmoxFailed(f"the desktop at {address} refused: {answer['error']}")
    return answer
