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
    """Return the lines under `[section]` headings in packages.txt, in order.

    A line is a name, or `one | another` for packages that differ between Debian releases.
    """
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
    """Return the lines of which dpkg lists no package as installed."""
    wanted = packages_of(*sections)
    # dpkg-query fails if one name is unknown, but still prints the others
    status = read_output(
        [
            "sh",
            "-c",
            "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' \"$@\" 2>/dev/null || :",
            "-",
            *(name for line in wanted for name in names_of(line)),
        ]
    )
    installed = {line.split()[0] for line in status.splitlines() if line.endswith(" installed")}
    return [line for line in wanted if installed.isdisjoint(names_of(line))]


def names_of(line: str) -> list[str]:
    return line.split(" | ")


def choose(line: str) -> str:
    """Return the first package of a line that this machine's sources have, or its first."""
    names = names_of(line)
    known = (name for name in names if read_output(["apt-cache", "madison", name]).strip())
    return names[0] if len(names) == 1 else next(known, names[0])


def install_packages(names: list[str], log: Path) -> None:
    """Install without questions; if not permitted, raise SetupFailed with the exact command."""
    if not shutil.which("apt-get"):
        raise SetupFailed(
            "This machine has no apt-get.", f"Install these by hand: {' '.join(names)}"
        )
    if os.geteuid() != 0:
        raise SetupFailed(
            f"Debian packages are missing: {', '.join(names)}",
            "Run this as root, or install them: "
            f"apt-get install {' '.join(choose(name) for name in names)}",
        )
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    hint = "Look at the machine's package sources (/etc/apt) and its network, then run this again."
    apt = ["apt-get", "-y", "-o", "DPkg::Lock::Timeout=300"]
    run_logged([*apt, "update"], log, hint, environment, READABLE)
    chosen = [choose(name) for name in names]
    install = [*apt, "install", "--no-install-recommends", *chosen]
    run_logged(install, log, hint, environment, READABLE)
