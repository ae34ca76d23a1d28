"""What root in a container cannot do; each test also checks that it is possible elsewhere."""

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network
from pathlib import Path
from threading import Thread

import pytest

from labnode.backend import BackendError
from labnode.network import port_name
from tests.labnode_lxc.lab import Lab, traces, wait_for

pytestmark = pytest.mark.lab


@pytest.fixture
def host_port() -> Iterator[int]:
    """A port on which a service of the host answers on every address."""
    with ThreadingHTTPServer(("0.0.0.0", 0), Hello) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def reaches(lab: Lab, vmid: int, address: str, port: int) -> bool:
    ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 3 nc -w 1 {address} {port}"
    return "HTTP/1." in lab.run(vmid, ask).stdout


def pings(lab: Lab, vmid: int, options: str) -> bool:
    return lab.run(vmid, f"ping -c 1 -W 1 {options}").returncode == 0


def restart(lab: Lab, vmid: int) -> None:
    lab.backend.stop(vmid)
    lab.start(vmid)


def test_the_host_reaches_a_container_that_does_not_reach_the_host(
    lab: Lab, desktop: int, host_port: int
) -> None:
    assert lab.page(desktop) == "hello from the container\n"
    assert not reaches(lab, desktop, lab.gateway, host_port)
    assert pings(lab, desktop, lab.gateway)


def test_other_addresses_of_the_host_are_no_way_in(lab: Lab, desktop: int, host_port: int) -> None:
    shown = subprocess.run(["ip", "-4", "-o", "addr"], capture_output=True, text=True).stdout
    addresses = [line.split()[3].partition("/")[0] for line in shown.splitlines()]

    assert not any(
        reaches(lab, desktop, address, host_port)
        for address in addresses
        if not address.startswith("127.")
    )


def test_a_container_brings_the_host_no_ipv6_address(lab: Lab, desktop: int) -> None:
    """Browsers on the host drop their connections each time an address appears."""
    port = port_name(lab.bridge, desktop)
    shown = subprocess.run(
        ["ip", "-6", "-o", "address", "show", "dev", port],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == ""


def test_an_address_that_moves_to_another_container_is_reached_at_once(
    lab: Lab, desktop: int, neighbour: int
) -> None:
    """The neighbour keeps the bridge up, so the kernel does not remove its routes."""
    assert lab.page(desktop) == lab.page(neighbour) == "hello from the container\n"
    lab.backend.stop(desktop)
    net = lab.config(desktop).net0
    assert net is not None
    lab.start(desktop, net0=replace(net, hwaddr="02:00:00:00:FF:FF"))
    wait_for(lambda: lab.page(desktop) == "hello from the container\n", "it is reached")


def test_rules_removed_by_hand_are_back_at_the_next_start(
    lab: Lab, desktop: int, neighbour: int, host_port: int
) -> None:
    delete_rules(lab)
    assert reaches(lab, desktop, lab.gateway, host_port)

    restart(lab, neighbour)

    assert not reaches(lab, desktop, lab.gateway, host_port)
    assert pings(lab, desktop, lab.gateway)


def test_containers_do_not_reach_each_other(lab: Lab, desktop: int, neighbour: int) -> None:
    assert not reaches(lab, desktop, lab.address(neighbour), 80)
    assert not pings(lab, desktop, lab.address(neighbour))


@pytest.mark.parametrize("wall", ["nft", "port"])
def test_either_wall_between_containers_holds_alone(
    lab: Lab, desktop: int, neighbour: int, wall: str
) -> None:
    take_down = {"nft": delete_rules, "port": unisolate}
    for other in set(take_down) - {wall}:
        take_down[other](lab)
    assert not reaches(lab, desktop, lab.address(neighbour), 80)

    take_down[wall](lab)
    wait_for(lambda: reaches(lab, desktop, lab.address(neighbour), 80), "a third wall?")
    restart(lab, desktop)


def unisolate(lab: Lab) -> None:
    for vmid in (30, 31):
        port = port_name(lab.bridge, vmid)
        subprocess.run(["bridge", "link", "set", "dev", port, "isolated", "off"], check=True)


def delete_rules(lab: Lab) -> None:
    for family in ("inet", "bridge"):
        subprocess.run(["nft", "delete", "table", family, f"winux_{lab.bridge}"], check=True)


def restarted(lab: Lab, vmid: int, before: str) -> bool:
    """Whether it has a new port; during the change it never looks like a stopped one."""
    assert lab.backend.is_running(vmid)
    try:
        return Path("/sys/class/net", port_name(lab.bridge, vmid), "ifindex").read_text() != before
    except OSError:  # there is none at this moment
        return False


def test_a_restart_from_inside_keeps_the_walls(lab: Lab, desktop: int, neighbour: int) -> None:
    port = Path("/sys/class/net", port_name(lab.bridge, desktop))
    before = (port / "ifindex").read_text()
    lab.run(desktop, "reboot -f")
    wait_for(lambda: restarted(lab, desktop, before), "no restart")
    wait_for(lambda: lab.page(desktop).startswith("hello"), "does not come back")

    assert (port / "brport/isolated").read_text() == "1\n"
    assert not reaches(lab, desktop, lab.address(neighbour), 80)


MAC, STOLEN_MAC = bytes.fromhex("02000000001e"), bytes.fromhex("020000000099")
EVERYONE = b"\xff" * 6


def udp(source: str, source_port: int, text: bytes) -> bytes:
    """Return an IPv4 broadcast packet; a bridge drops packets with a wrong checksum."""
    addresses = socket.inet_aton(source) + b"\xff" * 4
    head = [0x4500, 28 + len(text), 0, 0, 64 << 8 | 17, 0, *struct.unpack(">4H", addresses)]
    head[5] = 0xFFFF - (sum(head) % 0xFFFF)
    length = 8 + len(text)
    return struct.pack(">10H", *head) + struct.pack(">4H", source_port, 9, length, 0) + text


def router_advertisement(text: bytes) -> bytes:
    addresses = socket.inet_pton(socket.AF_INET6, "fe80::1e") + b"\xff\x02" + bytes(13) + b"\x01"
    return struct.pack(">IHBB", 0x60000000, 1 + len(text), 58, 255) + addresses + b"\x86" + text


def arp(hwaddr: bytes, address: str, text: bytes) -> bytes:
    sender = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2) + hwaddr + socket.inet_aton(address)
    return sender + EVERYONE + socket.inet_aton(address) + text


