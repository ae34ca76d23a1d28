"""The bridge of the containers and the packet filter around it.

Containers cannot open connections: the host connects to them, and they reply. They may only send a
limited rate of pings to the host, which the host does not track: nothing that a container sends
adds to the connection and fragment tables that all containers share with the host. All rules are
written in one transaction, so that they are correct regardless of the previous state, and again
before each start, so that no container runs without them.
"""

from __future__ import annotations

import ipaddress
import json
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from labnode.backend import BackendError
from labnode.command import run

# A port is named bridge-vmid, with the vmid in base 36: the largest, 999999999, has six digits in
# that base, so that no name exceeds the kernel's 15 characters.
BRIDGE_NAME = re.compile(r"[a-z][A-Za-z0-9]{0,7}")
LAST_VMID = 999_999_999
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
MARK = "winux "

RULES = """
table inet {table} {{}}
delete table inet {table}
table inet {table} {{
  set pings {{
    type ipv4_addr; flags dynamic; timeout 1m
  }}
  chain untracked {{
    type filter hook prerouting priority -300; policy accept;
    iifname "{bridge}" icmp type echo-request notrack
  }}
  chain ping {{
    update @pings {{ ip saddr limit rate over 50/second burst 100 packets }} drop
    accept
  }}
  chain to_host {{
    type filter hook input priority -10; policy accept;
    iifname "{bridge}" ct state established,related accept
    iifname "{bridge}" icmp type echo-request goto ping
    iifname "{bridge}" drop
  }}
  chain through_host {{
    type filter hook forward priority -10; policy accept;
    iifname "{bridge}" drop
    oifname "{bridge}" drop
  }}
}}
table bridge {table} {{}}
delete table bridge {table}
table bridge {table} {{
  set owners {{
    type ifname . ether_addr . ipv4_addr
    {elements}
  }}
  chain from_port {{
    type filter hook prerouting priority -300; policy accept;
    iifname != "{bridge}-*" accept
    ether type ip ip frag-off & 0x3fff != 0 drop
    ether type ip udp sport 67 drop
    ether type ip iifname . ether saddr . ip saddr @owners accept
    ether type arp iifname . arp saddr ether . arp saddr ip @owners accept
    drop
  }}
  chain between_ports {{
    type filter hook forward priority -10; policy accept;
    iifname "{bridge}-*" oifname "{bridge}-*" drop
  }}
}}
"""
RULE_COUNTS = {"inet": 8, "bridge": 7}

# LXC calls this for every interface before the container's init runs, also when the container
# restarts itself. Its last argument is the name of the port. The port gets no IPv6 address of its
# own: containers do not need it, and browsers on this machine drop all connections each time an
# address appears.
PORT_SCRIPT = """#!/bin/sh
for port; do :; done
ipv6=/proc/sys/net/ipv6/conf/$port/disable_ipv6
[ ! -e "$ipv6" ] || echo 1 >"$ipv6" || exit 1
exec bridge link set dev "$port" isolated on
"""


@dataclass(frozen=True)
class Owner:
    """The only address pair that a port of the bridge accepts as a sender."""

    port: str
    hwaddr: str
    address: str


