"""Assigning by hand: only an unused desktop can be given to a person."""

from typing import Any

import pytest

from tests.lab import GoldenTemplate, RealLab
from tests.playbooks.actions import api_of
from tests.playbooks.inside import ask, knows
from tests.playbooks.operator import Desktop

pytestmark = pytest.mark.lab


def test_it_is_anna_s_with_her_keyboard_and_nothing_of_before_works(
    desktop: Desktop, golden_template: GoldenTemplate, lab_node: RealLab
) -> None:
    assert desktop.create().code == 0
    built = desktop.told
    run = desktop.assign(rdp_username="anna", keyboard_layout="pl")
    assert run.code == 0, run.output
    assert run.changed > 0
    told = desktop.told
    assert told["username"] == "anna"
    assert told["password"] not in (None, built["password"])
    assert told["password"] not in run.output
    for kept in ("address", "ssh_host_key_sha256", "rdp_certificate_sha256", "deadline_epoch"):
        assert told[kept] == built[kept], kept

    again = desktop.assign(rdp_username="anna", keyboard_layout="pl")
    assert (again.code, again.changed) == (0, 0), again.output
    assert desktop.told == told

    inside = lab_node.inside
    assert inside(desktop.vmid, "id -u anna").strip() == "1000"
    assert inside(desktop.vmid, "getent passwd desktop || true") == ""
    assert inside(desktop.vmid, "ls /home").split() == ["anna"]
    assert 'XKBLAYOUT="pl"' in inside(desktop.vmid, "cat /etc/default/keyboard")
    assert not knows(lab_node, desktop.vmid, "desktop", built["password"])
    assert not knows(lab_node, desktop.vmid, "anna", built["password"])
    signed_in = {"do": "try_session", "username": "anna", "password": told["password"]}
    assert "seconds" in ask(golden_template, desktop, **signed_in)

    used = desktop.assign(rdp_username="eve")
    assert used.code != 0
    assert "'anna' has used this desktop" in used.output
    assert inside(desktop.vmid, "ls /home").split() == ["anna"], "a used desktop was emptied"


def test_the_deadline_moves_if_one_is_said(desktop: Desktop) -> None:
    assert desktop.create(session_duration=20).code == 0
    deadline = desktop.told["deadline_epoch"] + 600
    assert desktop.assign(deadline_epoch=deadline).code == 0
    assert desktop.told["deadline_epoch"] == deadline


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"rdp_username": "root"}, "rdp_username must be no account or group of the system"),
        ({"rdp_username": "a;reboot"}, "rdp_username must be a-z first"),
        ({"keyboard_layout": "us;reboot"}, "keyboard_layout must be a layout as XKB names it"),
        ({"portal_id": "another"}, "is taken by something else"),
        ({"session_id": "desktop-ffffffff"}, "is taken by something else"),
        ({"ssh_host_key_sha256": "SHA256:another"}, "ssh_host_key_sha256 must be a fingerprint"),
        ({"ssh_host_key_sha256": f"SHA256:{'a' * 43}"}, "is not the desktop that was said"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    running: Desktop, lab_node: RealLab, variables: dict[str, Any], why: str
) -> None:
    told = running.told
    run = running.assign(**variables)
    assert run.code != 0
    assert why in run.output
    assert running.told == told
    assert lab_node.inside(running.vmid, "ls /home").split() == ["desktop"]


def test_a_container_that_does_not_run_is_said(desktop: Desktop, lab_node: RealLab) -> None:
    gone = desktop.assign()
    assert f"container {desktop.vmid} does not run" in gone.output
    assert desktop.create().code == 0
    api = api_of(lab_node)
    api.run("stopping", "post", f"lxc/{desktop.vmid}/status/stop", lambda: False)
    assert f"container {desktop.vmid} does not run" in desktop.assign().output


def test_check_mode_changes_nothing(running: Desktop, lab_node: RealLab) -> None:
    run = running.assign("--check", rdp_username="anna")
    assert run.code == 0, run.output
    assert lab_node.inside(running.vmid, "ls /home").split() == ["desktop"]