def frames(lab: Lab) -> dict[str, bytes]:
    """Return all frames by name; those whose name begins with `own` may pass."""
    own, other, gateway = lab.address(30), lab.address(99), lab.gateway
    ip, arp_type, ip6, vlan = b"\x08\x00", b"\x08\x06", b"\x86\xdd", b"\x81\x00\x00\x05"
    return {
        "own address": MAC + ip + udp(own, 5000, b"own address"),
        "own arp": MAC + arp_type + arp(MAC, own, b"own arp"),
        "stolen address": MAC + ip + udp(other, 5000, b"stolen address"),
        "the gateway's address": MAC + ip + udp(gateway, 5000, b"the gateway's address"),
        "stolen mac": STOLEN_MAC + ip + udp(own, 5000, b"stolen mac"),
        "stolen arp": MAC + arp_type + arp(MAC, gateway, b"stolen arp"),
        "stolen mac in arp": MAC + arp_type + arp(STOLEN_MAC, own, b"stolen mac in arp"),
        "dhcp offer": MAC + ip + udp(own, 67, b"dhcp offer"),
        "router advertisement": MAC + ip6 + router_advertisement(b"router advertisement"),
        "vlan": MAC + vlan + ip + udp(other, 5000, b"vlan"),
    }


SEND = """
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as port:
    port.bind(("eth0", 0))
    for frame in sys.argv[1:]:
        port.send(bytes.fromhex(frame))
"""


def heard_by_the_host(lab: Lab, vmid: int) -> set[str]:
    """Return the names of the frames that leave the bridge when root in a container sends all."""
    sent = {name: EVERYONE + frame for name, frame in frames(lab).items()}
    inside = ["nsenter", "-t", str(lab.backend.usage(vmid).pid), "--net", sys.executable]
    heard = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as bridge:
        bridge.bind((lab.bridge, 0))
        bridge.settimeout(0.5)
        subprocess.run([*inside, "-c", SEND, *(frame.hex() for frame in sent.values())], check=True)
        with suppress(TimeoutError):
            while True:
                heard.append(bridge.recv(2000))
    return {name for name in sent if any(frame.endswith(name.encode()) for frame in heard)}


