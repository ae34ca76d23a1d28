"""Checks whether one desktop's container is lost, and records the loss."""

from datetime import datetime

from sqlalchemy.orm import Session

from webapp.domain.nodes.mark import Mark, parse_mark
from webapp.domain.states import EndReason
from webapp.domain.upkeep.drift import Loss, SeenContainer, find_loss
from webapp.models import Desktop
from webapp.ports import Container, Hypervisor
from webapp.services.audit.record import SYSTEM, Audit
from webapp.services.desktop_end import request_end


def find_container_loss(hypervisor: Hypervisor, portal_id: str, desktop: Desktop) -> Loss | None:
    """Returns how the container is lost; None if it runs (or is down under a lock). Raises
    OutsideFailed if that cannot be determined."""
    container = hypervisor.container(desktop.vmid or 0)
    return find_loss(portal_id, desktop.public_id, as_seen(container) if container else None)


def as_seen(container: Container, mark: Mark | None = None) -> SeenContainer:
    """Converts a container for the drift rules. `mark` replaces one that a listing lacks."""
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
    """Request the end of a lost desktop, with the loss as the reason shown to its owner."""
    request_end(desktop, EndReason.LOST, now)
    desktop.failure = loss
    audit.record(session, SYSTEM, "desktop.lost", desktop.public_id, loss)
