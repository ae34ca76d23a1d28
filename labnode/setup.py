"""The objects that a lab node has from its first start: a pool, roles, a user and two tokens."""

from __future__ import annotations

import os
from pathlib import Path

from labnode.access import Access

USER, POOL = "winux@pve", "winux"
#: The first file that every lab node writes into its state folder.
STATE = "backend.json"
DISK_STORAGE, TEMPLATE_STORAGE = "local-lab", "local"
DESKTOP = """VM.Allocate VM.Audit VM.PowerMgmt VM.Config.CPU VM.Config.Memory VM.Config.Network
    VM.Config.Options VM.Config.Disk""".split()

# Role, privileges, and why the tokens need them.
ROLES = {
    "WinuxDesktop": DESKTOP,  # on the pool: create, resize, start, stop and remove desktops
    "WinuxTemplate": ["VM.Clone"],  # on the pool: templates are members of it, too
    "WinuxDisk": ["Datastore.AllocateSpace"],
    # Datastore.Allocate is required to remove an upload.
    "WinuxUpload": ["Datastore.Allocate", "Datastore.AllocateTemplate", "Datastore.Audit"],
    "WinuxNetwork": ["SDN.Use"],
    "WinuxNodes": ["Sys.Audit"],  # the free memory of the nodes, and whether a task runs
}


def grants(bridge: str) -> dict[str, list[tuple[str, str]]]:
    """Return paths and roles of each token; the user has all of them, as tokens never exceed it."""
    shared = [
        (f"/pool/{POOL}", "WinuxDesktop"),
        (f"/pool/{POOL}", "WinuxTemplate"),
        (f"/storage/{DISK_STORAGE}", "WinuxDisk"),
        (f"/sdn/zones/localnetwork/{bridge}", "WinuxNetwork"),
        ("/nodes", "WinuxNodes"),
    ]
    return {
        "portal": shared,
        "builder": [*shared, (f"/storage/{TEMPLATE_STORAGE}", "WinuxUpload")],
    }


def ensure_users(access: Access, bridge: str) -> dict[str, str]:
    """Create missing objects; return the secrets of newly created tokens, by token id."""
    for role, privileges in ROLES.items():
        access.roles.put(role, {"privs": privileges})
    if POOL not in access.pools:
        access.put_pool(POOL, {"vms": [], "comment": "Winux desktops and templates"})
    if USER not in access.users:
        access.add_user(USER)
    known = (access.users.get(USER) or {}).get("tokens", {})
    made = {}
    for token, rules in grants(bridge).items():
        if token not in known:
            made[token] = access.add_token(USER, token)
        for path, role in rules:
            access.grant(path, [role], "users", [USER])
            access.grant(path, [role], "tokens", [f"{USER}!{token}"])
    return made


def is_state_folder(folder: Path) -> bool:
    """Whether this folder is a lab node's state folder; other folders are never cleaned."""
    return (folder / STATE).is_file()


def write_settings(file: Path, settings: dict[str, str]) -> None:
    """Write `KEY=value` lines to a file that only the owner can read."""
    part = file.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.writelines(f"{key}={value}\n" for key, value in settings.items())
    part.replace(file)


def read_settings(file: Path) -> dict[str, str]:
    """Read a file written by `write_settings`."""
    lines = (line.partition("=") for line in file.read_text().splitlines() if line)
    return {key: value for key, _, value in lines}
