"""`make demo`: runs a whole Winux with a first real desktop until Ctrl-C, then cleans up."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from setup import machine
from setup.commands import tail
from setup.failure import SetupFailed
from setup.ownership import PRIVATE
from setup.page_client import PageClient, ReadyDesktop
from setup.portal import ENV_FILE, Portal
from setup.progress import Progress, duration
from setup.settings import CHECKOUT, Settings, settings_from
from setup.stack import STEPS, Stack
from webapp.env_file import OF_DEMO

ADMIN, PERSON = "admin", "alice"
REPORT = CHECKOUT / "var/demo.json"


class Interrupted(BaseException):
    """Ctrl-C, a closed terminal or SIGTERM: the demo ends normally."""


def main() -> int:
    """Run the demo; exit code 0 after Ctrl-C, 1 with a message after a failure."""
    try:
        os.umask(PRIVATE)
        settings = settings_from(os.environ)
        machine.check_root("The demo")
        with machine.only_one(settings), _interruptible():
            return _run(settings)
    except SetupFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except Interrupted:
        return 0


def _run(settings: Settings) -> int:
    began = time.monotonic()
    REPORT.unlink(missing_ok=True)
    stack = Stack(settings, Progress(STEPS + 1))
    try:
        stack.check()
        if not (settings.lab / "template.json").exists():
            print("The first run takes about 6 minutes, later ones about 20 seconds.")
        stack.prepare_machine()
        portal = stack.start()
        people = {
            "admin": {"name": ADMIN, "password": portal.make_person(ADMIN, is_admin=True)},
            "person": {"name": PERSON, "password": portal.make_person(PERSON)},
        }
        desktop = _first_desktop(stack, settings, people["person"])
        _write_report(settings, people, desktop)
        _tell(settings, people, desktop, time.monotonic() - began)
        _tell_commands(portal)
        _watch(stack)
    finally:
        _stop(stack, settings)
    return 0


def _first_desktop(stack: Stack, settings: Settings, person: dict[str, str]) -> ReadyDesktop:
    """End desktops of an earlier run, then launch one through the page as that person."""
    with stack.progress.step("First desktop", 8):
        stack.end_desktops()
        stack.wake_pools()
        client = PageClient(settings.url)
        client.sign_in(person["name"], person["password"])
        return client.launch_desktop()


def _write_report(
    settings: Settings, people: dict[str, dict[str, str]], desktop: ReadyDesktop
) -> None:
    told = {"url": settings.url, **people, "desktop": desktop.as_json()}
    file = os.open(REPORT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as report:
        json.dump(told, report, indent=2)


def _tell(
    settings: Settings, people: dict[str, dict[str, str]], desktop: ReadyDesktop, took_s: float
) -> None:
    admin, person = people["admin"], people["person"]
    print(f"""
Winux is ready after {duration(took_s)}.

  Page        {settings.url}
  Sign in     {person["name"]:8} {person["password"]}
  or, admin   {admin["name"]:8} {admin["password"]}

  The first desktop, {desktop.id}, was ready {duration(desktop.ready_seconds)} after the click:
  Its page    {settings.url}{desktop.page}
  .rdp file   {settings.url}{desktop.rdp_file}
  Address     {desktop.address}:{desktop.port} (from this machine)
  User        {desktop.user}
  Password    {desktop.password}

The passwords are new at each start; meanwhile they are also in {REPORT.relative_to(CHECKOUT)}.""")


def _tell_commands(portal: Portal) -> None:
    """Print the commands for work by hand; both find the demo's settings automatically."""
    print("\nBy hand, in another shell in this folder:\n")
    for command in by_hand(portal):
        print(f"  {command}")
    print("\nCtrl-C ends everything.")


def by_hand(portal: Portal) -> tuple[str, str]:
    """Return a command line and a playbook call as typed while the demo runs."""
    is_found = portal.env_file == CHECKOUT / OF_DEMO
    file = portal.env_file
    place = "" if is_found else f"WINUX_ENV_FILE={shlex.quote(str(file))} "
    playbook = "-i inventory/lab playbooks/create-winux-session.yml"
    variables = "session_id=desktop-by-hand session_duration=30 container_id=20001"
    return (
        f"{place}./winux desktop list",
        f'{place}.venv/bin/ansible-playbook {playbook} -e "{variables}"',
    )


def _watch(stack: Stack) -> None:
    """Watch until Ctrl-C; a process that ends by itself ends the demo and shows its last output."""
    while (dead := stack.dead_child()) is None:
        time.sleep(1)
    raise SetupFailed(f"The {dead.name} ended by itself:\n{tail(dead.log)}", "The demo is stopped.")


def _stop(stack: Stack, settings: Settings) -> None:
    if not stack.has_network:
        return
    print("\nStopping desktops, web server, worker and lab node …", flush=True)
    began = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: print("Still stopping …", flush=True))
    stack.stop()
    REPORT.unlink(missing_ok=True)
    (settings.folder / ENV_FILE).unlink(missing_ok=True)
    print(f"Stopped after {duration(time.monotonic() - began)}; nothing of the demo is running.")


@contextmanager
def _interruptible() -> Iterator[None]:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Interrupted

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    yield


if __name__ == "__main__":
    sys.exit(main())
