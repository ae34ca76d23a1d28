"""Checks all variables of a playbook before anything is created."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, ClassVar

from ansible_collections.winux.proxmox.plugins.module_utils.account_names import (
    USERNAME,
    is_reserved,
)
from ansible_collections.winux.proxmox.plugins.module_utils.action import WinuxAction
from ansible_collections.winux.proxmox.plugins.module_utils.failures import ProxmoxFailed
from ansible_collections.winux.proxmox.plugins.module_utils.marks import ID

FIRST_VMID, LAST_VMID = 100, 999_999_999
LAYOUT = re.compile(r"[a-z]{2,10}(\([a-z0-9_-]{1,30}\))?")
TEMPLATE = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
FINGERPRINT = re.compile(r"(SHA256:)?[A-Za-z0-9+/]{43}=?")
HEX_FINGERPRINT = re.compile(r"[0-9A-Fa-f:]{64,95}")
#: Former names of variables, which still work, and their new names.
FORMER = {"container_gateway": "container_router"}


class ActionModule(WinuxAction):
    spec: ClassVar[dict[str, Any]] = {"given": {"type": "dict", "required": True}}

    def act(self, arguments: dict[str, Any]) -> dict[str, Any]:
        given = arguments["given"]
        wrong = [problem for name, value in given.items() if (problem := problem_of(name, value))]
        first, last = given.get("template_vmid_first"), given.get("template_vmid_last")
        if not wrong and first is not None and last is not None and int(first) > int(last):
            wrong = ["template_vmid_first is larger than template_vmid_last"]
        set_names = {name for name, value in given.items() if value not in (None, "")}
        if wrong:
            raise ProxmoxFailed("nothing was made or changed: " + "; ".join(wrong))
        return {"changed": False, "warnings": [*map(former_words, FORMER.keys() & set_names)]}


def former_words(name: str) -> str:
    return f"{name} is now called {FORMER[name]}; the former name works for one more release."


def problem_of(name: str, value: Any) -> str:
    """Return the problem of a variable; empty if there is none, or if it is not set."""
    check = CHECKS.get(name)
    if check is None or value is None or value == "":
        return ""
    if isinstance(value, bool) and name not in FLAGS:
        return (
            f"{name} is {value}, because YAML takes an unquoted yes, no, on, off, true or false "
            f"for that: write it in quotes ({name}: 'no')"
        )
    wanted = check(value)
    return f"{name} must be {wanted}; it is {value!r}" if wanted else ""


def number(first: int, last: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        text = str(value)
        fits = re.fullmatch(r"-?\d{1,12}", text) and first <= int(text) <= last
        return "" if fits else f"a whole number from {first} to {last}"

    return check


def pattern(wanted: re.Pattern[str], words: str) -> Callable[[Any], str]:
    return lambda value: "" if wanted.fullmatch(str(value)) else words


def address(*, prefix: bool) -> Callable[[Any], str]:
    """Check one address; with `prefix`, in the form of an interface address."""

    def check(value: Any) -> str:
        try:
            ipaddress.IPv4Interface(str(value)) if prefix else ipaddress.IPv4Address(str(value))
        except ValueError:
            return f"an IPv4 address such as 10.203.0.70{'/24' if prefix else ''}"
        is_whole = not prefix or "/" in str(value)
        return "" if is_whole else "an address with its prefix, such as 10.203.0.70/24"

    return check


def network(value: Any) -> str:
    try:
        ipaddress.IPv4Network(str(value))
    except ValueError:
        return "an IPv4 network such as 10.203.0.0/24"
    return ""


def networks(value: Any) -> str:
    words = value if isinstance(value, list) else str(value).split(",")
    try:
        for word in words:
            ipaddress.ip_network(str(word))
    except ValueError:
        return "addresses and networks such as 10.20.0.1,10.30.0.0/24"
    return ""


def username(value: Any) -> str:
    if not USERNAME.fullmatch(str(value)):
        return "a-z first, then a-z, 0-9, _ and -, at most 31"
    return "no account or group of the system itself" if is_reserved(str(value)) else ""


def flag(value: Any) -> str:
    words = {"true", "false", "yes", "no", "on", "off", "1", "0"}
    return "" if str(value).lower() in words else "true or false"


FLAGS = {"nesting", "template_rootfs_anew"}
NAME = "1 to 63 of a-z, 0-9 and -, and begin and end with a letter or digit"
CHECKS: dict[str, Callable[[Any], str]] = {
    "session_id": pattern(ID, NAME),
    "portal_id": pattern(ID, NAME),
    "adopter_session_id": pattern(ID, NAME),
    "adopter_portal_id": pattern(ID, NAME),
    "container_id": number(FIRST_VMID, LAST_VMID),
    "template_vmid": number(FIRST_VMID, LAST_VMID),
    "template_vmid_first": number(FIRST_VMID, LAST_VMID),
    "template_vmid_last": number(FIRST_VMID, LAST_VMID),
    "template_name": pattern(TEMPLATE, "a-z, 0-9 and - only, a letter or digit first"),
    "session_duration": number(1, 525_600),
    "deadline_epoch": number(1, 99_999_999_999),
    "lock_patience_s": number(1, 86_400),
    "shutdown_patience_s": number(1, 3600),
    "memory_mb": number(128, 8_388_608),
    "swap_mb": number(0, 8_388_608),
    "cores": number(1, 8192),
    "disk_gb": number(1, 131_072),
    "nesting": flag,
    "template_rootfs_anew": flag,
    "rdp_username": username,
    "keyboard_layout": pattern(LAYOUT, "a layout as XKB names it, such as us, pl or de(neo)"),
    "container_address": address(prefix=True),
    "container_router": address(prefix=False),
    "container_gateway": address(prefix=False),
    "container_network": network,
    "portal_addresses": networks,
    "ssh_host_key_sha256": pattern(FINGERPRINT, "a fingerprint as ssh-keygen -l shows it"),
    "rdp_certificate_sha256": pattern(HEX_FINGERPRINT, "64 hexadecimal digits"),
}
