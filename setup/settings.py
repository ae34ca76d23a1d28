"""The location of a stack (lab node, worker, web) and its names on this machine.

Environment variables override every name, so that a demo, a benchmark and a test run share a
machine: `WINUX_DEMO_PORT=8090 make demo`. docs/admin/settings.md lists them all.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from setup.failure import SetupFailed

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """The names of one stack. Ports are TCP; `vmids` and `template_vmids` are inclusive ranges."""

    prefix: str
    folder: Path
    listen: str
    port: int
    gateway_port: int
    lab_port: int
    bridge: str
    subnet: str
    vmids: tuple[int, int]
    template_vmids: tuple[int, int]

    @property
    def url(self) -> str:
        """Return the portal's URL for a browser on this machine."""
        host = "127.0.0.1" if self.listen == "0.0.0.0" else self.listen  # noqa: S104 (a comparison)
        return f"http://{host}:{self.port}"

    @property
    def lab(self) -> Path:
        """Return the lab node's state folder: containers, templates, tokens and certificate."""
        return self.folder / "lab"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"


#: The defaults of each stack, by name of the setting (without prefix).
DEMO = {
    "DIR": "var/demo",
    "LISTEN": "127.0.0.1",
    "PORT": "8080",
    "GATEWAY_PORT": "8083",
    "LAB_PORT": "8006",
    "BRIDGE": "wxbr0",
    "SUBNET": "10.203.0.0/24",
    "VMIDS": "30001-30999",
    "TEMPLATE_VMIDS": "29001-29099",
}
BENCH = DEMO | {
    "DIR": "var/bench",
    "PORT": "8081",
    "GATEWAY_PORT": "8084",
    "LAB_PORT": "8007",
    "BRIDGE": "wxbench0",
    "SUBNET": "10.203.1.0/24",
}
ATTACK = DEMO | {
    "DIR": "var/attack",
    "PORT": "8090",
    "GATEWAY_PORT": "8093",
    "LAB_PORT": "8096",
    "BRIDGE": "wxatk",
    "SUBNET": "10.203.6.0/24",
}
TEST = DEMO | {
    "DIR": "var/test",
    "PORT": "8082",
    "GATEWAY_PORT": "8085",
    "LAB_PORT": "8008",
    "BRIDGE": "wxtest0",
    "SUBNET": "10.203.2.0/24",
}


def settings_from(
    environment: Mapping[str, str], prefix: str = "WINUX_DEMO_", defaults: Mapping[str, str] = DEMO
) -> Settings:
    """Read the settings named `prefix` + name; an error names the setting and its format."""
    values = {name: environment.get(prefix + name) or default for name, default in defaults.items()}

    def port(name: str) -> int:
        return _number(prefix + name, values[name], 1, 65535)

    return Settings(
        prefix=prefix,
        folder=(CHECKOUT / values["DIR"]).resolve(),
        listen=values["LISTEN"],
        port=port("PORT"),
        gateway_port=port("GATEWAY_PORT"),
        lab_port=port("LAB_PORT"),
        bridge=_bridge(prefix + "BRIDGE", values["BRIDGE"]),
        subnet=_subnet(prefix + "SUBNET", values["SUBNET"]),
        vmids=_range(prefix + "VMIDS", values["VMIDS"]),
        template_vmids=_range(prefix + "TEMPLATE_VMIDS", values["TEMPLATE_VMIDS"]),
    )


def cache_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of downloads and built root file systems, outside the checkout."""
    if chosen := environment.get("WINUX_CACHE_DIR"):
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/cache/winux")
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "winux"


def _wrong(setting: str, value: str, wanted: str) -> SetupFailed:
    return SetupFailed(f"{setting} is {value!r}.", f"It must be {wanted}.")


def _number(setting: str, value: str, low: int, high: int) -> int:
    if not value.isdecimal() or not low <= int(value) <= high:
        raise _wrong(setting, value, f"a number from {low} to {high}")
    return int(value)


def _range(setting: str, value: str) -> tuple[int, int]:
    first, dash, last = value.partition("-")
    wanted = "two VM ids from 100 to 999999999, such as 30001-30999"
    if not dash or not first.isdecimal() or not last.isdecimal():
        raise _wrong(setting, value, wanted)
    if not 100 <= int(first) <= int(last) <= 999_999_999:
        raise _wrong(setting, value, wanted)
    return int(first), int(last)


def _bridge(setting: str, value: str) -> str:
    # the lab node names a container's interface after bridge and vmid, in at most 15 characters
    if not re.fullmatch(r"[a-z][A-Za-z0-9]{0,7}", value):
        raise _wrong(setting, value, "1 to 8 letters and digits, such as wxbr0")
    return value


def _subnet(setting: str, value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        raise _wrong(
            setting, value, f"a private IPv4 network such as 10.203.0.0/24 ({error})"
        ) from None
    if not network.is_private or not 16 <= network.prefixlen <= 25:
        raise _wrong(setting, value, "a private IPv4 network of /16 to /25")
    return str(network)
