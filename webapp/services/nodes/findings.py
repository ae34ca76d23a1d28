"""Stores what reconciliation found (new, seen again, resolved), and reads it for page and
command."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, select
from sqlalchemy.orm import Session

from webapp.domain.states import State
from webapp.domain.upkeep.drift import (
    ANSWERS,
    Action,
    Finding,
    Kind,
    Memory,
    due_at,
    is_mass,
    is_watched,
)
from webapp.models import Desktop, FindingRow, Template, Watch
from webapp.ports import Clock, Database

#: How long resolved findings are shown and kept.
REMEMBER = timedelta(days=30)
SHOWN = 100
#: Kinds of containers whose VM id and address must not be reserved for a desktop.
FOREIGN_KINDS = (Kind.LEAK, Kind.ORPHAN, Kind.FORGOTTEN, Kind.FOREIGN)
#: Kinds that are found only by reading the container itself.
SEEN_CLOSELY = (Kind.UNMARKED, Kind.READDRESSED)
MASS_WORDS = (
    "Kept, because too many containers are unknown: the database may be old or the wrong one. "
    "Restore the right one, adopt them, or remove them with playbooks/destroy-winux-session.yml."
)


class FindingBook:
    """Reads and writes findings in the caller's session."""

    def __init__(self, quarantine: timedelta, every: timedelta) -> None:
        self._quarantine = quarantine
        self._every = every
        self._watched: dict[str, datetime] = {}

    def memory(
        self, session: Session, strays: Collection[str], nodes: Collection[str], now: datetime
    ) -> Memory:
        """Returns what the database has about `strays`: desktops that are named by marks but are
        not live.

        If this process checked a node later than the database records, the database was replaced
        by an older one while the process ran. The node then does not count as watched.
        """
        rows = {row.node: row.looked_at for row in session.scalars(select(Watch))}
        watched = {
            node
            for node in nodes
            if is_watched(rows.get(node), now, self._every)
            and rows[node] >= self._watched.get(node, rows[node])
        }
        ended = select(Desktop.public_id).where(
            Desktop.public_id.in_(strays), Desktop.state == State.ENDED
        )
        forgotten = select(FindingRow.desktop_id).where(
            FindingRow.kind == Kind.FORGOTTEN, FindingRow.resolved_at.is_(None)
        )
        return Memory(set(session.scalars(ended)), set(session.scalars(forgotten)), watched)

    def note(
        self,
        session: Session,
        findings: Iterable[Finding],
        now: datetime,
        *,
        known: int,
        is_partial: bool,
    ) -> Sequence[FindingRow]:
        """Store new and repeated findings, resolve those no longer found, return the open rows.

        While a node is silent (`is_partial`) nothing is resolved: it may only be invisible.
        """
        is_open = open_rows(session)
        rows = []
        for finding in findings:
            row = is_open.pop(finding.about, None) or _add(session, finding, now)
            row.node, row.address, row.detail = finding.node, finding.address, finding.detail[:300]
            row.seen_at = now
            rows.append(row)
        for row in is_open.values():
            if not is_partial or row.kind is Kind.SILENT:
                resolve(row, now, "It is over.")
        self._set_due(session, rows, known)
        session.execute(delete(FindingRow).where(FindingRow.resolved_at < now - REMEMBER))
        return rows

    def watch(self, session: Session, nodes: Collection[str], now: datetime) -> None:
        """Record that these nodes were listed completely."""
        for node in nodes:
            row = session.get(Watch, node) or Watch(node=node)
            row.looked_at = self._watched[node] = now
            session.add(row)

    def _set_due(self, session: Session, rows: Sequence[FindingRow], known: int) -> None:
        unknown = [row for row in rows if row.kind in (Kind.ORPHAN, Kind.FORGOTTEN)]
        mass = is_mass(len(unknown), known)
        life = longest_life(session) if unknown else timedelta()
        for row in rows:
            if ANSWERS[row.kind].act is not Action.DESTROY:
                continue
            is_kept = mass and row in unknown
            row.due_at = (
                None if is_kept else due_at(row.kind, row.first_seen_at, self._quarantine, life)
            )
            if is_kept or row.outcome == MASS_WORDS:
                row.outcome = MASS_WORDS if is_kept else None


class FindingReports:
    """Reads findings for the page and the command line."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def now_open(self) -> list[FindingRow]:
        """All open findings, oldest first."""
        query = select(FindingRow).where(FindingRow.resolved_at.is_(None))
        with self._db.read() as session:
            return list(session.scalars(query.order_by(FindingRow.first_seen_at, FindingRow.id)))

    def latest_over(self) -> list[FindingRow]:
        """The latest resolved findings, newest first."""
        query = select(FindingRow).where(FindingRow.resolved_at.is_not(None))
        with self._db.read() as session:
            return list(
                session.scalars(
                    query.order_by(FindingRow.resolved_at.desc(), FindingRow.id).limit(SHOWN)
                )
            )

    def looked_at(self) -> datetime | None:
        """When a node was last listed completely."""
        with self._db.read() as session:
            return session.scalar(select(func.max(Watch.looked_at)))


def open_rows(session: Session) -> dict[tuple[Kind, int | None, str, str | None], FindingRow]:
    """Open findings by subject. Deletes the newer one of two (from simultaneous workers)."""
    rows: dict[tuple[Kind, int | None, str, str | None], FindingRow] = {}
    query = select(FindingRow).where(FindingRow.resolved_at.is_(None)).order_by(FindingRow.id)
    for row in session.scalars(query):
        about = _about(row)
        if about in rows:
            session.delete(row)
        else:
            rows[about] = row
    return rows


def resolve(row: FindingRow, now: datetime, outcome: str) -> None:
    """Mark the finding as resolved."""
    row.resolved_at, row.outcome, row.due_at = now, outcome[:300], None


def longest_life(session: Session) -> timedelta:
    """The maximum lifetime of a desktop of any template: in the pool, then with a person, and
    paused once."""
    pause = func.coalesce(Template.max_pause_minutes, 0)
    whole = Template.max_minutes + Template.pool_max_age_minutes + pause
    minutes = session.scalar(select(func.max(whole)))
    return timedelta(minutes=minutes or 0)


def foreign_vmids(session: Session) -> set[int]:
    """VM ids in use by containers that belong to no desktop."""
    rows = session.scalars(select(FindingRow.vmid).where(_IS_FOREIGN))
    return {vmid for vmid in rows if vmid is not None}


def foreign_addresses(session: Session) -> set[str]:
    """Addresses in use by containers that belong to no desktop."""
    rows = session.scalars(select(FindingRow.address).where(_IS_FOREIGN))
    return {address for address in rows if address}


_IS_FOREIGN = and_(FindingRow.resolved_at.is_(None), FindingRow.kind.in_(FOREIGN_KINDS))


def _about(row: FindingRow) -> tuple[Kind, int | None, str, str | None]:
    return Finding(row.kind, row.vmid, row.node, row.desktop_id).about


def _add(session: Session, finding: Finding, now: datetime) -> FindingRow:
    row = FindingRow(
        kind=finding.kind,
        vmid=finding.vmid,
        desktop_id=finding.desktop_id,
        first_seen_at=now,
        seen_at=now,
    )
    session.add(row)
    return row
