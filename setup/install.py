"""`make install`: installs what a server needs to run the portal, without demo and tests."""

from __future__ import annotations

import os
import sys

from setup import environment, machine, ownership, packages, vendor
from setup.failure import SetupFailed
from setup.progress import Progress
from setup.settings import cache_dir

LOGS = ownership.VAR / "logs"
#: Space for wheels, the virtual environment and the root file system of one template.
DISK_GB = 6


def main() -> int:
    """Install Debian packages, the virtual environment, the browser's modules; safe to repeat."""
    os.umask(ownership.PRIVATE)
    try:
        machine.check_disk(cache_dir(), DISK_GB)
        _install()
    except SetupFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    print("Installed. Go on with docs/admin/proxmox.md.")
    return 0


def _install() -> None:
    missing = packages.missing_packages("server")
    is_outdated = not environment.is_current(environment.VENV, environment.RUN)
    wants_vendor = not vendor.is_current()
    progress = Progress(bool(missing) + is_outdated + wants_vendor)
    if missing:
        with progress.step("Debian packages", 45, LOGS / "packages.log"):
            packages.install_packages(missing, LOGS / "packages.log")
    if is_outdated:
        with progress.step("Python packages", 60, LOGS / "python.log"):
            environment.make_environment(environment.VENV, environment.RUN, LOGS / "python.log")
    if wants_vendor:
        with progress.step("Browser modules", vendor.usual_seconds(), LOGS / "vendor.log"):
            vendor.prepare(LOGS / "vendor.log")


if __name__ == "__main__":
    sys.exit(main())
