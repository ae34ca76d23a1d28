"""Narrow protocols to what is outside; adapters implement them, services use them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from webapp.domain.nodes.mark import Mark
from webapp.domain.upkeep.health import Sign
from webapp.domain.webhooks.rules import Target


class Clock(Protocol):
    """The time, as aware UTC."""

    def now(self) -> datetime: ...


class Database(Protocol):
    """Short transactions; none stays open over a call to the outside.

    Raises Conflict when another process changed a row first, OutsideFailed(retry=True) when the
    database is locked or its disk full.
    """

    def begin(self) -> AbstractContextManager[Session]:
        """A transaction that writes: committed at the end, rolled back on an exception."""

    def read(self) -> AbstractContextManager[Session]:
        """A transaction that only reads."""

    def snapshot(self) -> AbstractContextManager[Session]:
        """A transaction that only reads, and all of whose reads see the same moment."""


class Hasher(Protocol):
    """Hashes passwords, slowly on purpose: never call it inside a transaction."""

    def hash(self, password: str) -> str: ...
    def is_right(self, password_hash: str | None, password: str) -> bool: ...


class Vault(Protocol):
    """Keeps secrets readable only with the installation's key."""

    def lock(self, secret: str) -> bytes: ...
    def unlock(self, locked: bytes) -> str: ...


@dataclass(frozen=True)
class BuildOrder:
    """Everything that a build needs; `rdp_password` is a secret and leaves by stdin only."""

    desktop_id: str
    vmid: int
    node: str
    """Where it is made."""
    template_vmid: int
    """What it is cloned from: the template's replica on that node."""
    address: str
    """CIDR form."""
    gateway: str
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
    """What a desktop of the pool becomes for its person; `rdp_password` is a secret as above."""

    desktop_id: str
    vmid: int
    node: str | None
    """Where it runs; None: where the settings say."""
    ssh_host_key_sha256: str
    """Nothing is said to a machine that shows another one."""
    rdp_username: str
    rdp_password: str
    keyboard_layout: str
    deadline_at: datetime


@dataclass(frozen=True)
class AdoptOrder:
    """A desktop that was made by hand and becomes the portal's; `rdp_password` is a secret."""

    desktop_id: str
    vmid: int
    node: str | None
    made_as: Mark
    """The mark that it carries."""
    rdp_username: str
    rdp_password: str
    keyboard_layout: str
    deadline_at: datetime


@dataclass(frozen=True)
class ResumeOrder:
    """A paused desktop that is to run again, as the same machine as before."""

    desktop_id: str
    vmid: int
    node: str | None
    """Where it is kept; None: where the settings say."""
    ssh_host_key_sha256: str
    rdp_certificate_sha256: str
    """Another machine at its address is not spoken to, and no other certificate accepted."""
    deadline_at: datetime


@dataclass(frozen=True)
class BuildResult:
    """What the playbook reports of a finished desktop."""

    node: str
    address: str
    ssh_host_key_sha256: str
    rdp_certificate_sha256: str
    rdp_certificate_pem: str


