"""Pausing and resuming by hand: a real container is shut down, kept, and restored unchanged."""

import subprocess
import time
from typing import Any

import pytest

from tests.lab import GoldenTemplate, RealLab
from tests.playbooks.actions import api_of
from tests.playbooks.inside import ask, knows
from tests.playbooks.operator import Desktop

pytestmark = pytest.mark.lab

NOTE = "/srv/note"


def processes_of(lab: RealLab, vmid: int) -> str:
    """Return the container's state and the id of its first process, as LXC reports them."""
    command = ["lxc-info", "-P", f"/run/winux/{lab.bridge}", "-n", str(vmid), "-s", "-p"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_it_comes_back_with_its_files_its_password_and_its_keys(
    desktop: Desktop, golden_template: GoldenTemplate, lab_node: RealLab
) -> None:
    assert desktop.create().code == 0
    told = desktop.told
    signed_in = {"do": "try_session", "username": "desktop", "password": told["password"]}
    assert "seconds" in ask(golden_template, desktop, **signed_in)
    lab_node.inside(desktop.vmid, f"echo kept >{NOTE}; echo gone >/run/gone")

    run = desktop.pause()
    assert (run.code, run.changed) == (0, 1), run.output
    assert "RUNNING" not in processes_of(lab_node, desktop.vmid)
    again = desktop.pause()
    assert (again.code, again.changed) == (0, 0), again.output

    deadline = told["deadline_epoch"] + 3600
    variables: dict[str, Any] = {
        "deadline_epoch": deadline,
        "ssh_host_key_sha256": told["ssh_host_key_sha256"],
        "rdp_certificate_sha256": told["rdp_certificate_sha256"],
    }
    run = desktop.resume(**variables)
    assert run.code == 0, run.output
    assert run.changed == 2, run.output
    again = desktop.resume(**variables)
    assert (again.code, again.changed) == (0, 0), again.output

    inside = lab_node.inside
    assert inside(desktop.vmid, f"cat {NOTE}") == "kept\n"
    assert inside(desktop.vmid, "ls /run/gone || true") == ""
    assert inside(desktop.vmid, "cat /var/lib/winux/deadline").strip() == str(deadline)
    assert "winux-warning.timer" in inside(desktop.vmid, "systemctl list-timers --all")
    assert knows(lab_node, desktop.vmid, "desktop", told["password"])
    assert "seconds" in ask(golden_template, desktop, **signed_in), "nobody can sign in any more"


def test_one_that_does_not_go_down_when_asked_is_stopped(
    desktop: Desktop, lab_node: RealLab
) -> None:
    assert desktop.create().code == 0
    # a service that ignores every request for longer than the shutdown's timeout
    lab_node.inside(
        desktop.vmid,
        "systemd-run --quiet --unit=stubborn -p TimeoutStopSec=300 "
        "/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'",
    )
    began = time.monotonic()
    run = desktop.pause(shutdown_patience_s=3)
    assert (run.code, run.changed) == (0, 1), run.output
    assert time.monotonic() - began < 20
    assert "RUNNING" not in processes_of(lab_node, desktop.vmid)
    assert desktop.resume().code == 0


def test_a_second_resume_by_hand_needs_no_more_than_the_names(desktop: Desktop) -> None:
    assert desktop.create().code == 0
    assert desktop.pause().code == 0
    checked = desktop.resume("--check")
    assert (checked.code, checked.changed) == (0, 1), checked.output
    run = desktop.resume()
    assert (run.code, run.changed) == (0, 1), run.output
    again = desktop.resume()
    assert (again.code, again.changed) == (0, 0), again.output


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"portal_id": "another"}, "is taken by something else"),
        ({"session_id": "desktop-ffffffff"}, "is taken by something else"),
        ({"container_id": 20999}, "is not there"),
    ],
    ids=str,
)
def test_what_is_not_the_desktop_is_not_touched(
    running: Desktop, lab_node: RealLab, variables: dict[str, Any], why: str
) -> None:
    for run in (running.pause(**variables), running.resume(**variables)):
        assert run.code != 0
        assert why in run.output
    assert "RUNNING" in processes_of(lab_node, running.vmid)


def test_another_certificate_is_refused(running: Desktop) -> None:
    run = running.resume(rdp_certificate_sha256="00" * 32)
    assert run.code != 0
    assert "something else answers on RDP" in run.output


def test_check_mode_pauses_nothing(running: Desktop, lab_node: RealLab) -> None:
    run = running.pause("--check")
    assert (run.code, run.changed) == (0, 1), run.output
    assert "RUNNING" in processes_of(lab_node, running.vmid)
    running_now = api_of(lab_node).read(f"lxc/{running.vmid}/status/current")
    assert running_now["status"] == "running"
