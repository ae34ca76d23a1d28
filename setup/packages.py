"""Debian packages: finds missing ones and installs them from the machine's own sources."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from setup.commands import read_output, run_logged
from setup.failure import SetupFailed
from setup.ownership import READABLE
from setup.settings import CHECKOUT

LIST = CHECKOUT / "setup" / "packages.txt"


def packages_of(*sections: str) -> list[str]:
    """Return the names under `[section]` headings in packages.txt, in order."""
    found: list[str] = []
    section = ""
    for line in LIST.read_text().splitlines():
        name = line.partition("#")[0].strip()
        if name.startswith("["):
            section = name.strip("[]")
        elif name and section in sections:
            found.append(name)
    return found


def missing_packages(*sections: str) -> list[str]:
    """Return the packages that dpkg does not list as installed."""
    wanted = packages_of(*sections)
    # dpkg-query fails if one name is unknown, but still prints the others
    status = read_output(
        [
            "sh",
            "-c",
            "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' \"$@\" 2>/dev/null || :",
            "-",
            *wanted,
        ]
    )
    installed = {line.split()[0] for line in status.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in installed]


def install_packages(names: list[str], log: Path) -> None:
    """Install without questions; if not permitted, raise SetupFailed with the exact command."""
    if not shutil.which("apt-get"):
        raise SetupFailed(
            "This machine has no apt-get.", f"Install these by hand: {' '.join(names)}"
        )
    if os.geteuid() != 0:
        raise SetupFailed(
            f"Debian packages are missing: {' '.join(names)}",
            f"Run this as root, or install them: apt-get install {' '.join(names)}",
        )
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    hint = "Look at the machine's package sources (/etc/apt) and its network, then run this again."
    apt = ["apt-get", "-y", "-o", "DPkg::Lock::Timeout=300"]
    install = [*apt, "install", "--no-install-recommends", *names]
    for command in ([*apt, "update"], install):
        run_logged(command, log, hint, environment, READABLE)