class Provisioner(Protocol):
    """Makes and removes desktops, and talks to the one inside.

    Each call blocks until the run has really ended (its processes are gone) and raises
    OutsideFailed with a message for people; `log` of that error holds the last lines, without
    secrets. `on_step(role)` is called as each step (Ansible role) begins. `is_cancelled()` is
    asked now and then; a run it cancels ends with OutsideFailed.
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
        """Give a running desktop, which nobody has used, another account, password, keyboard."""

    def adopt(self, order: AdoptOrder, *, is_cancelled: Callable[[], bool]) -> BuildResult:
        """Give a running desktop made by hand a new password, and in the end the portal's mark."""

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
        """Remove the container, wherever in the cluster it is; `node` is where to look first."""

    def remove_template(
        self,
        vmid: int,
        version: str,
        *,
        node: str,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Remove a template's container, wherever in the cluster it is, if it is that version."""

    def set_deadline(self, address: str, ssh_host_key_sha256: str, deadline_at: datetime) -> None:
        """Tell the desktop itself (the one with this host key) its new deadline, for the warning
        that it shows."""

    def warn(self, address: str, ssh_host_key_sha256: str, text: str) -> None:
        """Show a text in the desktop (the one with this host key)."""

    def since_input(self, address: str, ssh_host_key_sha256: str) -> timedelta | None:
        """How long ago somebody pressed a key or moved the pointer in the desktop (the one with
        this host key), in a browser or with an RDP program; None when nobody is signed in."""


class WarmProvisioner(Provisioner, Protocol):
    """A provisioner that a worker process keeps for as long as it lives."""

    def warm_up(self, runs: int) -> None:
        """Have runs started ahead, up to so many, so that a launch need not wait for imports."""

    def cool_down(self) -> None:
        """End what was started ahead for more than a quiet time needs."""

    def sweep(self) -> None:
        """Remove what runs of killed processes left behind."""

    def close(self) -> None:
        """End what was started ahead."""


@dataclass(frozen=True)
class Container:
    """What is true of one container on a node, as the PVE API says it."""

    vmid: int
    node: str
    name: str
    is_running: bool
    is_template: bool
    description: str | None
    """None in a listing: the API's list does not carry it."""
    lock: str | None
    address: str | None
    limit_mb: int | None = None
    """Memory that it may use, as it is configured."""
    cores: int | None = None
    memory_mb: int | None = None
    """What it uses now; in a listing only, and while it runs."""
    uptime: timedelta | None = None
    """The same."""


class Listing(dict[int, Container]):
    """Containers by VM id, and which nodes they come from.

    What is on a silent node is unknown: that it is not listed says nothing.
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
class NodeSight:
    """One node as it was seen just now. Sizes are None where the token may not see them."""

    name: str
    is_online: bool
    trouble: str | None = None
    """Why it cannot be used, in people's words."""
    answered: timedelta | None = None
    memory_mb: int | None = None
    free_mb: int | None = None
    storage_gb: int | None = None
    """Of the storage of the desktops' disks."""
    storage_free_gb: int | None = None
    storage_is_shared: bool = False


@dataclass(frozen=True)
class ClusterSight:
    """All of the cluster that the token sees, at one moment."""

    nodes: Sequence[NodeSight]
    containers: Listing
    """Desktops, templates and whatever else."""
    in_work: frozenset[int]
    """Locked templates that a task works on: their lock is no rest of something."""


class Hypervisor(Protocol):
    """Reads what is true from Proxmox VE. Raises OutsideFailed whenever it cannot know."""

    def containers(self, vmids: range) -> Listing:
        """All containers whose id is in `vmids`; it raises when no node could be listed at all."""

    def container(self, vmid: int) -> Container | None:
        """One container, on whichever node, or None if it surely does not exist."""

    def look(self) -> ClusterSight:
        """The nodes, what is on them, and how much room they have."""


@dataclass(frozen=True)
class WantedTemplate:
    """A template that people can launch, as the portal knows it."""

    name: str
    vmid: int
    version: str


@dataclass(frozen=True)
class Neighbour:
    """A running desktop of this portal, for looks at what keeps it from the others."""

    name: str
    owner: int | None
    vmid: int
    node: str
    address: str
    ssh_host_key_sha256: str


class Examiner(Protocol):
    """Looks at one side of the installation; what is wrong is a sign, never an exception."""

    def examine(self) -> Iterable[Sign]: ...


@dataclass(frozen=True)
class WebhookAnswer:
    """What a receiver said; `status` is None when it said nothing, and `text` then why."""

    status: int | None
    text: str


class WebhookSender(Protocol):
    """Sends one POST. Never to an address that is closed to webhooks."""

    def send(self, target: Target, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """The answer, whatever its status; raises OutsideFailed, or Refused for the address."""
