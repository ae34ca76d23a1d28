"""Data for the pages: read-only, with a fixed number of queries each, without secrets."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from webapp.domain.access import Action
from webapp.domain.audit.actions import NOT_FOUND
from webapp.domain.desktops.estimate import (
    ASSIGN_STEPS,
    BUILD_STEPS,
    PAUSE_STEPS,
    RESUME_STEPS,
    estimate,
    progress,
)
from webapp.domain.states import AT_REST, HOLDS_RESOURCES, LIVE, State
from webapp.domain.upkeep.health import WORKER_SILENT
from webapp.models import AuditEntry, Desktop, DesktopStep, Person, Template, WorkerBeat
from webapp.ports import Clock, Database
from webapp.services.audit.record import Actor
from webapp.services.desktop_access import find_desktop
from webapp.services.desktops.claim import count_warm
from webapp.services.desktops.guest_troubles import is_marked
from webapp.services.paging import PAGE_SIZE, Page

#: Number of launches that an estimate is based on.
MEASURED = 20


@dataclass(frozen=True)
class Offer:
    """A template as a launch card shows it."""

    template: Template
    usual: timedelta | None
    """Usual time from click to ready, measured; None before the first launch."""
    warm: int
    """Number of launches that a warm desktop can serve now."""


@dataclass(frozen=True)
class StepView:
    """One step of a build; `elapsed` is None until it begins."""

    name: str
    words: str
    elapsed: timedelta | None
    is_done: bool
    is_running: bool


@dataclass(frozen=True)
class BuildView:
    """The progress of a launch."""

    steps: list[StepView]
    progress: float
    """0 to 1."""
    elapsed: timedelta
    usual: timedelta | None
    is_pause: bool = False
    """Whether it is a pause or a resume instead of a launch."""


@dataclass(frozen=True)
class DesktopFilter:
    """The filter of an admin's list."""

    text: str = ""
    """Part of the desktop's id, owner's name, address or VM id."""
    states: frozenset[State] = frozenset()
    has_failed: bool = False
    """Only desktops that failed, whatever their state is now."""
    is_marked: bool = False
    """Only desktops whose last answer was invalid or missing."""
    sort: str = "created"
    is_descending: bool = True
    page: int = 1


@dataclass(frozen=True)
class Overview:
    """The numbers at the top of the admin's pages."""

    by_state: dict[State, int]
    launches_today: int
    failures_today: int
    people: int


@dataclass(frozen=True)
class Readiness:
    """Whether the portal can work; `troubles` maps a part to its problem and the remedy."""

    troubles: dict[str, str]

    @property
    def is_ready(self) -> bool:
        return not self.troubles


SORTS: dict[str, Any] = {
    "created": Desktop.created_at,
    "id": Desktop.public_id,
    "state": Desktop.state,
    "owner": Person.name,
    "template": Template.name,
    "node": Desktop.node,
    "address": Desktop.address,
    "deadline": Desktop.deadline_at,
}


