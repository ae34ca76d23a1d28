"""`python3 -m setup.prepare check|test`: bring this checkout to where checks or tests can run."""

from __future__ import annotations

import os
import sys

from setup import environment, machine, packages
from setup.failure import SetupFailed
from setup.progress import Progress
from setup.settings import CHECKOUT, cache_dir

LOGS = CHECKOUT / "var/logs"
#: What a first run puts on the disk: wheels, environments, root file systems, containers.
TEST_DISK_GB, REPEAT_DISK_GB = 8, 2


def main(arguments: list[str]) -> int:
    """Prepare for `check` or `test`; says nothing when everything is there already."""
    goal = arguments[0] if arguments else "test"
    try:
        if goal == "test":
            _check_machine()
        _prepare(goal)
    except SetupFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


def _check_machine() -> None:
    machine.check_disk(cache_dir(), REPEAT_DISK_GB if cache_dir().exists() else TEST_DISK_GB)
    if os.environ.get("SKIP_LAB") == "1":
        print("SKIP_LAB=1: the tests with real containers will be left out.")
        return
    machine.check_root("The test run")


def _prepare(goal: str) -> None:
    sections = ("run", "test") if goal == "test" else ("run",)
    missing = packages.missing_packages(*sections) if goal == "test" else []
    venvs = {environment.VENV: environment.DEV}
    if goal == "test" and environment.MODULES.exists():
        venvs[environment.modules_environment()] = environment.MODULES
    outdated = {v: r for v, r in venvs.items() if not environment.is_current(v, r)}
    progress = Progress(bool(missing) + len(outdated))
    if missing:
        log = LOGS / "packages.log"
        with progress.step(f"Installing {len(missing)} Debian packages", 120, log):
            packages.install_packages(missing, log)
    if goal == "test" and os.environ.get("SKIP_LAB") != "1":
        machine.check_containers()
    for venv, requirements in outdated.items():
        log = LOGS / f"{requirements.stem}.log"
        with progress.step(f"Python packages of {requirements.name}", 90, log):
            environment.make_environment(venv, requirements, log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
