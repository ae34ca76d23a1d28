"""`python3 -m setup.clean`: remove from this machine everything that this checkout put on it."""

from __future__ import annotations

import os
import shutil
import sys

from setup import machine
from setup.environment import VENV
from setup.failure import SetupFailed
from setup.lab import clean_lab_node
from setup.settings import BENCH, CHECKOUT, DEMO, TEST, Settings, cache_dir, settings_from

STACKS = (("WINUX_DEMO_", DEMO), ("WINUX_BENCH_", BENCH), ("WINUX_TEST_", TEST))


def main() -> int:
    """Clean every stack whose files are there, then `var/`. The cache and `.venv` stay."""
    stacks = [settings_from(os.environ, *names) for names in STACKS]
    try:
        for settings in stacks:
            _clean(settings)
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    shutil.rmtree(CHECKOUT / "var", ignore_errors=True)
    print(f"Clean. Downloads and built root file systems stay in {cache_dir()}.")
    return 0


def _clean(settings: Settings) -> None:
    if not settings.lab.exists():
        return
    machine.check_root("Removing containers")
    with machine.only_one(settings):
        if (VENV / "bin/python").exists():
            clean_lab_node(settings.lab, settings.logs / "clean.log")
        shutil.rmtree(settings.folder)


if __name__ == "__main__":
    sys.exit(main())