class Reports:
    """Reads for the pages, the command line and the health checks."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    # -- for a person ---------------------------------------------------------------------------

    def offers(self) -> list[Offer]:
        """The templates that can be launched, with their measured times."""
        with self._db.read() as session:
            templates = session.scalars(
                select(Template).where(Template.is_enabled).order_by(Template.name)
            ).all()
            warm = count_warm(session, self._clock.now())
            return [
                Offer(one, self._usual(session, one.id), warm.get(one.id, 0)) for one in templates
            ]

    def live_desktops(self, person_id: int) -> list[Desktop]:
        """The person's desktops that have not ended, oldest first."""
        with self._db.read() as session:
            return list(
                session.scalars(
                    select(Desktop)
                    .where(
                        Desktop.owner_id == person_id,
                        Desktop.state.in_(LIVE | {State.FAILED, State.STOPPING}),
                    )
                    .order_by(Desktop.launched_at)
                )
            )

    def history(self, person_id: int, page: int) -> Page[Desktop]:
        """All desktops the person ever had, newest first."""
        query = select(Desktop).where(Desktop.owner_id == person_id)
        with self._db.read() as session:
            return _page(session, query, [Desktop.launched_at.desc(), Desktop.id.desc()], page)

    def desktop(
        self, actor: Actor, public_id: str, *, steps_in: Collection[State] = frozenset(State)
    ) -> Desktop:
        """Returns a desktop. Raises NotFound unless the actor may see it.

        Its steps are loaded if its state is in `steps_in`.
        """
        with self._db.read() as session:
            desktop = find_desktop(session, actor, Action.DESKTOP_SEE, public_id)
            if desktop.state in steps_in:
                session.refresh(desktop, ["steps"])
        return desktop

    def build(self, desktop: Desktop) -> BuildView:
        """The progress of the launch of `desktop` (as `desktop()` returns it)."""
        now = self._clock.now()
        if desktop.state in AT_REST:
            return self._pause_view(desktop, now)
        with self._db.read() as session:
            usual = self._usual(session, desktop.template_id, is_from_pool=_is_from_pool(desktop))
        steps = _steps(desktop, now)
        elapsed = (desktop.ready_at or now) - desktop.asked_at
        done = sum(step.is_done for step in steps)
        return BuildView(
            steps=steps,
            progress=1.0
            if desktop.state == State.READY
            else progress(elapsed, usual, done, len(steps)),
            elapsed=elapsed,
            usual=usual,
        )

    def _pause_view(self, desktop: Desktop, now: datetime) -> BuildView:
        """The progress of a pause or a resume, estimated from the same steps of other desktops."""
        steps = _steps(desktop, now)
        with self._db.read() as session:
            usual = [_usual_step(session, step.name) for step in steps]
        done = sum(step.is_done for step in steps)
        elapsed = now - desktop.state_at
        whole = sum(filter(None, usual), timedelta()) if all(usual) else None
        share = progress(elapsed, whole, done, len(steps))
        return BuildView(steps, share, elapsed, whole, is_pause=True)

    def activity(self, public_id: str, limit: int = 20) -> list[tuple[AuditEntry, str | None]]:
        """The audit entries of one desktop, newest first, with the names of the people who
        acted."""
        with self._db.read() as session:
            rows = session.execute(
                select(AuditEntry, Person.name)
                .outerjoin(Person, Person.id == AuditEntry.person_id)
                .where(
                    AuditEntry.subject == public_id,
                    # attempts of people without access are shown only to administrators
                    func.coalesce(AuditEntry.reason, "") != NOT_FOUND,
                )
                .order_by(AuditEntry.id.desc())
                .limit(limit)
            )
            return [(entry, name) for entry, name in rows]

    # -- for an admin ---------------------------------------------------------------------------

    def all_desktops(self, wanted: DesktopFilter) -> Page[Desktop]:
        """The desktops of all people and pools, filtered and sorted, a page at a time."""
        query = select(Desktop).outerjoin(Desktop.owner).join(Desktop.template)
        if wanted.states:
            query = query.where(Desktop.state.in_(wanted.states))
        if wanted.has_failed:
            query = query.where(Desktop.failure.is_not(None))
        if wanted.is_marked:
            query = query.where(is_marked())
        if wanted.text:
            query = query.where(_matches(wanted.text))
        column = SORTS.get(wanted.sort, Desktop.created_at)
        order = column.desc() if wanted.is_descending else column.asc()
        with self._db.read() as session:
            return _page(session, query, [order, Desktop.id.desc()], wanted.page)

    def overview(self) -> Overview:
        """Current numbers, and those of today (UTC)."""
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        with self._db.read() as session:
            by_state = session.execute(
                select(Desktop.state, func.count())
                .where(Desktop.state.in_(HOLDS_RESOURCES))
                .group_by(Desktop.state)
            )
            today = Desktop.launched_at >= midnight
            return Overview(
                by_state={row.state: row[1] for row in by_state},
                launches_today=session.scalar(select(func.count()).where(today)) or 0,
                failures_today=session.scalar(
                    select(func.count()).where(today, Desktop.failure.is_not(None))
                )
                or 0,
                people=session.scalar(select(func.count(Person.id))) or 0,
            )

    def latest_audit(self, limit: int = 10) -> list[tuple[AuditEntry, str | None]]:
        """The newest audit entries, with the names of the people who acted."""
        with self._db.read() as session:
            rows = session.execute(
                select(AuditEntry, Person.name)
                .outerjoin(Person, Person.id == AuditEntry.person_id)
                .order_by(AuditEntry.id.desc())
                .limit(limit)
            )
            return [(entry, name) for entry, name in rows]

    def readiness(self) -> Readiness:
        """Reports what prevents the portal from working, from the database alone.

        Raises OutsideFailed if the database does not answer.
        """
        now = self._clock.now()
        with self._db.read() as session:
            beat = session.scalars(
                select(WorkerBeat).order_by(WorkerBeat.seen_at.desc()).limit(1)
            ).first()
            has_template = session.scalar(select(func.count()).where(Template.is_enabled))
        troubles: dict[str, str] = {}
        if beat is None or now - beat.seen_at > WORKER_SILENT:
            troubles["worker"] = "No worker is running; start one with: ./winux worker"
        elif beat.proxmox_trouble:
            troubles["proxmox"] = beat.proxmox_trouble
        if not has_template:
            troubles["template"] = "No template is published; see docs/operations."
        return Readiness(troubles)

    # -- parts ----------------------------------------------------------------------------------

    def _usual(
        self, session: Session, template_id: int, *, is_from_pool: bool = False
    ) -> timedelta | None:
        """Usual time from click to ready: of desktops built for their owner, or of pool desktops
        that had to be assigned first."""
        had_to_wait = Desktop.ready_at > Desktop.launched_at
        times = session.execute(
            select(Desktop.launched_at, Desktop.ready_at)
            .where(
                Desktop.template_id == template_id,
                Desktop.warmed_at.is_not(None) if is_from_pool else Desktop.warmed_at.is_(None),
                had_to_wait,
            )
            .order_by(Desktop.ready_at.desc())
            .limit(MEASURED)
        )
        return estimate(
            [ready_at - launched_at for launched_at, ready_at in times if launched_at and ready_at]
        )


