"""What a node and the desktops' rows tell differently, and what follows from it.

Pure: the caller reads both sides, and confirms each loss with a second look before it acts.
`ANSWERS` is the decision table: every kind of difference, and what is done about it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from webapp.domain.nodes.mark import Mark
from webapp.domain.states import State

#: More unknown containers than this at once, and more than known desktops: rather a wrong
#: database than a leak, so nothing is destroyed without a person.
MASS = 3
#: A container that the database may have forgotten is kept at least this long.
KEEP_AT_LEAST = timedelta(days=1)
#: States in which a desktop has a container that runs.
RUNS = frozenset({State.WARM, State.ASSIGNING, State.READY})
#: States in which it has one, running or not.
IS_THERE = RUNS | {State.PAUSED}
#: States in which it has the address that Winux gave it: a build that broke may have set none.
HAS_ADDRESS = IS_THERE | {State.PAUSING, State.RESUMING}


class Kind(StrEnum):
    """One way in which the two sides can differ."""

    GONE = "gone"
    STOPPED = "stopped"
    ASLEEP = "asleep"
    AWAKE = "awake"
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
    HELD = "held"
    SILENT = "silent"


class Act(StrEnum):
    """What is done about a difference."""

    END = "end"
    """The desktop ends, with the reason `lost`."""
    FOLLOW = "follow"
    """The row takes over what is true."""
    DESTROY = "destroy"
    """The container is watched for a while, then destroyed."""
    FREE = "free"
    """The reservation is given back."""
    TELL = "tell"
    """Administrators see it; nothing else happens."""


@dataclass(frozen=True)
class Answer:
    """A line of the decision table; the words are shown to administrators."""

    act: Act
    means: str
    does: str
    cure: str = ""


ANSWERS: dict[Kind, Answer] = {
    Kind.GONE: Answer(
        Act.END,
        "A desktop's container was removed outside Winux.",
        "The desktop ends as lost, and its owner is told.",
    ),
    Kind.STOPPED: Answer(
        Act.END,
        "A desktop's container was shut down, from inside or outside Winux.",
        "The desktop ends as lost, and its owner is told.",
    ),
    Kind.ASLEEP: Answer(
        Act.FOLLOW,
        "A desktop that may be paused was shut down, from inside or outside Winux.",
        "It is paused now: its files are kept, and its owner can resume it.",
    ),
    Kind.AWAKE: Answer(
        Act.FOLLOW,
        "A paused desktop's container was started outside Winux.",
        "It is resumed: its time runs again, and its owner can use it.",
        "To pause it again: ./winux desktop pause",
    ),
    Kind.REPLACED: Answer(
        Act.END,
        "Another container has the VM id of a desktop.",
        "The desktop ends as lost. The other container is not touched.",
    ),
    Kind.MOVED: Answer(
        Act.FOLLOW, "A desktop's container is on another node now.", "Winux follows it."
    ),
    Kind.RENAMED: Answer(
        Act.TELL,
        "A desktop's container was given another name.",
        "Nothing: the mark in its notes counts, not its name.",
        "Rename it back in Proxmox if the name confuses people.",
    ),
    Kind.RESIZED: Answer(
        Act.TELL,
        "A desktop's memory or cores were changed by hand.",
        "Nothing: the desktop goes on with its new size.",
        "Set it back in Proxmox, or change the template with: ./winux template set",
    ),
    Kind.READDRESSED: Answer(
        Act.TELL,
        "A desktop's address was changed by hand, so it cannot be reached.",
        "Nothing is destroyed. Its own address stays reserved.",
        "Set the address back in Proxmox (net0), or stop the desktop.",
    ),
    Kind.UNMARKED: Answer(
        Act.TELL,
        "Winux's mark was taken from the notes of a desktop's container.",
        "The desktop goes on, but Winux will not remove what does not carry its mark: "
        "VM id and address stay reserved.",
        "Put the line back into the container's notes, or remove the container by hand.",
    ),
    Kind.LEAK: Answer(
        Act.DESTROY,
        "A container is left of a desktop that has ended, or is a second one of a desktop.",
        "It is watched for WINUX_QUARANTINE_SECONDS, then destroyed.",
    ),
    Kind.ORPHAN: Answer(
        Act.DESTROY,
        "A container with this portal's mark appeared that the database does not know.",
        "It is watched for WINUX_QUARANTINE_SECONDS, then destroyed.",
        "To keep it, give it an owner with: ./winux desktop adopt",
    ),
    Kind.FORGOTTEN: Answer(
        Act.DESTROY,
        "A container with this portal's mark is older than what the database remembers: it was "
        "there before Winux began to look, or looked again.",
        "It is kept until any desktop of this site would have ended, then destroyed.",
        "If the database was restored from a backup, give it back to its owner with: "
        "./winux desktop adopt",
    ),
    Kind.FOREIGN: Answer(
        Act.TELL,
        "A container without this portal's mark is in the range of its VM ids.",
        "It is never touched; its VM id and address are not given to desktops.",
        "Move it to a VM id outside the range.",
    ),
    Kind.HELD: Answer(
        Act.FREE,
        "A VM id or an address was reserved for a desktop that has ended.",
        "It is free again.",
    ),
    Kind.SILENT: Answer(
        Act.TELL,
        "A node does not answer, so what is on it is unknown.",
        "Nothing: unknown is not gone. Its desktops are left as they are.",
        "Look at the node; see its page in Proxmox.",
    ),
}


@dataclass(frozen=True)
class KnownDesktop:
    """A desktop that has not ended, as its row says it."""

    public_id: str
    vmid: int
    state: State
    state_at: datetime | None = None
    is_in_work: bool = False
    """A worker holds it now: what is seen of it may already be out of date."""
    may_pause: bool = False
    """Its template allows that it is shut down and kept."""
    node: str | None = None
    address: str | None = None
    memory_mb: int | None = None
    cores: int | None = None


@dataclass(frozen=True)
class SeenContainer:
    """A container in our range of VM ids, as the node says it."""

    vmid: int
    is_running: bool
    is_template: bool
    lock: str | None
    mark: Mark | None
    node: str = ""
    name: str = ""
    address: str | None = None
    """Without its prefix; None where nobody looked."""
    memory_mb: int | None = None
    cores: int | None = None


class Loss(StrEnum):
    """How a desktop was lost; the words are shown to its owner."""

    GONE = "The desktop's container was removed outside Winux."
    STOPPED = "The desktop was shut down, from inside or outside Winux."
    REPLACED = "Another container has the desktop's VM id."


@dataclass(frozen=True)
class Finding:
    """One difference: what it is about, and what exactly differs."""

    kind: Kind
    vmid: int | None = None
    node: str | None = None
    desktop_id: str = ""
    address: str | None = None
    detail: str = ""

    @property
    def about(self) -> tuple[Kind, int | None, str, str | None]:
        """The same difference, seen again, has the same."""
        where = self.node if self.kind is Kind.SILENT else None
        return (self.kind, self.vmid, self.desktop_id, where)


@dataclass(frozen=True)
class Memory:
    """What the database remembers of containers that no desktop accounts for."""

    ended: Collection[str] = ()
    """Public ids that have ended."""
    forgotten: Collection[str] = ()
    """Public ids of marks that were found forgotten before, and still are."""
    watched: Collection[str] = ()
    """Nodes that were looked at without a gap: what appears there is new."""


def decide_drift(
    portal_id: str,
    desktops: Sequence[KnownDesktop],
    containers: Iterable[SeenContainer],
    memory: Memory = Memory(),
    silent: Collection[str] = (),
) -> list[Finding]:
    """Compare rows, read first, with a listing, read afterwards.

    While a node is silent, a container that is not seen may be on it, so none is gone.
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
    """What is wrong with a running desktop's container, or None.

    One that is down under a lock (a backup, a snapshot) comes back by itself.
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
    """How a desktop's container is otherwise than its state says, or None.

    One that may be paused is not lost by being shut down; a paused one is to be down.
    """
    if desktop.state not in IS_THERE:
        return None
    loss = find_loss(portal_id, desktop.public_id, container)
    if desktop.state == State.PAUSED and loss in (None, Loss.STOPPED):
        return Kind.AWAKE if container and container.is_running else None
    if loss is Loss.STOPPED and desktop.state == State.READY and desktop.may_pause:
        return Kind.ASLEEP
    return Kind[loss.name] if loss else None


def is_unmarked(public_id: str, container: SeenContainer) -> bool:
    """Whether it is a desktop's own container whose mark somebody took away."""
    return container.mark is None and container.name == public_id


def is_mass(unknown: int, known: int) -> bool:
    """Whether so many containers are unknown that the database is the likelier culprit."""
    return unknown > MASS and unknown > known


def is_watched(looked_at: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether a node was looked at so lately that the database cannot be an old one."""
    return looked_at is not None and now - looked_at <= 3 * every + timedelta(minutes=1)


def due_at(
    kind: Kind, first_seen_at: datetime, quarantine: timedelta, longest_life: timedelta
) -> datetime | None:
    """When such a container is destroyed; None: never by Winux itself."""
    if ANSWERS[kind].act is not Act.DESTROY:
        return None
    keep = max(longest_life, KEEP_AT_LEAST) if kind is Kind.FORGOTTEN else quarantine
    return first_seen_at + keep


# -- parts ----------------------------------------------------------------------------------------


def _compare(
    portal_id: str, desktop: KnownDesktop, container: SeenContainer | None, is_partial: bool
) -> Iterator[Finding]:
    """The differences of one desktop that nobody works on."""
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
    """What somebody changed of a desktop's own container, in words."""
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
    """What a container is that is no desktop's, if it is none's."""
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
