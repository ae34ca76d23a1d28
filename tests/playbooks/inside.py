"""Access to a desktop with the portal's key, and the values that identify a desktop."""

import json
import shlex
import subprocess
from typing import Any

from tests.lab import GoldenTemplate, RealLab
from tests.playbooks.operator import Desktop

IDENTITY = {
    "machine-id": "cat /etc/machine-id",
    "SSH host key": "cat /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2",
    "XRDP key": "sha256sum < /etc/xrdp/key.pem",
    "XRDP certificate": "sha256sum < /etc/xrdp/cert.pem",
}


def ssh(template: GoldenTemplate, desktop: Desktop, *words: str, text: str = "") -> Any:
    """An SSH connection as root with the portal's key."""
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
    settings = [word for option in options for word in ("-o", option)]
    key = ["-F", "/dev/null", "-i", str(template.guest_key)]
    target = f"root@{desktop.told['address']}"
    return subprocess.run(
        ["ssh", *key, *settings, *words[:-1], target, *words[-1:]],
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
    )


def ask(template: GoldenTemplate, desktop: Desktop, **request: object) -> dict[str, Any]:
    done = ssh(template, desktop, "winux-guest", text=json.dumps(request))
    return dict(json.loads(done.stdout))


def knows(lab: RealLab, vmid: int, name: str, password: str) -> bool:
    """Whether PAM accepts this password for the account, checked by an unprivileged user."""
    ask_pam = f"su {shlex.quote(name)} -c 'echo it is right'"
    nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    said = lab.inside(vmid, f"echo {shlex.quote(password)} | {nobody} {ask_pam} 2>&1 || true")
    return "it is right" in said