@dataclass(frozen=True)
class Network:
    """One bridge, its address (the first of the subnet) and its packet filter.

    The bridge carries the state folder's name, so that two lab nodes never share one.
    """

    bridge: str
    subnet: ipaddress.IPv4Network
    state_dir: Path
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def table(self) -> str:
        """Name of the nft tables in the inet and bridge families."""
        return f"winux_{self.bridge}"

    def port(self, vmid: int) -> str:
        """Return the name of a container's interface on the host."""
        return port_name(self.bridge, vmid)

    def refuse_conflicts(self) -> None:
        """Raise BackendError if another owner on this machine has the bridge or the subnet."""
        if not BRIDGE_NAME.fullmatch(self.bridge):
            raise BackendError(f"bridge name '{self.bridge}' must be 1-8 letters or digits")
        if self.foreign_owner():
            raise BackendError(
                f"bridge {self.bridge} is in use by {self.foreign_owner()}: "
                "choose another name for this lab node's bridge"
            )
        self._refuse_overlap()

    def prepare(self, owners: Iterable[Owner]) -> None:
        """Create bridge and rules, or take over those of an earlier run of the same lab node."""
        self.filter(owners)
        if not links(self.bridge):
            run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "link", "set", self.bridge, "alias", f"{MARK}{self.state_dir}")
        self._configure()

    def filter(self, owners: Iterable[Owner]) -> None:
        """Set the whole packet filter and read it back; raise BackendError if it differs.

        `owners` may be lazy: it is read under the lock, so that the rules of
        the later of two starts include both.
        """
        with self.lock:
            elements = ", ".join(f'"{o.port}" . {o.hwaddr} . {o.address}' for o in owners)
            listed = f"elements = {{ {elements} }}" if elements else ""
            rules = RULES.format(table=self.table, bridge=self.bridge, elements=listed)
            run("nft", "-f", "-", text=rules)
            for family, count in RULE_COUNTS.items():
                self._verify(family, count)

    def forget(self, address: str) -> None:
        """Make this machine resolve an address again.

        Otherwise it keeps using the hardware address of the address's previous container for half a
        minute, as long as another container keeps the bridge up.
        """
        run("ip", "neighbour", "flush", "dev", self.bridge, "to", address)

    def remove_port(self, vmid: int) -> None:
        """Remove the port that a container left on the bridge because it did not end cleanly."""
        if vmid > LAST_VMID:  # a snapshot's copy of the files, which never runs
            return
        try:
            run("ip", "link", "delete", self.port(vmid))
        except BackendError:  # missing, or being removed with the container's network
            if links(self.port(vmid)):
                raise

    def ports(self) -> set[int]:
        """Return the vmids that have an interface on this machine."""
        prefix = f"{self.bridge}-"
        names = (path.name for path in Path("/sys/class/net").iterdir())
        found = (name.removeprefix(prefix) for name in names if name.startswith(prefix))
        return {int(vmid, len(DIGITS)) for vmid in found if vmid and set(vmid) <= set(DIGITS)}

    def remove(self) -> None:
        """Remove ports, bridge and rules."""
        for vmid in self.ports():
            self.remove_port(vmid)
        if links(self.bridge):
            run("ip", "link", "delete", self.bridge)
        for family in RULE_COUNTS:
            text = f"table {family} {self.table} {{}}\ndelete table {family} {self.table}\n"
            run("nft", "-f", "-", text=text)

    def foreign_owner(self) -> str:
        """Return another owner of the bridge's name; empty if none or a deleted lab node."""
        if not links(self.bridge):
            return ""
        alias = Path(f"/sys/class/net/{self.bridge}/ifalias").read_text().strip()
        state_dir = Path(alias.removeprefix(MARK))
        if alias.startswith(MARK) and (state_dir == self.state_dir or not state_dir.exists()):
            return ""
        return f"the lab node in {state_dir}" if alias.startswith(MARK) else "something else"

    def _refuse_overlap(self) -> None:
        for name, address in addresses():
            other = ipaddress.IPv4Interface(address).network
            if name != self.bridge and other.overlaps(self.subnet):
                raise BackendError(
                    f"subnet {self.subnet} overlaps {other} on {name}: "
                    "choose another subnet for the lab node"
                )

    def _configure(self) -> None:
        address = f"{self.subnet.network_address + 1}/{self.subnet.prefixlen}"
        # Set a fixed hardware address: otherwise a bridge takes its lowest port's address and
        # changes it.
        packed = (self.subnet.network_address + 1).packed
        hwaddr = "02:01:" + ":".join(f"{byte:02x}" for byte in packed)
        run("ip", "link", "set", self.bridge, "type", "bridge", "forward_delay", "0")
        for key, value in {
            "ipv4/conf/{}/forwarding": "0",
            "ipv6/conf/{}/disable_ipv6": "1",
        }.items():
            setting = Path("/proc/sys/net", key.format(self.bridge))
            if setting.exists():  # a kernel without IPv6 has none
                setting.write_text(value)
        if [held for name, held in addresses() if name == self.bridge] != [
            address
        ]:  # otherwise keep it: it may have connections
            run("ip", "address", "flush", "dev", self.bridge)
            run("ip", "address", "add", address, "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "address", hwaddr, "up")

    def _verify(self, family: str, count: int) -> None:
        listed = json.loads(run("nft", "-json", "list", "table", family, self.table))["nftables"]
        found = sum("rule" in entry for entry in listed)
        if found != count:
            raise BackendError(
                f"nft keeps {found} of {count} rules in table {family} {self.table}: containers "
                "would reach this machine, so none is started; check that nftables works here"
            )


def port_name(bridge: str, vmid: int) -> str:
    """Return the name of the host's end of a container's network, at most 15 characters."""
    digits = ""
    while vmid:
        vmid, digit = divmod(vmid, len(DIGITS))
        digits = DIGITS[digit] + digits
    return f"{bridge}-{digits}"


def links(name: str) -> bool:
    """Whether this machine has a network interface of that name."""
    return Path("/sys/class/net", name).exists()


def addresses() -> list[tuple[str, str]]:
    """Return every IPv4 address of this machine: interface name, and address with prefix."""
    return [
        (link["ifname"], f"{entry['local']}/{entry['prefixlen']}")
        for link in json.loads(run("ip", "-json", "-4", "address", "show"))
        for entry in link.get("addr_info", [])
    ]


def counters(port: str) -> tuple[int, int]:
    """Return the bytes that a container received and sent, read from its port on the host."""
    folder = Path("/sys/class/net", port, "statistics")
    try:  # what the host sends is what the container receives
        received = int((folder / "tx_bytes").read_text())
        return received, int((folder / "rx_bytes").read_text())
    except OSError:
        return 0, 0
