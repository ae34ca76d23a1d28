"""What became of one desktop's container, by a direct look at it; and writing that it is lost."""

from datetime import datetime

from sqlalchemy.orm import Session

from webapp.domain.nodes.mark import Mark, parse_mark
from webapp.domain.states import EndReason
from webapp.domain.upkeep.drift import Loss, SeenContainer, find_loss
from webapp.models import Desktop
from webapp.ports import Container, Hypervisor
from webapp.services.audit.record import SYSTEM, Audit
from webapp.services.desktops.lifetime import ask_for_end


def find_fate(hypervisor: Hypervisor, portal_id: str, desktop: Desktop) -> Loss | None:
    """None: it runs (or is down under a lock). Raises OutsideFailed when nobody can know."""
    container = hypervisor.container(desktop.vmid or 0)
    return find_loss(portal_id, desktop.public_id, as_seen(container) if container else None)


def as_seen(container: Container, mark: Mark | None = None) -> SeenContainer:
    """What a drift is decided upon; `mark` where a listing did not carry it."""
    return SeenContainer(
        vmid=container.vmid,
        is_running=container.is_running,
        is_template=container.is_template,
        lock=container.lock,
        mark=mark or parse_mark(container.description),
        node=container.node,
        name=container.name,
        address=(container.address or "").partition("/")[0] or None,
        memory_mb=container.limit_mb,
        cores=container.cores,
    )


def end_lost(session: Session, audit: Audit, desktop: Desktop, loss: Loss, now: datetime) -> None:
    """It is gone: its row ends, and its owner is told why."""
    ask_for_end(desktop, EndReason.LOST, now)
    desktop.failure = loss
    audit.record(session, SYSTEM, "desktop.lost", desktop.public_id, loss)
