"""`python -m tests.attack [NAME ...]`: start a whole Winux, try every attack, print a table."""

import argparse
import os
import sys
import textwrap
import time
import traceback
from dataclasses import dataclass

from setup import machine
from setup.failure import SetupFailed
from setup.ownership import PRIVATE
from setup.progress import Progress
from setup.settings import ATTACK, Settings, settings_from
from setup.stack import STEPS, Stack
from tests.attack.catalogue import Attack, all_attacks
from tests.attack.promise import Broken
from tests.attack.target import Target


@dataclass(frozen=True)
class Outcome:
    """The result of one attack."""

    attack: Attack
    holds: bool
    seen: str
    seconds: float


def main() -> int:
    """Run the attacks; exit code 1 if a promise did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("names", nargs="*", help="words of the attacks' names; all when none")
    options = parser.parse_args()
    chosen = [one for one in all_attacks() if _is_wanted(one, options.names)]
    settings = settings_from(os.environ, "WINUX_ATTACK_", ATTACK)
    os.umask(PRIVATE)
    try:
        machine.check_root("Trying the attacks")
        with machine.only_one(settings):
            outcomes = _run(settings, chosen)
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(_table(outcomes))
    broken = sum(not one.holds for one in outcomes)
    print(f"\n{len(outcomes)} attacks, {broken} promises broken")
    return 1 if broken else 0


def _is_wanted(attack: Attack, words: list[str]) -> bool:
    return not words or any(word in attack.name for word in words)


def _run(settings: Settings, attacks: list[Attack]) -> list[Outcome]:
    stack = Stack(settings, Progress(STEPS))
    try:
        stack.check()
        stack.prepare_machine()
        portal = stack.start()
        stack.end_desktops()
        target = Target(settings, portal, settings.bridge)
        return [_try(one, target) for one in attacks]
    finally:
        stack.stop()


def _try(attack: Attack, target: Target) -> Outcome:
    print(f"  {attack.name} …", flush=True)
    began = time.monotonic()
    try:
        seen, holds = attack.attempt(target), True
    except Broken as broken:
        seen, holds = str(broken), False
    except Exception as error:  # noqa: BLE001 (after any failure the promise is unproven)
        traceback.print_exc()
        seen, holds = f"could not be tried: {error!r}", False
    return Outcome(attack, holds, seen, time.monotonic() - began)


def _table(outcomes: list[Outcome]) -> str:
    lines = []
    for one in outcomes:
        lines.append(f"\n{'holds ' if one.holds else 'BROKEN'}  {one.attack.name}")
        told = (("promise", one.attack.promise), ("seen", f"{one.seen} ({one.seconds:.0f} s)"))
        for title, text in told:
            lead = f"        {title:8}"
            lines.append(textwrap.fill(text, 110, initial_indent=lead, subsequent_indent=" " * 16))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
