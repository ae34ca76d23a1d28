"""The differences between a node's containers and the desktops' rows, and what to do about them.

Pure: the caller reads both sides, and confirms each loss with a second reading before it acts.
`ANSWERS` is the decision table: every kind of difference, and the action for it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from webapp.domain.nodes.mark import Mark
from webapp.domain.states import State

#: With more unknown containers than this, and more than known desktops, the database is more
#: likely to be wrong than containers to have leaked. Nothing is destroyed without a person.
MASS = 3
#: The minimum time that a container which the database may have lost is kept.
KEEP_AT_LEAST = timedelta(days=1)
#: States in which a desktop has a running container.
RUNS = frozenset({State.WARM, State.ASSIGNING, State.READY})
#: States in which a desktop has a container, running or not.
IS_THERE = RUNS | {State.PAUSED}
#: States in which it has the address from Winux; a failed build may not have set it.
HAS_ADDRESS = IS_THERE | {State.PAUSING, State.RESUMING}


class Kind(StrEnum):
    """One way in which the two sides can differ."""

    GONE = "gone"
    STOPPED = "stopped"
    SHUT_DOWN = "shut_down"
    STARTED = "started"
    REPLACED = "replaced"
    MOVED = "moved"
    RENAMED = "renamed"
    RESIZED = "resized"
    READDRESSED = "readdressed"
    UNMARKED = "unmarked"
    LEAK = "leak"
    ORPHAN = "orphan"
    FORGOTTEN = "forgotten"
    FOREIGN = "foreign"
    RESERVED = "reserved"
    SILENT = "silent"


class Action(StrEnum):
    """The action for a difference."""

    END = "end"
    """The desktop ends, with the reason `lost`."""
    FOLLOW = "follow"
    """The row is updated to match the node."""
    DESTROY = "destroy"
    """The container is watched for some time, then destroyed."""
    FREE = "free"
    """The reservation is released."""
    TELL = "tell"
    """Administrators see it; there is no other action."""


@dataclass(frozen=True)
class Answer:
    """A row of the decision table; the texts are shown to administrators."""

    act: Action
    means: str
    does: str
    cure: str = ""


ANSWERS: dict[Kind, Answer] = {
    Kind.GONE: Answer(
        Action.END,
        "A desktop's container was removed outside Winux.",
        "The desktop ends as lost, and its owner is informed.",
    ),
    Kind.STOPPED: Answer(
        Action.END,
        "A desktop's container was shut down, from inside or outside Winux.",
        "The desktop ends as lost, and its owner is informed.",
    ),
    Kind.SHUT_DOWN: Answer(
        Action.FOLLOW,
        "A desktop that may be paused was shut down, from inside or outside Winux.",
        "It is paused now: its files are kept, and its owner can resume it.",
    ),
    Kind.STARTED: Answer(
        Action.FOLLOW,
        "A paused desktop's container was started outside Winux.",
        "It is resumed: its time runs again, and its owner can use it.",
        "To pause it again: ./winux desktop pause",
    ),
    Kind.REPLACED: Answer(
        Action.END,
        "Another container has the VM id of a desktop.",
        "The desktop ends as lost. The other container is not touched.",
    ),
    Kind.MOVED: Answer(
        Action.FOLLOW, "A desktop's container is on another node now.", "Winux follows it."
    ),
    Kind.RENAMED: Answer(
        Action.TELL,
        "A desktop's container was given another name.",
        "Nothing: the mark in its notes counts, not its name.",
        "Rename it back in Proxmox if the name confuses people.",
    ),
    Kind.RESIZED: Answer(
        Action.TELL,
        "A desktop's memory or cores were changed by hand.",
        "Nothing: the desktop continues with its new size.",
        "Set it back in Proxmox, or change the template with: ./winux template set",
    ),
    Kind.READDRESSED: Answer(
        Action.TELL,
        "A desktop's address was changed by hand, so it cannot be reached.",
        "Nothing is destroyed. Its own address stays reserved.",
        "Set the address back in Proxmox (net0), or stop the desktop.",
    ),
    Kind.UNMARKED: Answer(
        Action.TELL,
        "Winux's mark was taken from the notes of a desktop's container.",
        "The desktop continues, but Winux does not remove containers without its mark: "
        "VM id and address stay reserved.",
        "Put the line back into the container's notes, or remove the container by hand.",
    ),
    Kind.LEAK: Answer(
        Action.DESTROY,
        "A container is left of a desktop that has ended, or is a second one of a desktop.",
        "It is watched for WINUX_QUARANTINE_SECONDS, then destroyed.",
    ),
    Kind.ORPHAN: Answer(
        Action.DESTROY,
        "A container with this portal's mark appeared that the database does not know.",
        "It is watched for WINUX_QUARANTINE_SECONDS, then destroyed.",
        "To keep it, give it an owner with: ./winux desktop adopt",
    ),
    Kind.FORGOTTEN: Answer(
        Action.DESTROY,
        "A container with this portal's mark is older than what the database remembers: it was "
        "there before Winux began to look, or looked again.",
        "It is kept until any desktop of this site would have ended, then destroyed.",
        "If the database was restored from a backup, give it back to its owner with: "
        "./winux desktop adopt",
    ),
    Kind.FOREIGN: Answer(
        Action.TELL,
        "A container without this portal's mark is in the range of its VM ids.",
        "It is never touched; its VM id and address are not given to desktops.",
        "Nothing needs to be done. To hand it over to the portal: ./winux desktop adopt",
    ),
    Kind.RESERVED: Answer(
        Action.FREE,
        "A VM id or an address was reserved for a desktop that has ended.",
        "It is free again.",
    ),
    Kind.SILENT: Answer(
        Action.TELL,
        "A node does not answer, so what is on it is unknown.",
        "Nothing: unknown is not gone. Its desktops are left as they are.",
        "Check the node and its page in Proxmox.",
    ),
}


@dataclass(frozen=True)
class KnownDesktop:
    """A desktop that has not ended, according to its row."""

    public_id: str
    vmid: int
    state: State
    state_at: datetime | None = None
    is_in_work: bool = False
    """A worker process holds it now, so readings of it may be out of date."""
    may_pause: bool = False
    """Its template allows pausing."""
    node: str | None = None
    address: str | None = None
    memory_mb: int | None = None
    cores: int | None = None


@dataclass(frozen=True)
class SeenContainer:
    """A container in the portal's range of VM ids, according to the node."""

    vmid: int
    is_running: bool
    is_template: bool
    lock: str | None
    mark: Mark | None
    node: str = ""
    name: str = ""
    address: str | None = None
    """Without its prefix length; None if it was not read."""
    memory_mb: int | None = None
    cores: int | None = None


