"""The rights that the portal's API token needs, each with what for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

#: Role (as docs/admin/proxmox.md names it) to its privileges, each with what it is needed for.
ROLES: dict[str, dict[str, str]] = {
    "WinuxDesktop": {
        "VM.Allocate": "making and destroying containers",
        "VM.Audit": "reading configuration, state and addresses",
        "VM.Config.CPU": "cores",
        "VM.Config.Disk": "the disk's size",
        "VM.Config.Memory": "memory",
        "VM.Config.Network": "addresses and the firewall of templates",
        "VM.Config.Options": "host name and description",
        "VM.PowerMgmt": "start and stop",
    },
    "WinuxTemplate": {"VM.Clone": "cloning the template"},
    "WinuxDisk": {"Datastore.AllocateSpace": "the clones' disks, and seeing its free space"},
    "WinuxNetwork": {"SDN.Use": "connecting desktops to the bridge"},
    "WinuxNodes": {"Sys.Audit": "seeing how much more fits, and whose task holds a lock"},
}

#: What the token for building templates needs besides, on the storage that takes uploads.
UPLOAD: dict[str, str] = {
    "Datastore.Allocate": "removing the archive when the template is made",
    "Datastore.AllocateTemplate": "uploading it",
    "Datastore.Audit": "seeing whether it is there",
}


@dataclass(frozen=True)
class Place:
    """A path of Proxmox's access tree on which roles must be held."""

    title: str
    path: str
    roles: tuple[str, ...]
    is_needed: bool = True
    """Without it desktops cannot be made; else something is only not known."""

    def missing(self, held: Collection[str]) -> Mapping[str, str]:
        """Privileges that are not held there, with what they are for."""
        return {
            privilege: what_for
            for role in self.roles
            for privilege, what_for in ROLES[role].items()
            if privilege not in held
        }

    def cure(self, user: str, token_id: str) -> str:
        """The commands that grant them, for root on a node."""
        roles = ",".join(self.roles)
        grants = [
            f"pveum acl modify {self.path} {whom} --roles {roles}"
            for whom in (f"--users {user}", f"--tokens '{user}!{token_id}'")
        ]
        return (
            f"As root on a node (docs/admin/proxmox.md makes the roles): {grants[0]}; {grants[1]}"
        )


def places(pool: str, storage: str, bridge: str) -> list[Place]:
    """Where the token needs which roles."""
    return [
        Place("pool", f"/pool/{pool}", ("WinuxDesktop", "WinuxTemplate")),
        Place("storage", f"/storage/{storage}", ("WinuxDisk",)),
        Place("bridge", f"/sdn/zones/localnetwork/{bridge}", ("WinuxNetwork",)),
        Place("nodes", "/nodes", ("WinuxNodes",), is_needed=False),
    ]
