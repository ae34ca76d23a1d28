"""The create and destroy playbooks as an operator types them, each twice, on real containers."""

import socket
import stat
import time

import pytest

from tests.e2e.screen import Screen
from tests.lab import RealLab
from tests.playbooks.actions import api_of
from tests.playbooks.operator import Desktop

pytestmark = pytest.mark.lab

#: TPKT, X.224 connection request, RDP negotiation request for TLS; MS-RDPBCGR 2.2.1.1.
CONNECTION_REQUEST = bytes.fromhex("030000130ee000000000000100080001000000")


def rdp_answers(address: str) -> bool:
    """Whether an RDP server confirms a connection request at once."""
    try:
        with socket.create_connection((address, 3389), timeout=2) as connection:
            connection.sendall(CONNECTION_REQUEST)
            return connection.recv(64)[5:6] == b"\xd0"
    except OSError:
        return False


def test_a_desktop_is_made_once_and_destroyed_once(desktop: Desktop) -> None:
    first = desktop.create(session_duration=30)
    assert first.code == 0, first.output
    assert first.changed > 0
    told = desktop.told
    assert rdp_answers(told["address"])
    assert abs(told["deadline_epoch"] - time.time() - 30 * 60) < 60
    assert stat.S_IMODE(desktop.file.stat().st_mode) == 0o600

    second = desktop.create(session_duration=30)
    assert second.code == 0, second.output
    assert second.changed == 0, second.output
    assert desktop.told == told, "the second run forgot the password or changed a fingerprint"

    assert desktop.destroy().changed == 1
    assert not rdp_answers(told["address"])
    again = desktop.destroy()
    assert (again.code, again.changed) == (0, 0), again.output


def test_a_person_sees_the_desktop_with_the_password_that_was_told(
    desktop: Desktop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert desktop.create().code == 0
    with Screen() as screen:
        screen.connect(desktop.told["address"], "desktop", desktop.told["password"])
        seen = screen.wait_for_desktop()
        screen.keep_picture(tmp_path_factory.getbasetemp() / "by-hand.png")
    assert seen, "no desktop appeared"


def test_what_the_operator_asks_for_is_what_the_desktop_gets(
    desktop: Desktop, lab_node: RealLab
) -> None:
    run = desktop.create(rdp_username="anna", keyboard_layout="pl", memory_mb=768, cores=1)
    assert run.code == 0, run.output
    inside = lab_node.inside
    assert inside(desktop.vmid, "hostname").strip() == desktop.session_id
    assert inside(desktop.vmid, "id -u anna").strip() == "1000"
    assert 'XKBLAYOUT="pl"' in inside(desktop.vmid, "cat /etc/default/keyboard")
    assert int(api_of(lab_node).read(f"lxc/{desktop.vmid}/config")["cores"]) == 1
    memory_kb = int(inside(desktop.vmid, "awk '/MemTotal/ {print $2}' /proc/meminfo"))
    assert memory_kb == 768 * 1024


def test_a_hand_made_desktop_gets_no_address_that_another_one_holds(
    running: Desktop, desktop: Desktop
) -> None:
    taken = running.told["address"]
    refused = desktop.create(container_address=f"{taken}/24")
    assert refused.code != 0
    assert f"address {taken} is held by container {running.vmid}" in refused.output
    chosen = desktop.create()
    assert chosen.code == 0, chosen.output
    assert desktop.told["address"] != taken


def test_check_mode_changes_nothing(desktop: Desktop) -> None:
    run = desktop.create("--check")
    assert run.code == 0, run.output
    assert not desktop.file.exists()
    assert desktop.destroy().changed == 0, "check mode made a container"
