"""The options of a container's configuration: their schema, text form and digest."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from labnode.backend import parse_properties
from labnode.schema import FLAG, Param, choice, integer, required, split_list, text

Config = dict[str, str]

MAC_PREFIX = "BC:24:11"
MOUNT_PARTS = {
    "volume": text(optional=False, default_key=True),
    "acl": FLAG,
    "mountoptions": text(pattern="[a-z]+(;[a-z]+)*"),
    "quota": FLAG,
    "replicate": FLAG,
    "ro": FLAG,
    "shared": FLAG,
    "size": text(format="disk-size"),
}
EXTRA_MOUNT_PARTS = {
    **MOUNT_PARTS,
    "mp": text(optional=False),
    "backup": FLAG,
    "keepattrs": FLAG,
}
NET_PARTS = {
    "name": text(optional=False, pattern=r"[-_.\w\d]+"),
    "bridge": text(pattern=r"[-_.\w\d]+"),
    "firewall": FLAG,
    "gw": text(format="ipv4"),
    "gw6": text(format="ipv6"),
    "host-managed": FLAG,
    "hwaddr": text(format="mac-addr"),
    "ip": text(format="pve-ipv4-config"),
    "ip6": text(format="pve-ipv6-config"),
    "link_down": FLAG,
    "mtu": integer(64, 65535),
    "rate": Param("number"),
    "tag": integer(1, 4094),
    "trunks": text(pattern=r"\d+(?:;\d+)*"),
    "type": choice("veth"),
}
FEATURE_PARTS = {
    **dict.fromkeys(("force_rw_sys", "fuse", "keyctl", "mknod", "nesting"), FLAG),
    "mount": text(pattern=r"[a-zA-Z0-9_; ]+"),
}
DEVICE_PARTS = {
    "path": text(default_key=True),
    "deny-write": FLAG,
    "gid": integer(0),
    "mode": text(pattern="0[0-7]{3}"),
    "uid": integer(0),
}
OPTIONS: dict[str, Param] = {
    "arch": choice("amd64", "i386", "arm64", "armhf", "riscv32", "riscv64"),
    "cmode": choice("shell", "console", "tty"),
    "console": FLAG,
    "cores": integer(1, 8192),
    "cpulimit": Param("number", minimum=0, maximum=8192),
    "cpuunits": integer(0, 500000),
    "debug": FLAG,
    "description": text(max_length=8192),
    "dev[n]": text(parts=DEVICE_PARTS),
    "entrypoint": text(),
    "env": text(),
    "features": text(parts=FEATURE_PARTS),
    "hookscript": text(),
    "hostname": text(format="dns-name", max_length=255),
    "lock": choice(
        *"backup create destroyed disk fstrim migrate mounted rollback snapshot".split(),
        "snapshot-delete",
    ),
    "memory": integer(16),
    "mp[n]": text(parts=EXTRA_MOUNT_PARTS),
    "nameserver": text(),
    "net[n]": text(parts=NET_PARTS),
    "onboot": FLAG,
    "ostype": choice(
        *"debian devuan ubuntu centos fedora opensuse archlinux alpine gentoo nixos".split(),
        "unmanaged",
    ),
    "protection": FLAG,
    "rootfs": text(parts=MOUNT_PARTS),
    "searchdomain": text(format="dns-name-list"),
    "startup": text(),
    "swap": integer(0),
    "tags": text(format="pve-tag-list"),
    "template": FLAG,
    "timezone": text(),
    "tty": integer(0, 6),
    "unprivileged": FLAG,
    "unused[n]": text(),
}
CREATE = {
    **OPTIONS,
    "bwlimit": Param("number", minimum=0),
    "force": FLAG,
    "ha-managed": FLAG,
    "ignore-unpack-errors": FLAG,
    "ostemplate": text(optional=False, max_length=255),
    "password": text(min_length=5),
    "pool": text(format="pve-poolid"),
    "restore": FLAG,
    "ssh-public-keys": text(),
    "start": FLAG,
    "storage": text(format="pve-storage-id"),
    "unique": Param("boolean", requires="restore"),
    "vmid": required(integer(100, 999999999, format="pve-vmid")),
}
UPDATE = {
    **OPTIONS,
    "delete": text(format="pve-configid-list"),
    "digest": text(max_length=40),
    "revert": text(format="pve-configid-list"),
}


def option(key: str) -> Param | None:
    """Return the description of an option such as `memory` or `net0`."""
    return OPTIONS.get(key) or OPTIONS.get(key.rstrip("0123456789") + "[n]")


def config_value(key: str, value: object) -> str:
    """Return the text that Proxmox stores for a verified parameter."""
    content = str(value)
    if key == "tags":
        return ";".join(sorted({tag.lower() for tag in split_list(content)}))
    if key.startswith("net") and key[3:].isdigit():
        return network_value(content)
    return content


def network_value(content: str, *, new_address: bool = False) -> str:
    """Return a complete network string: with a MAC address and a type, in Proxmox's order."""
    parts = parse_properties(content)
    if new_address or "hwaddr" not in parts:
        tail = secrets.token_hex(3).upper()
        parts["hwaddr"] = ":".join([MAC_PREFIX, tail[:2], tail[2:4], tail[4:]])
    parts.setdefault("type", "veth")
    name = parts.pop("name")
    return ",".join([f"name={name}", *(f"{key}={parts[key]}" for key in sorted(parts))])


def digest(config: Mapping[str, str]) -> str:
    """Return the SHA-1 by which Proxmox detects concurrent changes of a configuration."""
    lines = "".join(f"{key}: {value}\n" for key, value in sorted(config.items()))
    return hashlib.sha1(lines.encode(), usedforsecurity=False).hexdigest()


def config_json(config: Mapping[str, str]) -> dict[str, object]:
    """Return a configuration as the API shows it: numbers as numbers, description as full lines."""
    shown: dict[str, object] = {key: _shown(key, value) for key, value in config.items()}
    return {**shown, "digest": digest(config)}


def _shown(key: str, value: str) -> object:
    param = option(key)
    if key == "description":
        return value.rstrip("\n") + "\n"
    if value == " ":
        return value
    if param and param.type in ("integer", "boolean"):
        return int(value)
    return float(value) if param and param.type == "number" else value
