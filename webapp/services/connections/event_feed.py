"""The state of all listeners' desktops and rights, in one read for any number of listeners."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action, Kind, Resource, Subject, may, subject_of_key
from webapp.domain.connections.desktop_events import DesktopSnapshot, StepSnapshot
from webapp.domain.desktops.estimate import ASSIGN_STEPS, BUILD_STEPS, PAUSE_STEPS, RESUME_STEPS
from webapp.domain.people.keys import is_good
from webapp.domain.states import State
from webapp.models import ApiKey, Desktop, DesktopStep, SignIn, Template
from webapp.ports import Clock, Database
from webapp.services.people.sign_ins import is_live

#: How long the end of a desktop is sent to listeners that follow all their desktops.
END_IS_NEWS = timedelta(minutes=1)
#: A step that ended with its build is sent within this time after it.
STEPS_ARE_NEWS = timedelta(seconds=10)


@dataclass(frozen=True)
class Proof:
    """A listener's credential, checked at every read: an API key or a sign-in."""

    person_id: int
    key_id: int | None = None
    sign_in_id: int | None = None


@dataclass(frozen=True)
class Subscription:
    """A listener's credential, and what it follows: one desktop, or (None) all its own."""

    proof: Proof
    public_id: str | None = None


@dataclass
class DesktopSnapshots:
    """The result of one read."""

    subjects: dict[Proof, Subject] = field(default_factory=dict)
    """The proofs that are still valid, and who each of them is."""
    desktops: dict[str, tuple[int | None, DesktopSnapshot]] = field(default_factory=dict)
    """By public id, with the owner's id."""

    def holds(self, proof: Proof) -> bool:
        """Whether the key or sign-in is still valid."""
        return proof in self.subjects

    def of(self, subscription: Subscription) -> list[DesktopSnapshot]:
        """The desktops that it may see; empty if its desktop does not exist or is not its own."""
        if subscription.public_id is None:
            own = self.desktops.values()
            return [sight for owner, sight in own if owner == subscription.proof.person_id]
        owner, sight = self.desktops.get(subscription.public_id, (None, None))
        subject = self.subjects.get(subscription.proof)
        if sight is None or subject is None:
            return []
        resource = Resource(Kind.DESKTOP, owner)
        return [sight] if may(subject, Action.DESKTOP_SEE, resource) else []


class EventFeed:
    """Reads for the gateways' event listeners."""

    def __init__(self, db: Database, clock: Clock, config: Config) -> None:
        self._db = db
        self._clock = clock
        self._config = config

    def look(
        self, subscriptions: Collection[Subscription], *, is_first: bool = False
    ) -> DesktopSnapshots:
        """Returns everything that these listeners may see now, in at most four queries.

        The steps of desktops that have been ready for long are read only on the first call.
        """
        if not subscriptions:
            return DesktopSnapshots()
        with self._db.read() as session:
            subjects = self._subjects(session, {one.proof for one in subscriptions})
            good = [one for one in subscriptions if one.proof in subjects]
            rows = session.execute(_desktops().where(self._is_wanted(good))).all()
            since = self._clock.now() - STEPS_ARE_NEWS
            fresh = [one.id for one in rows if is_first or _moves(one, since)]
            steps = _steps(session, fresh)
        seen = {one.public_id: (one.owner_id, _sight(one, steps.get(one.id, []))) for one in rows}
        return DesktopSnapshots(subjects, seen)

    def _subjects(self, session: Session, proofs: Collection[Proof]) -> dict[Proof, Subject]:
        keys, sign_ins = self._keys(session, proofs), self._sign_ins(session, proofs)
        found = {
            proof: sign_ins.get(proof.sign_in_id)
            if proof.key_id is None
            else keys.get(proof.key_id)
            for proof in proofs
        }
        return {proof: subject for proof, subject in found.items() if subject is not None}

    def _keys(self, session: Session, proofs: Iterable[Proof]) -> dict[int | None, Subject]:
        wanted = [proof.key_id for proof in proofs if proof.key_id is not None]
        if not wanted:
            return {}
        now = self._clock.now()
        return {
            key.id: subject_of_key(key.person_id, key.person.role, key.scopes)
            for key in session.scalars(select(ApiKey).where(ApiKey.id.in_(wanted)))
            if is_good(key.standing, now)
        }

    def _sign_ins(self, session: Session, proofs: Iterable[Proof]) -> dict[int | None, Subject]:
        wanted = [proof.sign_in_id for proof in proofs if proof.sign_in_id is not None]
        if not wanted:
            return {}
        now = self._clock.now()
        return {
            row.id: Subject(row.person_id, role=row.person.role)
            for row in session.scalars(select(SignIn).where(SignIn.id.in_(wanted)))
            if is_live(row, self._config, now)
        }

    def _is_wanted(self, subscriptions: Collection[Subscription]) -> ColumnElement[bool]:
        ids = {
            subscription.public_id
            for subscription in subscriptions
            if subscription.public_id is not None
        }
        people = {
            subscription.proof.person_id
            for subscription in subscriptions
            if subscription.public_id is None
        }
        is_news = or_(
            Desktop.state != State.ENDED, Desktop.ended_at > self._clock.now() - END_IS_NEWS
        )
        return or_(Desktop.public_id.in_(ids), and_(Desktop.owner_id.in_(people), is_news))


