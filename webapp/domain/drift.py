"""What a node and the desktops' rows tell differently, and what follows from it.

Pure: the caller reads both sides, and confirms each finding with a second look before it acts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from webapp.domain.mark import Mark

#: More unknown containers than this at once, and more than known desktops: rather a restored or
#: wrong database than a leak, so nothing is destroyed without a person.
MASS = 3


@dataclass(frozen=True)
class KnownDesktop:
    """A desktop that has not ended, as its row says it."""

    public_id: str
    vmid: int
    is_ready: bool
    is_in_work: bool
    """A worker holds it now: what is seen of it may already be out of date."""


@dataclass(frozen=True)
class SeenContainer:
    """A container in our range of VM ids, as the node says it."""

    vmid: int
    is_running: bool
    is_template: bool
    lock: str | None
    mark: Mark | None


class Loss(StrEnum):
    """How a ready desktop was lost; the words are shown to its owner."""

    GONE = "The desktop's container was removed outside Winux."
    STOPPED = "The desktop was shut down, from inside or outside Winux."
    REPLACED = "Another container has the desktop's VM id."


@dataclass(frozen=True)
class Drift:
    """What to set right."""

    lost: dict[str, Loss]
    """Ready desktops (public ids) without a running container of theirs."""
    orphans: list[SeenContainer]
    """Containers with this portal's mark that no desktop accounts for."""


def decide_drift(
    portal_id: str, desktops: Sequence[KnownDesktop], containers: Iterable[SeenContainer]
) -> Drift:
    """Compare rows, read first, with a listing, read afterwards."""
    seen = {container.vmid: container for container in containers}
    lost = {
        desktop.public_id: loss
        for desktop in desktops
        if desktop.is_ready and not desktop.is_in_work
        if (loss := find_loss(portal_id, desktop.public_id, seen.get(desktop.vmid)))
    }
    known = {desktop.public_id: desktop for desktop in desktops}
    orphans = [one for one in seen.values() if _is_orphan(portal_id, known, one)]
    return Drift(lost, orphans)


def find_loss(portal_id: str, public_id: str, container: SeenContainer | None) -> Loss | None:
    """What is wrong with a ready desktop's container, or None.

    One that is down under a lock (a backup, a snapshot) comes back by itself.
    """
    if container is None:
        return Loss.GONE
    if container.mark != Mark(portal_id, public_id):
        return Loss.REPLACED
    if not container.is_running and container.lock is None:
        return Loss.STOPPED
    return None


def _is_orphan(portal_id: str, known: dict[str, KnownDesktop], container: SeenContainer) -> bool:
    if container.mark is None or container.mark.portal_id != portal_id or container.is_template:
        return False
    desktop = known.get(container.mark.desktop_id)
    return desktop is None or (desktop.vmid != container.vmid and not desktop.is_in_work)


def is_mass(orphans: int, known: int) -> bool:
    """Whether so many containers are unknown that the database is the likelier culprit."""
    return orphans > MASS and orphans > known
