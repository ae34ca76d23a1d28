"""The lab node of a stack: its start, its credentials and its cleanup."""

from __future__ import annotations

import os
from pathlib import Path

from setup.commands import read_output, run_logged
from setup.environment import VENV
from setup.failure import SetupFailed
from setup.ownership import make_private
from setup.processes import Child
from setup.settings import Settings

READY_TIMEOUT_S = 60
LABNODE = [str(VENV / "bin/python"), "-m", "labnode"]


def start_lab_node(settings: Settings, *more: str) -> Child:
    """Start `python -m labnode serve` (with `more` options) and return when its API answers."""
    make_private(settings.lab)
    ready = settings.lab / "ready"
    ready.unlink(missing_ok=True)
    names = {
        "--state-dir": str(settings.lab),
        "--listen": f"127.0.0.1:{settings.lab_port}",
        "--bridge": settings.bridge,
        "--subnet": settings.subnet,
    }
    options = [word for option in names.items() for word in option]
    command = [*LABNODE, "serve", *options, *more]
    child = Child("lab node", command, settings.logs / "labnode.log", dict(os.environ))
    try:
        child.wait_until(ready.exists, READY_TIMEOUT_S, "Mend what it says, then run this again.")
    except BaseException:
        child.stop()
        raise
    return child


def credentials(settings: Settings, token: str) -> dict[str, str]:
    """Return the `proxmox_*` variables of the token `portal` or `builder` of the lab node."""
    file = settings.lab / f"{token}.env"
    if not file.is_file():
        raise SetupFailed(
            f"The lab node wrote no {file}.", f"Look at {settings.logs / 'labnode.log'}."
        )
    pairs = (line.partition("=") for line in file.read_text().splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def clean_lab_node(state_dir: Path, log: Path, *, network_alone: bool = False) -> None:
    """Remove everything of a lab node: containers, mounts, templates, bridge, packet filter.

    With `network_alone` remove only the last two, so that the next start finds its template.
    """
    alone = ["--network"] if network_alone else []
    command = [*LABNODE, "clean", "--state-dir", str(state_dir), *alone]
    run_logged(command, log, f"Look at {log}; the containers are below {state_dir}.")


def sweep_lab_nodes(below: Path, log: Path) -> None:
    """Remove what killed test runs left on this machine, and idle lab nodes in a folder."""
    run_logged([*LABNODE, "sweep", "--below", str(below)], log, f"Look at {log}.")


def running_containers(settings: Settings) -> list[str]:
    """Return the network ports of this stack's containers, one for each running container."""
    links = read_output(["ip", "-o", "link", "show", "master", settings.bridge]).splitlines()
    return [line.split(":")[1].strip().partition("@")[0] for line in links]
