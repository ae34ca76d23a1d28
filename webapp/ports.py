"""Narrow protocols of everything outside the portal. Adapters implement them; services use them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from webapp.domain.nodes.mark import Mark
from webapp.domain.upkeep.health import CheckResult
from webapp.domain.webhooks.rules import Target


class Clock(Protocol):
    """The time, as aware UTC."""

    def now(self) -> datetime: ...


class Database(Protocol):
    """Short transactions; none stays open during a call to an outside system.

    Raises Conflict when another process changed a row first, OutsideFailed(retry=True) when the
    database is locked or its disk full.
    """

    def begin(self) -> AbstractContextManager[Session]:
        """A transaction that writes: committed at the end, rolled back on an exception."""

    def read(self) -> AbstractContextManager[Session]:
        """A transaction that only reads."""

    def snapshot(self) -> AbstractContextManager[Session]:
        """A transaction that only reads; all reads see the same state."""


class Hasher(Protocol):
    """Hashes passwords, slowly on purpose: never call it inside a transaction."""

    def hash(self, password: str) -> str: ...
    def is_right(self, password_hash: str | None, password: str) -> bool: ...


class Vault(Protocol):
    """Encrypts secrets with the installation's key."""

    def lock(self, secret: str) -> bytes: ...
    def unlock(self, locked: bytes) -> str: ...


@dataclass(frozen=True)
class BuildOrder:
    """Everything that a build needs. `rdp_password` is a secret and is passed on stdin only."""

    desktop_id: str
    vmid: int
    node: str
    """The node to build on."""
    template_vmid: int
    """The container to clone: the template's replica on that node."""
    address: str
    """CIDR form."""
    router: str
    bridge: str
    rdp_username: str
    rdp_password: str
    keyboard_layout: str
    memory_mb: int
    swap_mb: int
    cores: int
    disk_gb: int
    nesting: bool
    minutes: int
    deadline_at: datetime


@dataclass(frozen=True)
class AssignOrder:
    """The settings of a pool desktop for its person. `rdp_password` is a secret as above."""

    desktop_id: str
    vmid: int
    node: str | None
    """The node it runs on; None: the node in the settings."""
    ssh_host_key_sha256: str
    """A machine with a different host key is never sent anything."""
    rdp_username: str
    rdp_password: str
    keyboard_layout: str
    deadline_at: datetime


@dataclass(frozen=True)
class AdoptOrder:
    """A desktop made by hand that the portal takes over. `rdp_password` is a secret."""

    desktop_id: str
    vmid: int
    node: str | None
    made_as: Mark
    """The mark that it has now."""
    rdp_username: str
    rdp_password: str
    keyboard_layout: str
    deadline_at: datetime


@dataclass(frozen=True)
class ResumeOrder:
    """A paused desktop to start again, as the same machine as before."""

    desktop_id: str
    vmid: int
    node: str | None
    """The node it is kept on; None: the node in the settings."""
    ssh_host_key_sha256: str
    rdp_certificate_sha256: str
    """A different machine at its address, or a different certificate, is rejected."""
    deadline_at: datetime


@dataclass(frozen=True)
class BuildResult:
    """What the playbook reports about a finished desktop."""

    node: str
    address: str
    ssh_host_key_sha256: str
    rdp_certificate_sha256: str
    rdp_certificate_pem: str


