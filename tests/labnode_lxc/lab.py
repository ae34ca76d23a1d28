"""A lab for these tests: its location, and access to its containers."""

import fcntl
import ipaddress
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from labnode.backend import ContainerConfig, Net
from labnode.containers import LxcBackend
from tests.lab import WORKER

#: Including the letter that some tests append, this is the maximum length of a name.
BRIDGE = os.environ.get("WINUX_TEST_BRIDGE", f"wxtest{WORKER}")
SUBNET = ipaddress.IPv4Network(
    os.environ.get("WINUX_TEST_SUBNET", f"10.203.{200 + WORKER % 20}.0/24")
)


def neighbour_of(subnet: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    """Return another subnet of that size that no other test process uses."""
    return ipaddress.IPv4Network((int(subnet.network_address) + 20 * 256, subnet.prefixlen))


class Lab:
    """One backend with shortcuts; `vmid` is also the host part of the address."""

    def __init__(self, state_dir: Path, bridge: str, subnet: ipaddress.IPv4Network) -> None:
        self.state_dir = state_dir
        self.bridge = bridge
        self.subnet = subnet
        self.backend = LxcBackend(state_dir, bridge, subnet)
        # held while this process runs; shows `make clean` that the tests are running
        self.lock = os.open(state_dir / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_SH)

    def close(self) -> None:
        """Release the state folder."""
        os.close(self.lock)

    def address(self, vmid: int) -> str:
        return str(self.subnet.network_address + vmid)

    @property
    def gateway(self) -> str:
        return self.address(1)

    def config(self, vmid: int, **changes: object) -> ContainerConfig:
        address = f"{self.address(vmid)}/{self.subnet.prefixlen}"
        net = Net("eth0", self.bridge, f"02:00:00:00:00:{vmid:02X}", address, self.gateway)
        config = ContainerConfig(f"desktop-{vmid}", 64, 0, 1, net)
        return replace(config, **changes)  # type: ignore[arg-type]  # the tests name real fields

    def start(self, vmid: int, **changes: object) -> None:
        self.backend.start(vmid, self.config(vmid, **changes))

    def run(self, vmid: int, script: str) -> subprocess.CompletedProcess[str]:
        """Run a shell script in the container as its root."""
        where = ["-P", f"/run/winux/{self.bridge}", "-n", str(vmid)]
        command = ["lxc-attach", *where, "--clear-env", "--", "/bin/sh", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    def page(self, vmid: int) -> str:
        """Return what the container's web server answers the host, or its error."""
        try:
            with urllib.request.urlopen(f"http://{self.address(vmid)}/", timeout=2) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, TimeoutError) as error:
            return f"error: {error}"


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


def traces(bridge: str) -> list[str]:
    """Return everything of a lab on the machine outside its state folder."""
    places = {
        "mount": Path("/proc/mounts").read_text().splitlines(),
        "interface": [path.name for path in Path("/sys/class/net").iterdir()],
        "nft": subprocess.run(["nft", "list", "tables"], capture_output=True, text=True)
        .stdout.splitlines(),
        "cgroup": [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/winux_{bridge}*")],
        "run": [str(path) for path in Path("/run/winux").glob(f"{bridge}*")],
    }  # fmt: skip
    return [f"{kind}: {line}" for kind, lines in places.items() for line in lines if bridge in line]
