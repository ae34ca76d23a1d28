"""`python3 -m setup.prepare check|test`: bring this checkout to where checks or tests can run."""

from __future__ import annotations

import os
import sys

from setup import environment, machine, packages, vendor
from setup.failure import SetupFailed
from setup.portal import GUEST_KEY
from setup.progress import Progress
from setup.settings import CHECKOUT, TEST, cache_dir, settings_from
from setup.stack import NODE_STEPS, Stack
from setup.template import built_template

LOGS = CHECKOUT / "var/logs"
#: What a first run puts on the disk: wheels, environments, root file systems, containers.
FIRST_DISK_GB, REPEAT_DISK_GB = 8, 2


def main(arguments: list[str]) -> int:
    """Prepare for `check` or `test`; says nothing when everything is there already."""
    is_test = arguments != ["check"]
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
    machine.check_disk(cache_dir(), REPEAT_DISK_GB if cache_dir().exists() else FIRST_DISK_GB)
    if is_lab:
        machine.check_root("The test run")
    else:
        print("SKIP_LAB=1: the tests with real containers will be left out.")


def _prepare(*, is_test: bool, is_lab: bool) -> None:
    missing = packages.missing_packages("run", "test") if is_test else []
    venvs = {environment.VENV: environment.DEV}
    if is_test and environment.MODULES.exists():
        venvs[environment.modules_environment()] = environment.MODULES
    outdated = {v: r for v, r in venvs.items() if not environment.is_current(v, r)}
    stack_settings = settings_from(os.environ, "WINUX_TEST_", TEST)
    wants_template = is_lab and built_template(stack_settings, GUEST_KEY) is None
    wants_vendor = is_test and not vendor.is_current()
    progress = Progress(bool(missing) + len(outdated) + wants_vendor + NODE_STEPS * wants_template)
    if missing:
        log = LOGS / "packages.log"
        with progress.step(f"{len(missing)} Debian packages", 120, log):
            packages.install_packages(missing, log)
    if is_lab:
        machine.check_containers()
    for venv, requirements in outdated.items():
        log = LOGS / f"{requirements.stem}.log"
        with progress.step(f"Python packages of {requirements.name}", 90, log):
            environment.make_environment(venv, requirements, log)
    if wants_vendor:
        with progress.step("Browser modules", 20, LOGS / "vendor.log"):
            vendor.prepare(LOGS / "vendor.log")
    if wants_template:
        with machine.only_one(stack_settings):
            _build_template(Stack(stack_settings, progress))


def _build_template(stack: Stack) -> None:
    """Before the tests, so that none of them has to wait for it."""
    try:
        stack.start_node()
    finally:
        stack.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
