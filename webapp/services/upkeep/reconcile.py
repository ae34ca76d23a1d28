"""Reconciliation: compares rows and containers, and corrects the differences.

A failed listing counts as unknown, never as empty; so does a node that did not answer. A container
that seems lost is checked directly; one that seems leaked is quarantined before it is destroyed.
Rows that a worker holds are skipped. `domain/upkeep/drift.py` decides;
`webapp/services/nodes/findings.py` stores the findings.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.desktops.pauses import may_pause
from webapp.domain.errors import OutsideFailed
from webapp.domain.nodes.mark import Mark
from webapp.domain.states import HOLDS_RESOURCES, EndReason, State
from webapp.domain.upkeep.drift import (
    ANSWERS,
    IS_THERE,
    Action,
    Finding,
    Kind,
    KnownDesktop,
    Loss,
    Memory,
    SeenContainer,
    decide_drift,
    find_power,
)
from webapp.models import AddressReservation, Desktop, FindingRow, Template, VmidReservation
from webapp.ports import Clock, Database, Hypervisor, Listing, Provisioner
from webapp.services.audit.record import SYSTEM, Audit
from webapp.services.desktop_end import request_end
from webapp.services.desktops.pauses import begin_resume, find_paused
from webapp.services.nodes.findings import SEEN_CLOSELY, FindingBook, longest_life, resolve
from webapp.services.provisioning.loss import as_seen, end_lost

log = logging.getLogger(__name__)

#: Number of desktops whose mark and address are read in one round; the others follow in the next.
CLOSE_READINGS = 20
#: Minimum time left for a desktop that is overdue by an old database, as it may be in use.
NOTICE = timedelta(minutes=15)


@dataclass(frozen=True)
class Comparison:
    """A snapshot of both sides, with their differences."""

    desktops: Sequence[KnownDesktop]
    nodes: frozenset[str]
    """The nodes that answered."""
    silent: frozenset[str]
    findings: Sequence[Finding]


class Reconciler:
    """Compares the database with the nodes. Any number of workers may run it at any time."""

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
        self._book = FindingBook(config.quarantine, config.reconcile_every)
        self._empty_since: datetime | None = None
        self._cursor = 0

    def reconcile(self, *, closely: bool = False) -> list[FindingRow]:
        """Compare once and act on the findings. Returns the findings as they are afterwards.

        `closely` reads every container's mark and address. Raises OutsideFailed if the nodes'
        state is unknown, and, after everything else is done, if something could not be removed.
        """
        comparison = self._compare_sides(closely)
        rows = self._note(comparison)
        vmids = {desktop.public_id: desktop for desktop in comparison.desktops}
        failures = []
        for row in rows:
            try:
                self._act(row, vmids.get(row.desktop_id))
            except OutsideFailed as error:
                self._write(row, partial(_hinder, words=str(error)))
                failures.append(error)
        if failures:
            raise failures[0]
        return rows

    def rehearse(self) -> list[FindingRow]:
        """Returns what `reconcile` would find and do. Changes nothing; the rows are not stored."""
        comparison = self._compare_sides(closely=True)
        now = self._clock.now()
        with self._db.begin() as session:
            rows = self._book.note(
                session,
                comparison.findings,
                now,
                known=len(comparison.desktops),
                is_partial=bool(comparison.silent),
            )
            session.flush()
            session.expunge_all()
            session.rollback()
        return list(rows)

    # -- both sides -------------------------------------------------------------------------------

    def _compare_sides(self, closely: bool) -> Comparison:
        desktops = self._known_desktops()  # before the listing, so that new builds are no orphans
        listing = self._hypervisor.containers(self._config.vmids)
        if self._is_doubtful(desktops, listing):
            raise OutsideFailed(
                "Proxmox lists none of the running desktops; nothing is done until it stays so.",
                retry=True,
            )
        seen = self._see_all(desktops, listing, closely)
        expected = {desktop.node for desktop in desktops if desktop.node}
        silent = listing.silent | (expected - listing.answered)
        memory = self._memory(desktops, seen, listing.answered)
        findings = decide_drift(self._config.portal_id, desktops, seen, memory, silent)
        return Comparison(desktops, listing.answered, silent, [*findings, *self._held()])

    def _known_desktops(self) -> list[KnownDesktop]:
        now = self._clock.now()
        columns = (
            Desktop.public_id,
            Desktop.vmid,
            Desktop.state,
            Desktop.state_at,
            Desktop.worked_until,
            Desktop.node,
            Desktop.address,
            Desktop.memory_mb,
            Desktop.cores,
            Template.max_pause_minutes,
        )
        with self._db.read() as session:
            rows = session.execute(
                select(*columns)
                .join(Template, Template.id == Desktop.template_id)
                .where(Desktop.state.in_(HOLDS_RESOURCES), Desktop.vmid.is_not(None))
            ).all()
        return [
            KnownDesktop(
                public_id=row.public_id,
                vmid=row.vmid or 0,
                state=row.state,
                state_at=row.state_at,
                is_in_work=row.worked_until is not None and row.worked_until >= now,
                node=row.node,
                address=row.address,
                memory_mb=row.memory_mb,
                cores=row.cores,
                may_pause=may_pause(row.max_pause_minutes),
            )
            for row in rows
        ]

    def _is_doubtful(self, desktops: Sequence[KnownDesktop], listing: Listing) -> bool:
        """Whether the listing is empty although desktops run: it is trusted only if it stays so
        for the quarantine time."""
        now = self._clock.now()
        is_plain = bool(listing or listing.silent)
        listed = [one for one in desktops if one.vmid in self._config.vmids]
        if is_plain or not any(desktop.state in IS_THERE for desktop in listed):
            self._empty_since = None
            return False
        self._empty_since = self._empty_since or now
        return now - self._empty_since < self._config.quarantine

    def _see_all(
        self, desktops: Sequence[KnownDesktop], listing: Listing, closely: bool
    ) -> list[SeenContainer]:
        own = {desktop.vmid: desktop.public_id for desktop in desktops}
        close = set(own) if closely else self._turn(own)
        seen = []
        for container in listing.values():
            # Host names are the desktops' random ids. A container with its desktop's name and VM id
            # is taken for that desktop's, which saves a call; some of these, and all others, are
            # read individually.
            if own.get(container.vmid) == container.name and container.vmid not in close:
                seen.append(as_seen(container, Mark(self._config.portal_id, container.name)))
            elif full := self._hypervisor.container(container.vmid):
                seen.append(as_seen(full))
        for vmid in own.keys() - listing.keys():
            # adopted desktops keep their VM id, which may be outside the listed range
            outside = vmid not in self._config.vmids
            if outside and (full := self._hypervisor.container(vmid)):
                seen.append(as_seen(full))
        return seen

    def _turn(self, own: dict[int, str]) -> set[int]:
        """The VM ids of desktops that are read individually in this round."""
        order = sorted(own, key=lambda vmid: (vmid <= self._cursor, vmid))[:CLOSE_READINGS]
        self._cursor = order[-1] if order else 0
        with self._db.read() as session:
            noticed = session.scalars(
                select(FindingRow.vmid).where(
                    FindingRow.resolved_at.is_(None), FindingRow.kind.in_(SEEN_CLOSELY)
                )
            )
            return {*order, *(vmid for vmid in noticed if vmid)}

    def _memory(
        self,
        desktops: Sequence[KnownDesktop],
        seen: Sequence[SeenContainer],
        nodes: frozenset[str],
    ) -> Memory:
        known = {desktop.public_id for desktop in desktops}
        marks = {container.mark.desktop_id for container in seen if container.mark}
        with self._db.read() as session:
            return self._book.memory(session, marks - known, nodes, self._clock.now())

    def _held(self) -> list[Finding]:
        """Findings for reservations of desktops that have ended."""
        query = select(Desktop.public_id, Desktop.vmid, Desktop.address)
        held = Desktop.id.in_(select(VmidReservation.desktop_id)) | Desktop.id.in_(
            select(AddressReservation.desktop_id)
        )
        with self._db.read() as session:
            rows = session.execute(query.where(Desktop.state == State.ENDED, held)).all()
        return [
            Finding(Kind.RESERVED, row.vmid, desktop_id=row.public_id, address=row.address)
            for row in rows
        ]

    # -- writing down -----------------------------------------------------------------------------

    def _note(self, comparison: Comparison) -> list[FindingRow]:
        now = self._clock.now()
        with self._db.begin() as session:
            rows = self._book.note(
                session,
                comparison.findings,
                now,
                known=len(comparison.desktops),
                is_partial=bool(comparison.silent),
            )
            if _is_database_old(comparison, rows, now):
                self._bear_with_old_database(session, now)
            self._book.watch(session, comparison.nodes - comparison.silent, now)
        for row in rows:
            if row.first_seen_at == now:
                log.warning("%s %s", row.answer.means, row.detail, extra=_about(row))
        return list(rows)

    def _bear_with_old_database(self, session: Session, now: datetime) -> None:
        """Postpone expiry and reuse, since the database seems older than the containers.

        A desktop that is overdue in the database may have been extended, and one that is unused in
        it may have an owner by now. The first gets NOTICE more time, the second leaves the pool,
        and neither is destroyed at once. docs/decisions/0011 has the reasons.
        """
        keep_until = now + longest_life(session)
        for desktop in session.scalars(
            select(Desktop).where(Desktop.state.in_((State.WARM, State.READY)))
        ):
            if desktop.state == State.WARM:
                request_end(desktop, EndReason.POLICY, now, not_before=keep_until)
            elif desktop.deadline_at and desktop.deadline_at < now + NOTICE:
                desktop.deadline_at = now + NOTICE
        paused = Desktop.state.in_((State.PAUSING, State.PAUSED))
        kept_briefly = select(Desktop).where(paused, Desktop.paused_until < now + NOTICE)
        for desktop in session.scalars(kept_briefly):
            desktop.paused_until = now + NOTICE
        self._audit.record(session, SYSTEM, "database.old", detail="containers it does not know")

    # -- acting -----------------------------------------------------------------------------------

    def _act(self, row: FindingRow, desktop: KnownDesktop | None) -> None:
        act = ANSWERS[row.kind].act
        if row.kind in _OF_POWER and desktop:
            self._confirm_power(row, desktop)
        elif act is Action.FOLLOW:
            self._follow(row)
        elif act is Action.FREE:
            self._free(row)
        elif act is Action.DESTROY and row.due_at and row.due_at <= self._clock.now():
            self._destroy(row)

    def _confirm_power(self, row: FindingRow, desktop: KnownDesktop) -> None:
        """Check directly a container that is missing, or down or running contrary to its desktop's
        state; then update or end the desktop's row."""
        try:
            container = self._hypervisor.container(desktop.vmid)
        except OutsideFailed as error:
            log.warning("State unknown, no action taken: %s", error, extra=_about(row))
            return
        seen = as_seen(container) if container else None
        kind = find_power(self._config.portal_id, desktop, seen)
        if kind is None:
            self._write(row, lambda found: resolve(found, self._clock.now(), "It was there."))
            return
        now = self._clock.now()
        with self._db.begin() as session:
            found = self._free_desktop(session, row, now)
            # the finding may be outdated: the desktop was paused or resumed since
            if found is None or found.state_at != desktop.state_at:
                return
            outcome = self._set_right(session, found, kind, now)
            self._resolve(session, row, outcome)

    def _set_right(self, session: Session, desktop: Desktop, kind: Kind, now: datetime) -> str:
        """Correct the desktop. Returns what was done, as text."""
        if kind is Kind.SHUT_DOWN:
            until = now + timedelta(minutes=desktop.template.max_pause_minutes or 0)
            find_paused(desktop, until, now)
            self._audit.record(session, SYSTEM, "desktop.found_shut_down", desktop.public_id)
            return "The desktop is paused."
        if kind is Kind.STARTED:
            begin_resume(desktop, now)
            self._audit.record(session, SYSTEM, "desktop.found_started", desktop.public_id)
            return "The desktop is resumed."
        end_lost(session, self._audit, desktop, Loss[kind.name], now)
        return "The desktop ended as lost."

    def _follow(self, row: FindingRow) -> None:
        with self._db.begin() as session:
            desktop = self._free_desktop(session, row, self._clock.now())
            if desktop is None:
                return
            desktop.node = row.node
            self._audit.record(session, SYSTEM, "desktop.moved", desktop.public_id, row.detail)
            self._resolve(session, row, "Winux follows it.")

    def _free(self, row: FindingRow) -> None:
        with self._db.begin() as session:
            ended = select(Desktop.id).where(
                Desktop.public_id == row.desktop_id, Desktop.state == State.ENDED
            )
            for table in (VmidReservation, AddressReservation):
                session.execute(delete(table).where(table.desktop_id.in_(ended)))
            self._audit.record(session, SYSTEM, "reservation.free", row.desktop_id)
            self._resolve(session, row, "It is free again.")

    def _destroy(self, row: FindingRow) -> None:
        if self._is_claimed(row):
            return
        self._provisioner.destroy(row.desktop_id, row.vmid or 0, node=row.node)
        with self._db.begin() as session:
            self._audit.record(
                session, SYSTEM, "container.destroy", row.desktop_id, f"{row.kind} {row.vmid}"
            )
            self._resolve(session, row, "The container was destroyed.")
        log.warning("Destroyed %s container %s", row.kind, row.vmid, extra=_about(row))

    def _is_claimed(self, row: FindingRow) -> bool:
        """Whether the container belongs to a live desktop by now."""
        with self._db.read() as session:
            found = session.scalar(
                select(Desktop.id).where(
                    Desktop.public_id == row.desktop_id,
                    Desktop.vmid == row.vmid,
                    Desktop.state.in_(HOLDS_RESOURCES),
                )
            )
        return found is not None

    def _free_desktop(self, session: Session, row: FindingRow, now: datetime) -> Desktop | None:
        """The desktop of a finding, locked; None if a worker holds it by now."""
        desktop = session.scalar(
            select(Desktop)
            .where(Desktop.public_id == row.desktop_id, Desktop.vmid == row.vmid)
            .with_for_update(of=Desktop)
        )
        is_in_work = desktop and desktop.worked_until and desktop.worked_until >= now
        return None if is_in_work else desktop

    def _resolve(self, session: Session, row: FindingRow, outcome: str) -> None:
        """Resolve the finding in the stored row and in the caller's copy."""
        now = self._clock.now()
        resolve(row, now, outcome)
        if stored := session.get(FindingRow, row.id):
            resolve(stored, now, outcome)

    def _write(self, row: FindingRow, change: Callable[[FindingRow], None]) -> None:
        change(row)
        with self._db.begin() as session:
            if stored := session.get(FindingRow, row.id):
                change(stored)


#: Kinds of findings about whether a container exists and runs.
_OF_POWER = frozenset({Kind.GONE, Kind.STOPPED, Kind.REPLACED, Kind.SHUT_DOWN, Kind.STARTED})


def _is_database_old(comparison: Comparison, rows: Sequence[FindingRow], now: datetime) -> bool:
    """Whether this round found a new container that the database has forgotten (has no row for)."""
    known = {desktop.public_id for desktop in comparison.desktops}
    return any(
        row.kind is Kind.FORGOTTEN and row.first_seen_at == now and row.desktop_id not in known
        for row in rows
    )


def _hinder(row: FindingRow, words: str) -> None:
    row.outcome = words[:300]


def _about(row: FindingRow) -> dict[str, str]:
    return {"desktop": row.desktop_id}