def _usual_step(session: Session, name: str) -> timedelta | None:
    """The usual duration of a step, from its latest runs in any desktop."""
    rows = session.execute(
        select(DesktopStep.started_at, DesktopStep.finished_at)
        .where(DesktopStep.name == name, DesktopStep.finished_at.is_not(None))
        .order_by(DesktopStep.id.desc())
        .limit(MEASURED)
    )
    return estimate([finished - started for started, finished in rows if finished])


def _is_from_pool(desktop: Desktop) -> bool:
    """Whether it was claimed from the pool: its owner waits only for the assignment."""
    return desktop.warmed_at is not None and desktop.launched_at is not None


def _steps(desktop: Desktop, now: datetime) -> list[StepView]:
    """All steps in order. For a step that ran more than once, the last start counts."""
    names = ASSIGN_STEPS if _is_from_pool(desktop) else BUILD_STEPS
    since = desktop.launched_at if _is_from_pool(desktop) else None
    if desktop.state in AT_REST:
        names = RESUME_STEPS if desktop.state == State.RESUMING else PAUSE_STEPS
        since = desktop.state_at
    seen = {step.name: step for step in desktop.steps if since is None or step.started_at >= since}
    views = []
    for name, words in names.items():
        step = seen.get(name)
        finished = step.finished_at if step else None
        views.append(
            StepView(
                name=name,
                words=words,
                elapsed=(finished or now) - step.started_at if step else None,
                is_done=finished is not None,
                is_running=step is not None and finished is None,
            )
        )
    return views


def _matches(text: str) -> ColumnElement[bool]:
    """Selects rows that contain `text`; % and _ in it are literal."""
    places: list[ColumnElement[bool]] = [
        Desktop.public_id.icontains(text, autoescape=True),
        Person.name.icontains(text, autoescape=True),
        Desktop.address.icontains(text, autoescape=True),
    ]
    if text.isascii() and text.isdigit() and len(text) < 10:
        places.append(Desktop.vmid == int(text))
    return or_(*places)


def _page(
    session: Session, query: Select[Desktop], order: Sequence[Any], number: int
) -> Page[Desktop]:
    total = (
        session.scalar(
            select(func.count()).select_from(query.with_only_columns(Desktop.id).subquery())
        )
        or 0
    )
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(number, 1), pages)
    # Sort and page by id first: a desktop with its owner and template is a wide row.
    ids = session.scalars(
        query.with_only_columns(Desktop.id)
        .order_by(*order)
        .limit(PAGE_SIZE)
        .offset((number - 1) * PAGE_SIZE)
    ).all()
    found = {row.id: row for row in session.scalars(select(Desktop).where(Desktop.id.in_(ids)))}
    return Page([found[one] for one in ids if one in found], number, pages, total)