class Loss(StrEnum):
    """How a desktop was lost; the texts are shown to its owner."""

    GONE = "The desktop's container was removed outside Winux."
    STOPPED = "The desktop was shut down, from inside or outside Winux."
    REPLACED = "Another container has the desktop's VM id."


@dataclass(frozen=True)
class Finding:
    """One difference: its subject, and the detail."""

    kind: Kind
    vmid: int | None = None
    node: str | None = None
    desktop_id: str = ""
    address: str | None = None
    detail: str = ""

    @property
    def about(self) -> tuple[Kind, int | None, str, str | None]:
        """The key of the difference; equal when the same difference is seen again."""
        where = self.node if self.kind is Kind.SILENT else None
        return (self.kind, self.vmid, self.desktop_id, where)


@dataclass(frozen=True)
class Memory:
    """The database's records of containers without a desktop."""

    ended: Collection[str] = ()
    """Public ids of ended desktops."""
    forgotten: Collection[str] = ()
    """Public ids of marks that were found as FORGOTTEN before and still exist."""
    watched: Collection[str] = ()
    """Nodes that were read without a gap: a container that appears there is new."""


def decide_drift(
    portal_id: str,
    desktops: Sequence[KnownDesktop],
    containers: Iterable[SeenContainer],
    memory: Memory = Memory(),
    silent: Collection[str] = (),
) -> list[Finding]:
    """Compares rows, which were read first, with a listing, which was read afterwards.

    While a node does not respond, a missing container may be on it, so none counts as gone.
    """
    seen = {container.vmid: container for container in containers}
    found = [_silence(node, desktops) for node in sorted(silent)]
    for desktop in desktops:
        if not desktop.is_in_work:
            found += _compare(portal_id, desktop, seen.get(desktop.vmid), bool(silent))
    known = {desktop.public_id: desktop for desktop in desktops}
    by_vmid = {desktop.vmid for desktop in desktops}
    for container in seen.values():
        if kind := _stray(portal_id, known, memory, container, container.vmid in by_vmid):
            mark = container.mark.desktop_id if container.mark else ""
            detail = "" if container.name == mark else f"named {container.name}"
            found.append(
                Finding(kind, container.vmid, container.node, mark, container.address, detail)
            )
    return found


def find_loss(portal_id: str, public_id: str, container: SeenContainer | None) -> Loss | None:
    """Returns how a running desktop's container was lost, or None.

    A stopped container with a lock (a backup, a snapshot) starts again by itself.
    """
    if container is None:
        return Loss.GONE
    if container.mark != Mark(portal_id, public_id) and not is_unmarked(public_id, container):
        return Loss.REPLACED
    if not container.is_running and container.lock is None:
        return Loss.STOPPED
    return None


