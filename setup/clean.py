"""`python3 -m setup.clean`: remove from this machine everything that this checkout put on it."""

from __future__ import annotations

import os
import shutil
import sys

from setup import machine
from setup.environment import VENV
from setup.failure import SetupFailed
from setup.lab import clean_lab_node
from setup.settings import BENCH, CHECKOUT, Settings, cache_dir, settings_from


def main() -> int:
    """Clean every stack whose files are there, then `var/`. The cache and `.venv` stay."""
    stacks = [settings_from(os.environ), settings_from(os.environ, "WINUX_BENCH_", BENCH)]
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