class Provisioner(Protocol):
    """Creates and removes desktops, and talks to the system inside them.

    Each call blocks until the run has ended and its processes are gone. It raises OutsideFailed
    with a message for people; `log` of that error holds the last lines, without secrets.
    `on_step(role)` is called when each step (Ansible role) begins. `is_cancelled()` is polled; a
    cancelled run ends with OutsideFailed.
    """

    def create(
        self, order: BuildOrder, *, on_step: Callable[[str], None], is_cancelled: Callable[[], bool]
    ) -> BuildResult: ...

    def assign(
        self,
        order: AssignOrder,
        *,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> BuildResult:
        """Give a running, unused desktop another account, password and keyboard."""

    def adopt(self, order: AdoptOrder, *, is_cancelled: Callable[[], bool]) -> BuildResult:
        """Give a running desktop made by hand a new password and, last, the portal's mark."""

    def pause(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Shut the container down and keep it."""

    def resume(
        self,
        order: ResumeOrder,
        *,
        on_step: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Start the container again; returns when its screen answers."""

    def destroy(
        self,
        desktop_id: str,
        vmid: int,
        *,
        node: str | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Remove the container, on any node; `node` is searched first."""

    def remove_template(
        self,
        vmid: int,
        version: str,
        *,
        node: str,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Remove a template's container, on any node, if it has that version."""

    def set_deadline(self, address: str, ssh_host_key_sha256: str, deadline_at: datetime) -> None:
        """Send the new deadline to the desktop with this host key, for the warning that it
        shows."""

    def warn(self, address: str, ssh_host_key_sha256: str, text: str) -> None:
        """Show a text in the desktop with this host key."""

    def since_input(self, address: str, ssh_host_key_sha256: str) -> timedelta | None:
        """Returns the time since the last key press or pointer movement in the desktop with this
        host key, in a browser or an RDP program; None when no user is signed in."""


class WarmProvisioner(Provisioner, Protocol):
    """A provisioner that a worker process keeps for its whole lifetime."""

    def warm_up(self, runs: int) -> None:
        """Start up to `runs` runs in advance, so that a launch need not wait for imports."""

    def cool_down(self) -> None:
        """End the runs started in advance that are not needed in quiet times."""

    def sweep(self) -> None:
        """Remove what the runs of killed processes left behind."""

    def close(self) -> None:
        """End all runs started in advance."""


@dataclass(frozen=True)
class Container:
    """The state of one container on a node, as the PVE API reports it."""

    vmid: int
    node: str
    name: str
    is_running: bool
    is_template: bool
    description: str | None
    """None in a listing: the API's list does not contain it."""
    lock: str | None
    address: str | None
    limit_mb: int | None = None
    """Its configured memory limit."""
    cores: int | None = None
    memory_mb: int | None = None
    """Memory in use; only in a listing, and while it runs."""
    uptime: timedelta | None = None
    """Only in a listing, and while it runs."""


class Listing(dict[int, Container]):
    """Containers by VM id, with the nodes that were listed (`answered`) and those that were not.

    The containers of a silent node are unknown: one that is not listed may still exist.
    """

    def __init__(
        self,
        containers: Iterable[Container] = (),
        *,
        answered: Collection[str] = (),
        silent: Collection[str] = (),
    ) -> None:
        super().__init__({one.vmid: one for one in containers})
        self.answered = frozenset(answered)
        self.silent = frozenset(silent)


@dataclass(frozen=True)
class NodeSnapshot:
    """The current state of one node. Sizes are None if the token may not read them."""

    name: str
    is_online: bool
    trouble: str | None = None
    """Why it cannot be used, as a message for people."""
    answered: timedelta | None = None
    memory_mb: int | None = None
    free_mb: int | None = None
    storage_gb: int | None = None
    """Size of the storage of the desktops' disks."""
    storage_free_gb: int | None = None
    storage_is_shared: bool = False


@dataclass(frozen=True)
class ClusterSnapshot:
    """The state of all of the cluster that the token may read."""

    nodes: Sequence[NodeSnapshot]
    containers: Listing
    """Desktops, templates and any others."""
    in_work: frozenset[int]
    """VM ids of locked templates with a running task: their lock is not stale."""


class Hypervisor(Protocol):
    """Reads the actual state from Proxmox VE. Raises OutsideFailed if it cannot be determined."""

    def containers(self, vmids: range) -> Listing:
        """All containers whose id is in `vmids`. Raises if no node could be listed."""

    def container(self, vmid: int) -> Container | None:
        """One container, on any node, or None if it certainly does not exist."""

    def look(self) -> ClusterSnapshot:
        """The nodes, their containers and their free memory and storage."""


@dataclass(frozen=True)
class WantedTemplate:
    """A template that people can launch, as the database has it."""

    name: str
    vmid: int
    version: str


@dataclass(frozen=True)
class Neighbour:
    """A running desktop of this portal, for checks of its isolation from the others."""

    name: str
    owner: int | None
    vmid: int
    node: str
    address: str
    ssh_host_key_sha256: str


class HostsFile(Protocol):
    """The file that tells a DNS server the names and addresses of the desktops."""

    def write(self, text: str) -> None:
        """Replace its content if that differs. Raises OutsideFailed if it cannot be written."""


class Examiner(Protocol):
    """Examines one side of the installation. Reports problems as signs, never as exceptions."""

    def examine(self) -> Iterable[CheckResult]: ...


@dataclass(frozen=True)
class WebhookAnswer:
    """A receiver's response. Without one, `status` is None and `text` is the reason."""

    status: int | None
    text: str


class WebhookSender(Protocol):
    """Sends one POST request, never to an address that is closed to webhooks."""

    def send(self, target: Target, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Returns the response, whatever its status. Raises OutsideFailed, also if the address is
        closed to webhooks."""
