"""`python3 -m setup.clean`: remove from this machine everything that this checkout put on it."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from setup import machine, ownership
from setup.environment import VENV
from setup.failure import SetupFailed
from setup.lab import clean_lab_node, sweep_lab_nodes
from setup.settings import ATTACK, BENCH, CHECKOUT, DEMO, TEST, Settings, cache_dir, settings_from

STACKS = (
    ("WINUX_DEMO_", DEMO),
    ("WINUX_BENCH_", BENCH),
    ("WINUX_ATTACK_", ATTACK),
    ("WINUX_TEST_", TEST),
)
VAR = CHECKOUT / "var"


def main() -> int:
    """Clean every existing lab node, then our files in `var/`. The cache stays."""
    argparse.ArgumentParser(description=__doc__).parse_args()  # --help must not clean
    try:
        stacks = [settings_from(os.environ, *names) for names in STACKS]
        with ExitStack() as locks:
            for settings in stacks:
                locks.enter_context(machine.only_one(settings))
            for state_dir in _lab_nodes(stacks):
                machine.check_root("Removing containers")
                clean_lab_node(state_dir, VAR / "logs/clean.log")
            if os.geteuid() == 0 and VENV.exists():
                sweep_lab_nodes(CHECKOUT, VAR / "logs/clean.log")
        os.umask(ownership.PRIVATE)
        left = [one.folder for one in stacks if not ownership.remove(one.folder)]
        left += [path for path in ownership.remove_var() if path not in left]
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    for path in left:
        print(f"Left alone, as it was not made by set-up: {path}")
    print(f"Clean. Downloads and built root file systems stay in {cache_dir()}.")
    return 0


def _lab_nodes(stacks: list[Settings]) -> set[Path]:
    """Return all state folders of lab nodes: of the stacks, of tests, and others below `var/`."""
    tests = CHECKOUT / os.environ.get("WINUX_TEST_LAB_DIR", "var/test-lab")
    named = {*tests.parent.glob(f"{tests.name}[0-9]*"), *(one.lab for one in stacks)}
    found = {file.parent for file in VAR.rglob("backend.json")}
    return found | {one for one in named if (one / "backend.json").exists()}


if __name__ == "__main__":
    sys.exit(main())