def test_a_container_speaks_only_with_its_own_addresses(lab: Lab, desktop: int) -> None:
    assert heard_by_the_host(lab, desktop) == {"own address", "own arp"}


def test_the_host_would_hear_everything_without_the_filter(lab: Lab, desktop: int) -> None:
    subprocess.run(["nft", "delete", "table", "bridge", f"winux_{lab.bridge}"], check=True)

    assert heard_by_the_host(lab, desktop) == set(frames(lab))
    restart(lab, desktop)
    assert heard_by_the_host(lab, desktop) == {"own address", "own arp"}


def test_links_in_a_container_do_not_lead_out(lab: Lab, desktop: int, tmp_path: Path) -> None:
    outside = tmp_path / "of-the-host"
    outside.write_text("untouched")
    lab.run(desktop, f"ln -sf {outside} /etc/hostname; ln -sf {outside} /etc/hosts")

    restart(lab, desktop)

    assert outside.read_text() == "untouched"
    assert lab.run(desktop, "cat /etc/hostname").stdout == "desktop-30\n"

    lab.run(desktop, f"mv /etc /old; ln -s {tmp_path} /etc")
    lab.backend.stop(desktop)
    with pytest.raises(BackendError, match="no folder /etc"):
        lab.start(desktop)
    assert sorted(tmp_path.iterdir()) == [outside]


def test_a_container_cannot_raise_its_limits_or_mount_the_hosts_files(
    lab: Lab, desktop: int
) -> None:
    tried = lab.run(
        desktop,
        "for f in $(find /sys/fs/cgroup -name memory.limit_in_bytes -o -name memory.max"
        " -o -name pids.max); do echo 99999999999 > $f && echo raised $f; done;"
        "mknod /tmp/disk b 254 0 && echo made;"
        "echo 1 > /proc/sys/kernel/sysrq && echo written;"
        "mount -t debugfs none /tmp && echo mounted; true",
    )
    assert tried.returncode == 0
    assert tried.stdout == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hostname": "x\nlxc.hook.pre-start = /bin/touch /tmp/x"}, "no valid hostname"),
        ({"hwaddr": "02:00:00:00:00:1e\nlxc.cap.keep ="}, "no valid hardware address"),
        ({"ip": "10.0.0.1/24\nx"}, "no IPv4 address"),
        ({"bridge": "elsewhere"}, "bridge 'elsewhere' does not exist"),
    ],
)
def test_a_configuration_cannot_smuggle_settings_in(
    lab: Lab, desktop: int, change: dict[str, str], said: str
) -> None:
    lab.backend.stop(desktop)
    config = lab.config(desktop)
    if "hostname" in change:
        config = replace(config, hostname=change["hostname"])
    elif config.net0 is not None:
        config = replace(config, net0=replace(config.net0, **change))

    with pytest.raises(BackendError, match=said):
        lab.backend.start(desktop, config)
    assert not lab.backend.is_running(desktop)
    assert not any(f"/{desktop}/rootfs" in trace for trace in traces(lab.bridge))


def test_two_labs_never_share_a_bridge_or_a_subnet(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=f"in use by the lab node in {lab.state_dir}"):
        Lab(tmp_path, lab.bridge, lab.subnet).backend.prepare()
    with pytest.raises(BackendError, match="overlaps"):
        Lab(tmp_path, f"{lab.bridge}x", lab.subnet.supernet(new_prefix=16)).backend.prepare()
    with pytest.raises(BackendError, match="in use by something else"):
        Lab(tmp_path, "lo", IPv4Network("10.204.0.0/24")).backend.prepare()
    with pytest.raises(BackendError, match="must be 1-8 letters or digits"):
        Lab(tmp_path, "a-b", IPv4Network("10.204.0.0/24")).backend.prepare()
    assert [one.name for one in tmp_path.iterdir()] == ["lock"]  # the test's own
    assert traces(f"{lab.bridge}x") == []
