"""`python3 -m setup.prepare check|test`: prepares this checkout for checks or tests."""

from __future__ import annotations

import os
import sys

from setup import environment, machine, ownership, packages, vendor
from setup.failure import SetupFailed
from setup.portal import GUEST_KEY
from setup.progress import Progress
from setup.settings import CHECKOUT, cache_dir
from setup.template import fill_cache

LOGS = CHECKOUT / "var/logs"
#: Disk space of a first run: wheels, environments, root file systems, containers.
FIRST_DISK_GB, REPEAT_DISK_GB = 8, 2


def main(arguments: list[str]) -> int:
    """Prepare for `check` or `test`; print nothing if everything is already there."""
    is_test = arguments != ["check"]
    os.umask(ownership.PRIVATE)
    ownership.make_private(ownership.VAR)
    is_lab = is_test and os.environ.get("SKIP_LAB") != "1"
    try:
        if is_test:
            _check_machine(is_lab=is_lab)
        _prepare(is_test=is_test, is_lab=is_lab)
    except SetupFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


def _check_machine(*, is_lab: bool) -> None:
    if is_lab:
        machine.check_root("The test run")
    else:
        print("SKIP_LAB=1: the tests with real containers will be left out.")
    is_first = not environment.VENV.exists()
    machine.check_disk(cache_dir(), FIRST_DISK_GB if is_first else REPEAT_DISK_GB)


def _prepare(*, is_test: bool, is_lab: bool) -> None:
    missing = packages.missing_packages(*(("run", "test", "check") if is_test else ("check",)))
    venvs = {environment.VENV: environment.DEV}
    if is_test and environment.MODULES.exists():
        venvs[environment.modules_environment()] = environment.MODULES
    outdated = {v: r for v, r in venvs.items() if not environment.is_current(v, r)}
    wants_vendor = is_test and not vendor.is_current()
    progress = Progress(bool(missing) + len(outdated) + wants_vendor + is_lab)
    if missing:
        log = LOGS / "packages.log"
        with progress.step(f"{len(missing)} Debian packages", 120 if is_test else 10, log):
            packages.install_packages(missing, log)
    if is_lab:
        machine.check_containers()
    for venv, requirements in outdated.items():
        log = LOGS / f"{requirements.stem}.log"
        with progress.step(f"Python packages of {requirements.name}", 90, log):
            environment.make_environment(venv, requirements, log)
    if wants_vendor:
        with progress.step("Browser modules", vendor.usual_seconds(), LOGS / "vendor.log"):
            vendor.prepare(LOGS / "vendor.log")
    if is_lab:
        with progress.step(
            "Root file system of the golden template", 150, cache_dir() / "base.log"
        ):
            fill_cache(GUEST_KEY, LOGS / "rootfs.log")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
