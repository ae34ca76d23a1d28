"""The rows of what reconciliation found: noted, seen again, over; and read by page and command."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, select
from sqlalchemy.orm import Session

from webapp.domain.states import State
from webapp.domain.upkeep.drift import (
    ANSWERS,
    Act,
    Finding,
    Kind,
    Memory,
    due_at,
    is_mass,
    is_watched,
)
from webapp.models import Desktop, FindingRow, Template, Watch
from webapp.ports import Clock, Database

#: What is over is shown and kept for so long.
REMEMBER = timedelta(days=30)
SHOWN = 100
#: Kinds of containers whose VM id and address no desktop may be given.
STRANGERS = (Kind.LEAK, Kind.ORPHAN, Kind.FORGOTTEN, Kind.FOREIGN)
#: Kinds that only a close look can see.
SEEN_CLOSELY = (Kind.UNMARKED, Kind.READDRESSED)
MASS_WORDS = (
    "Kept, as so many containers are unknown: the database may be an old or a wrong one. "
    "Restore the right one, adopt them, or remove them with playbooks/destroy-winux-session.yml."
)


class FindingBook:
    """Reads and writes findings; the sessions are its callers'."""

    def __init__(self, quarantine: timedelta, every: timedelta) -> None:
        self._quarantine = quarantine
        self._every = every
        self._watched: dict[str, datetime] = {}

    def memory(
        self, session: Session, strays: Collection[str], nodes: Collection[str], now: datetime
    ) -> Memory:
        """What the database remembers of the desktops named by marks that nobody accounts for.

        A node that this process looked at later than the database says was watched by another
        database: ours was replaced by an older one under our hands.
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
        """Write down what is found, and that what is not found any more is over; the open rows.

        While a node is silent nothing is over: it may only be out of sight.
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
        """These nodes were seen whole."""
        for node in nodes:
            row = session.get(Watch, node) or Watch(node=node)
            row.looked_at = self._watched[node] = now
            session.add(row)

    def _set_due(self, session: Session, rows: Sequence[FindingRow], known: int) -> None:
        unknown = [row for row in rows if row.kind in (Kind.ORPHAN, Kind.FORGOTTEN)]
        mass = is_mass(len(unknown), known)
        life = longest_life(session) if unknown else timedelta()
        for row in rows:
            if ANSWERS[row.kind].act is not Act.DESTROY:
                continue
            is_kept = mass and row in unknown
            row.due_at = (
                None if is_kept else due_at(row.kind, row.first_seen_at, self._quarantine, life)
            )
            if is_kept or row.outcome == MASS_WORDS:
                row.outcome = MASS_WORDS if is_kept else None


class FindingReports:
    """What page and command line show of them."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def now_open(self) -> list[FindingRow]:
        """All that are not over, oldest first."""
        query = select(FindingRow).where(FindingRow.resolved_at.is_(None))
        with self._db.read() as session:
            return list(session.scalars(query.order_by(FindingRow.first_seen_at, FindingRow.id)))

    def latest_over(self) -> list[FindingRow]:
        """The latest that are over, newest first."""
        query = select(FindingRow).where(FindingRow.resolved_at.is_not(None))
        with self._db.read() as session:
            return list(
                session.scalars(
                    query.order_by(FindingRow.resolved_at.desc(), FindingRow.id).limit(SHOWN)
                )
            )

    def looked_at(self) -> datetime | None:
        """When a node was last seen whole."""
        with self._db.read() as session:
            return session.scalar(select(func.max(Watch.looked_at)))


def open_rows(session: Session) -> dict[tuple[Kind, int | None, str, str | None], FindingRow]:
    """What is open, by what it is about; of two (from two workers at once) the older one."""
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
    """It is over."""
    row.resolved_at, row.outcome, row.due_at = now, outcome[:300], None


def longest_life(session: Session) -> timedelta:
    """The longest that a desktop of any template can live: in the pool, then with a person, and
    paused once."""
    pause = func.coalesce(Template.max_pause_minutes, 0)
    whole = Template.max_minutes + Template.pool_max_age_minutes + pause
    minutes = session.scalar(select(func.max(whole)))
    return timedelta(minutes=minutes or 0)


def stranger_vmids(session: Session) -> set[int]:
    """VM ids that containers of no desktop hold."""
    rows = session.scalars(select(FindingRow.vmid).where(_IS_STRANGER))
    return {vmid for vmid in rows if vmid is not None}


def stranger_addresses(session: Session) -> set[str]:
    """Addresses that containers of no desktop hold."""
    rows = session.scalars(select(FindingRow.address).where(_IS_STRANGER))
    return {address for address in rows if address}


_IS_STRANGER = and_(FindingRow.resolved_at.is_(None), FindingRow.kind.in_(STRANGERS))


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
