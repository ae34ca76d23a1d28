"""The rights that the portal's API token needs, and what each is for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

#: Each role (named as in docs/admin/proxmox.md), its privileges, and what each is needed for.
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

#: The additional privileges of the token that builds templates, on the storage for uploads.
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
    """True: desktops cannot be made without it. False: only some information is missing."""

    def missing(self, held: Collection[str]) -> Mapping[str, str]:
        """Returns the privileges that are missing there, with what they are for."""
        return {
            privilege: what_for
            for role in self.roles
            for privilege, what_for in ROLES[role].items()
            if privilege not in held
        }

    def cure(self, user: str, token_id: str) -> str:
        """Returns the commands that grant them, for root on a node."""
        roles = ",".join(self.roles)
        grants = [
            f"pveum acl modify {self.path} {whom} --roles {roles}"
            for whom in (f"--users {user}", f"--tokens '{user}!{token_id}'")
        ]
        return (
            f"As root on a node (docs/admin/proxmox.md makes the roles): {grants[0]}; {grants[1]}"
        )


def places(pool: str, storage: str, bridge: str) -> list[Place]:
    """Returns the paths on which the token needs roles."""
    return [
        Place("pool", f"/pool/{pool}", ("WinuxDesktop", "WinuxTemplate")),
        Place("storage", f"/storage/{storage}", ("WinuxDisk",)),
        Place("bridge", f"/sdn/zones/localnetwork/{bridge}", ("WinuxNetwork",)),
        Place("nodes", "/nodes", ("WinuxNodes",), is_needed=False),
    ]
