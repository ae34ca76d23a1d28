"""The content of a desktop: its own identity, the guest command, the warning before its end."""

import hashlib
import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.screen import Screen
from tests.lab import GoldenTemplate, RealLab
from tests.playbooks.inside import IDENTITY, ask, ssh
from tests.playbooks.operator import Desktop

pytestmark = pytest.mark.lab


def test_two_desktops_share_no_identity(
    running: Desktop, desktop: Desktop, lab_node: RealLab
) -> None:
    assert desktop.create().code == 0
    for what, script in IDENTITY.items():
        one, other = (lab_node.inside(each.vmid, script).strip() for each in (running, desktop))
        assert one, what
        assert other, what
        assert one != other, f"two desktops have the same {what}"


def test_the_fingerprints_that_are_told_are_the_real_ones(
    running: Desktop, lab_node: RealLab
) -> None:
    key = lab_node.inside(running.vmid, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
    assert running.told["ssh_host_key_sha256"] == key.split()[1]
    der = lab_node.inside(
        running.vmid, "openssl x509 -in /etc/xrdp/cert.pem -outform DER | sha256sum"
    )
    assert running.told["rdp_certificate_sha256"] == der.split()[0]
    pem = lab_node.inside(running.vmid, "cat /etc/xrdp/cert.pem")
    assert running.told["rdp_certificate_pem"] == pem


def test_every_service_of_a_desktop_runs(running: Desktop, lab_node: RealLab) -> None:
    state = "systemctl is-system-running --wait || systemctl --failed --no-legend"
    assert lab_node.inside(running.vmid, state).strip() == "running"


def test_the_portals_key_opens_nothing_but_the_guest_command(
    running: Desktop, golden_template: GoldenTemplate
) -> None:
    done = ssh(golden_template, running, "cat /etc/shadow", text="")
    assert "root:" not in done.stdout
    assert "not a request that winux-guest understands" in done.stdout
    forward = ssh(golden_template, running, "-W", "127.0.0.1:3350", "x")
    assert forward.returncode != 0
    assert "forwarding failed" in forward.stderr


def test_root_has_no_password_login(running: Desktop, lab_node: RealLab) -> None:
    assert lab_node.inside(running.vmid, "passwd --status root").split()[1] == "L"
    effective = lab_node.inside(running.vmid, "sshd -T -C user=root")
    assert "permitrootlogin forced-commands-only" in effective
    assert "AllowRootLogin=false" in lab_node.inside(running.vmid, "cat /etc/xrdp/sesman.ini")


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"username": "root"}, "'root' is a system account"),
        ({"username": "somebody"}, "belongs to the user 'desktop' already"),
        ({"username": "a b"}, "cannot be a user name"),
        ({"username": "-x"}, "cannot be a user name"),
        ({"keyboard_layout": "us; reboot"}, "is no keyboard layout"),
        ({"do": "reboot"}, "cannot do 'reboot'"),
        ({"deadline_epoch": "soon"}, "not a request"),
        ({"username": 5}, "not a request"),
    ],
)
def test_the_guest_command_refuses_nonsense(
    running: Desktop, golden_template: GoldenTemplate, request_: dict[str, object], why: str
) -> None:
    good = {
        "do": "personalise",
        "username": "desktop",
        "keyboard_layout": "us",
        "deadline_epoch": int(time.time()) + 3600,
    }
    assert why in ask(golden_template, running, **(good | request_))["error"]


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "x" * 100_000])
def test_the_guest_command_survives_garbage(
    running: Desktop, golden_template: GoldenTemplate, text: str
) -> None:
    done = ssh(golden_template, running, "winux-guest", text=text)
    assert done.returncode == 1
    assert "not a request that winux-guest understands" in json.loads(done.stdout)["error"]


def test_the_desktop_tells_of_input_from_an_rdp_program(
    desktop: Desktop, golden_template: GoldenTemplate
) -> None:
    assert desktop.create().code == 0
    assert ask(golden_template, desktop, do="since_input") == {"seconds": None}
    with Screen() as screen:
        screen.connect(desktop.told["address"], "desktop", desktop.told["password"])
        assert screen.wait_for_desktop()
        time.sleep(5)
        rested = ask(golden_template, desktop, do="since_input")["seconds"]
        time.sleep(3)
        assert ask(golden_template, desktop, do="since_input")["seconds"] >= rested + 3
        screen.move_pointer(300, 300)
        screen.move_pointer(320, 310)
        assert ask(golden_template, desktop, do="since_input")["seconds"] < rested + 3


def test_a_warning_appears_on_the_desktop_before_its_end(
    desktop: Desktop, golden_template: GoldenTemplate, tmp_path: Path
) -> None:
    """The last warning, one minute before the end: the deadline is set so that it is due soon."""
    assert desktop.create().code == 0
    with Screen() as screen:
        screen.connect(desktop.told["address"], "desktop", desktop.told["password"])
        assert screen.wait_for_desktop()
        time.sleep(2)  # until icons and panel are drawn
        before, after = tmp_path / "before.png", tmp_path / "after.png"
        screen.keep_picture(before)
        ask(golden_template, desktop, do="deadline", deadline_epoch=int(time.time()) + 64)
        give_up = time.monotonic() + 30
        while corner(before) == corner(after) if after.exists() else True:
            assert time.monotonic() < give_up, "no warning appeared"
            time.sleep(0.5)
            screen.keep_picture(after)


def corner(picture: Path) -> str:
    """Return the part of the screen where notifications appear: its upper right."""
    command = ["convert", str(picture), "-crop", "400x100+880+0", "-depth", "8", "rgb:-"]
    return hashlib.sha256(
        subprocess.run(command, capture_output=True, check=True).stdout
    ).hexdigest()


def test_the_warnings_follow_the_deadline(
    desktop: Desktop, golden_template: GoldenTemplate, lab_node: RealLab
) -> None:
    assert desktop.create(session_duration=20).code == 0
    show = "systemctl show winux-warning.timer --property=TimersCalendar"
    assert lab_node.inside(desktop.vmid, show).count("OnCalendar=") == 2
    ask(golden_template, desktop, do="deadline", deadline_epoch=int(time.time()) + 200)
    assert lab_node.inside(desktop.vmid, show).count("OnCalendar=") == 1, "too late for the first"
    ask(golden_template, desktop, do="deadline", deadline_epoch=int(time.time()) + 3600)
    assert lab_node.inside(desktop.vmid, show).count("OnCalendar=") == 2


def test_a_second_run_with_another_deadline_moves_it(desktop: Desktop) -> None:
    assert desktop.create(session_duration=20).code == 0
    deadline = desktop.told["deadline_epoch"] + 600
    moved = desktop.create(deadline_epoch=deadline)
    assert moved.code == 0, moved.output
    assert moved.changed == 2  # the desktop, and the file that mentions it
    assert desktop.told["deadline_epoch"] == deadline