def _desktops() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Desktop.id,
            Desktop.public_id,
            Desktop.owner_id,
            Desktop.state,
            Desktop.state_at,
            Desktop.deadline_at,
            Desktop.end_reason,
            Desktop.warmed_at,
            Desktop.launched_at,
            Template.name.label("template"),
        )
        .join(Template, Template.id == Desktop.template_id)
        .where(Desktop.launched_at.is_not(None))
    )


_HAS_STEPS = (State.BUILDING, State.ASSIGNING, State.PAUSING, State.RESUMING)


def _moves(row: Row[*tuple[Any, ...]], since: datetime) -> bool:
    """Whether its steps may have changed."""
    return row.state in _HAS_STEPS or row.state_at > since


def _steps(session: Session, desktop_ids: list[int]) -> dict[int, list[Row[*tuple[Any, ...]]]]:
    if not desktop_ids:
        return {}
    rows = session.execute(
        select(
            DesktopStep.id,
            DesktopStep.desktop_id,
            DesktopStep.name,
            DesktopStep.started_at,
            DesktopStep.finished_at,
        )
        .where(DesktopStep.desktop_id.in_(desktop_ids))
        .order_by(DesktopStep.desktop_id, DesktopStep.id)
    )
    return {one: list(steps) for one, steps in groupby(rows, lambda step: step.desktop_id)}


def _sight(row: Row[*tuple[Any, ...]], steps: list[Row[*tuple[Any, ...]]]) -> DesktopSnapshot:
    names, since = _names(row)
    theirs: dict[str, StepSnapshot] = {}
    for step in steps:
        if step.name in names and (since is None or step.started_at >= since):
            title = names[step.name]
            sight = StepSnapshot(step.id, step.name, title, step.started_at, step.finished_at)
            theirs.setdefault(step.name, sight)  # a later pause has steps of the same name
    return DesktopSnapshot(
        public_id=row.public_id,
        template=row.template,
        state=row.state,
        state_at=row.state_at,
        deadline_at=row.deadline_at,
        end_reason=row.end_reason,
        steps=tuple(theirs.values()),
        step_count=len(names),
    )


def _names(row: Row[*tuple[Any, ...]]) -> tuple[dict[str, str], datetime | None]:
    """The steps to report, and since when: during a pause or a resume its own steps; for a claimed
    desktop only those of the assignment, since it was built before anyone launched it."""
    if row.state == State.RESUMING:
        return RESUME_STEPS, row.state_at
    if row.state == State.PAUSING:
        return PAUSE_STEPS, row.state_at
    is_claimed = row.warmed_at is not None and row.launched_at is not None
    return (ASSIGN_STEPS, row.launched_at) if is_claimed else (BUILD_STEPS, None)