def find_power(
    portal_id: str, desktop: KnownDesktop, container: SeenContainer | None
) -> Kind | None:
    """Returns how a desktop's container differs from its state, or None.

    A desktop that may be paused is not lost by a shutdown; a paused one must be stopped.
    """
    if desktop.state not in IS_THERE:
        return None
    loss = find_loss(portal_id, desktop.public_id, container)
    if desktop.state == State.PAUSED and loss in (None, Loss.STOPPED):
        return Kind.STARTED if container and container.is_running else None
    if loss is Loss.STOPPED and desktop.state == State.READY and desktop.may_pause:
        return Kind.SHUT_DOWN
    return Kind[loss.name] if loss else None


def is_unmarked(public_id: str, container: SeenContainer) -> bool:
    """Whether it is a desktop's own container whose mark was removed."""
    return container.mark is None and container.name == public_id


def is_mass(unknown: int, known: int) -> bool:
    """Whether the number of unknown containers suggests a wrong database rather than leaks."""
    return unknown > MASS and unknown > known


def is_watched(looked_at: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether the node was read recently enough to rule out an old copy of the database."""
    return looked_at is not None and now - looked_at <= 3 * every + timedelta(minutes=1)


def due_at(
    kind: Kind, first_seen_at: datetime, quarantine: timedelta, longest_life: timedelta
) -> datetime | None:
    """Returns when such a container is destroyed; None if Winux never does that."""
    if ANSWERS[kind].act is not Action.DESTROY:
        return None
    keep = max(longest_life, KEEP_AT_LEAST) if kind is Kind.FORGOTTEN else quarantine
    return first_seen_at + keep


# -- parts ----------------------------------------------------------------------------------------


def _compare(
    portal_id: str, desktop: KnownDesktop, container: SeenContainer | None, is_partial: bool
) -> Iterator[Finding]:
    """Yields the differences of one desktop that no worker process holds."""
    kind = find_power(portal_id, desktop, container)
    if kind is Kind.GONE and is_partial:
        return
    about = (desktop.vmid, container.node if container else desktop.node, desktop.public_id)
    if kind:
        yield Finding(kind, *about, desktop.address)
    elif container and container.mark == Mark(portal_id, desktop.public_id):
        for kind, detail in _changes(desktop, container).items():
            yield Finding(kind, *about, container.address, detail)
    elif container and is_unmarked(desktop.public_id, container) and not container.lock:
        mark = Mark(portal_id, desktop.public_id)
        yield Finding(Kind.UNMARKED, *about, container.address, f"The line is: {mark}")


def _changes(desktop: KnownDesktop, container: SeenContainer) -> Mapping[Kind, str]:
    """Returns the changes made to a desktop's own container outside Winux, as text."""
    changes = {}
    if desktop.node and container.node and desktop.node != container.node:
        changes[Kind.MOVED] = f"from {desktop.node} to {container.node}"
    if container.name != desktop.public_id:
        changes[Kind.RENAMED] = f"to {container.name}"
    is_addressed = desktop.state in HAS_ADDRESS and desktop.address and container.address
    if is_addressed and desktop.address != container.address:
        changes[Kind.READDRESSED] = f"to {container.address}, from {desktop.address}"
    if desktop.state in RUNS and (sizes := _sizes(desktop, container)):
        changes[Kind.RESIZED] = sizes
    return changes


def _sizes(desktop: KnownDesktop, container: SeenContainer) -> str:
    pairs = {
        "MB memory": (desktop.memory_mb, container.memory_mb),
        "cores": (desktop.cores, container.cores),
    }
    return ", ".join(
        f"{now_is} {unit} instead of {was}"
        for unit, (was, now_is) in pairs.items()
        if was and now_is and was != now_is
    )


def _stray(
    portal_id: str,
    known: Mapping[str, KnownDesktop],
    memory: Memory,
    container: SeenContainer,
    is_at_a_desktop: bool,
) -> Kind | None:
    """Returns the kind of a container that belongs to no known desktop, or None."""
    mark = container.mark
    if container.is_template:
        return None
    if mark is None or mark.portal_id != portal_id:
        return None if is_at_a_desktop else Kind.FOREIGN
    desktop = known.get(mark.desktop_id)
    if desktop and (desktop.vmid == container.vmid or desktop.is_in_work):
        return None
    if mark.desktop_id in memory.ended:
        return Kind.LEAK
    if mark.desktop_id in memory.forgotten or container.node not in memory.watched:
        return Kind.FORGOTTEN
    return Kind.LEAK if desktop else Kind.ORPHAN


def _silence(node: str, desktops: Sequence[KnownDesktop]) -> Finding:
    count = sum(desktop.node == node for desktop in desktops)
    return Finding(Kind.SILENT, node=node, detail=f"desktops on it: {count}")
