"""Reconciling: rows and containers are compared, and what drifted apart is set right.

A listing that failed is unknown, never empty. What seems lost is looked at directly; what seems
to be a leak is quarantined before it is destroyed. Rows in work are left alone.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.drift import (
    KnownDesktop,
    Loss,
    SeenContainer,
    decide_drift,
    find_loss,
    is_mass,
)
from webapp.domain.errors import OutsideFailed
from webapp.domain.mark import Mark, parse_mark
from webapp.domain.states import HOLDS_RESOURCES, EndReason, Event, State, advance
from webapp.models import Desktop, QuarantinedContainer
from webapp.ports import Clock, Container, Database, Hypervisor, Provisioner
from webapp.services.audit import SYSTEM, Audit

log = logging.getLogger(__name__)


class Reconciler:
    """Compares the database with the node; safe to run at any moment, by any number of workers."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        config: Config,
        audit: Audit,
        provisioner: Provisioner,
        hypervisor: Hypervisor,
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit
        self._provisioner = provisioner
        self._hypervisor = hypervisor
        self._empty_since: datetime | None = None

    def reconcile(self) -> None:
        """One comparison. Raises OutsideFailed when the node's side cannot be known."""
        desktops = self._known_desktops()  # first: what is built from now on is no orphan
        listing = self._hypervisor.containers(self._config.vmids)
        if self._is_doubtful(desktops, listing):
            raise OutsideFailed(
                "Proxmox lists none of the running desktops; nothing is done until it stays so.",
                retry=True,
            )
        seen = [self._seen(container, desktops) for container in listing.values()]
        drift = decide_drift(self._config.portal_id, desktops, seen)
        vmids = {desktop.public_id: desktop.vmid for desktop in desktops}
        for public_id in drift.lost:
            self._confirm_loss(public_id, vmids[public_id])
        for orphan in self._quarantine(drift.orphans, len(desktops)):
            self._destroy(orphan)

    # -- both sides -------------------------------------------------------------------------------

    def _known_desktops(self) -> list[KnownDesktop]:
        now = self._clock.now()
        with self._db.read() as session:
            rows = session.execute(
                select(Desktop.public_id, Desktop.vmid, Desktop.state, Desktop.worked_until).where(
                    Desktop.state.in_(HOLDS_RESOURCES), Desktop.vmid.is_not(None)
                )
            ).all()
        return [
            KnownDesktop(
                row.public_id,
                row.vmid,
                row.state == State.READY,
                row.worked_until is not None and row.worked_until >= now,
            )
            for row in rows
        ]

    def _is_doubtful(
        self, desktops: Sequence[KnownDesktop], listing: Mapping[int, Container]
    ) -> bool:
        """An empty listing while desktops run is believed only when it stays empty."""
        now = self._clock.now()
        if listing or not any(desktop.is_ready for desktop in desktops):
            self._empty_since = None
            return False
        self._empty_since = self._empty_since or now
        return now - self._empty_since < self._config.quarantine

    def _seen(self, container: Container, desktops: Sequence[KnownDesktop]) -> SeenContainer:
        """With its mark. Host names are the desktops' random ids: one at its own VM id is the
        desktop's own, which saves a call for each; all others are asked for their description."""
        own = {desktop.vmid: desktop.public_id for desktop in desktops}
        if own.get(container.vmid) == container.name:
            return _as_seen(container, Mark(self._config.portal_id, container.name))
        full = self._hypervisor.container(container.vmid)
        return _as_seen(container, parse_mark(full.description) if full else None)

    # -- lost desktops ----------------------------------------------------------------------------

    def _confirm_loss(self, public_id: str, vmid: int) -> None:
        """End a ready desktop whose container is gone or down, after a direct look at it."""
        try:
            container = self._hypervisor.container(vmid)
        except OutsideFailed as error:
            log.warning("Unknown, so left alone: %s", error, extra={"desktop": public_id})
            return
        seen = _as_seen(container, parse_mark(container.description)) if container else None
        loss = find_loss(self._config.portal_id, public_id, seen)
        if loss:
            self._end_lost(public_id, vmid, loss)

    def _end_lost(self, public_id: str, vmid: int, loss: Loss) -> None:
        now = self._clock.now()
        with self._db.begin() as session:
            desktop = session.scalar(
                select(Desktop)
                .where(Desktop.public_id == public_id, Desktop.vmid == vmid)
                .with_for_update(of=Desktop)
            )
            is_in_work = desktop and desktop.worked_until and desktop.worked_until >= now
            if desktop is None or desktop.state != State.READY or is_in_work:
                return
            advance(desktop, Event.STOP_REQUESTED, now)
            desktop.end_reason = EndReason.LOST
            desktop.stop_requested_at = now
            desktop.retry_at = None
            desktop.failure = loss
            self._audit.record(session, SYSTEM, "desktop.lost", public_id, loss)
        log.warning("%s", loss, extra={"desktop": public_id})

    # -- orphans ----------------------------------------------------------------------------------

    def _quarantine(self, orphans: Sequence[SeenContainer], known: int) -> list[SeenContainer]:
        """Note all orphans; return those that were seen long enough to be destroyed."""
        now = self._clock.now()
        with self._db.begin() as session:
            noted = {row.vmid: row for row in session.scalars(select(QuarantinedContainer))}
            ripe = [
                orphan
                for orphan in orphans
                if now - _note(session, noted, orphan, now) >= self._config.quarantine
            ]
            for vmid in noted.keys() - {orphan.vmid for orphan in orphans}:
                session.delete(noted[vmid])
        if is_mass(len(orphans), known):
            raise OutsideFailed(
                f"{len(orphans)} containers carry this portal's mark but no desktop knows them; "
                "they are left alone, as the database may be an old or wrong one.",
                retry=True,
                what_to_do="Restore the right database, or remove them with "
                "playbooks/destroy-winux-session.yml.",
            )
        return ripe

    def _destroy(self, orphan: SeenContainer) -> None:
        desktop_id, vmid = orphan.mark.desktop_id if orphan.mark else "", orphan.vmid
        if self._is_claimed(desktop_id, vmid):
            return
        self._provisioner.destroy(desktop_id, vmid)
        with self._db.begin() as session:
            row = session.get(QuarantinedContainer, vmid)
            if row:
                session.delete(row)
            self._audit.record(session, SYSTEM, "container.destroy", desktop_id, f"orphan {vmid}")
        log.warning("Orphan container %s destroyed", vmid, extra={"desktop": desktop_id})

    def _is_claimed(self, desktop_id: str, vmid: int) -> bool:
        """Whether a live desktop accounts for the container by now."""
        with self._db.read() as session:
            found = session.scalar(
                select(Desktop.id).where(
                    Desktop.public_id == desktop_id,
                    Desktop.vmid == vmid,
                    Desktop.state.in_(HOLDS_RESOURCES),
                )
            )
        return found is not None


def _as_seen(container: Container, mark: Mark | None) -> SeenContainer:
    return SeenContainer(
        container.vmid, container.is_running, container.is_template, container.lock, mark
    )


def _note(
    session: Session, noted: dict[int, QuarantinedContainer], orphan: SeenContainer, now: datetime
) -> datetime:
    """Since when this orphan is quarantined; another one at the same VM id starts anew."""
    desktop_id = orphan.mark.desktop_id if orphan.mark else ""
    row = noted.get(orphan.vmid)
    if row is None:
        row = QuarantinedContainer(vmid=orphan.vmid, desktop_id=desktop_id, first_seen_at=now)
        session.add(row)
    elif row.desktop_id != desktop_id:
        row.desktop_id, row.first_seen_at = desktop_id, now
    return row.first_seen_at
