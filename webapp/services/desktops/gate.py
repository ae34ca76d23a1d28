"""Whether a template can be built now: it may be resting after failures, or have no room.

Used by a launch that finds no warm desktop, and by the launch pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select, true
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action, Subject, may
from webapp.domain.desktops.capacity import Room, decide_room
from webapp.domain.desktops.pauses import NO_ROOM
from webapp.domain.nodes.placement import NodeRoom, count_fitting
from webapp.domain.provisioning.clone_queue import OF_THE_PERSON, OF_THE_SITE
from webapp.domain.states import State
from webapp.domain.templates.breaker import (
    CoolingDown,
    Failure,
    Record,
    decide_breaker,
    find_cool_down,
)
from webapp.models import Desktop, Person, Template
from webapp.services.nodes.cluster import Cluster, read_cluster

#: Older failures and successes are ignored.
REMEMBERED = timedelta(days=1)
_NOT_ITS_OWN = OF_THE_SITE | OF_THE_PERSON


@dataclass(frozen=True)
class Gate:
    """Whether one template can be built now."""

    template: Template
    rest: CoolingDown | None
    room: Room

    @property
    def fits(self) -> int | None:
        """How many more desktops can be built now; None if unknown."""
        return None if self.room.fits is None else max(0, self.room.fits - self.room.ahead)


class LaunchGate:
    """Refuses launches that could only fail or wait for long."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def decide(self, session: Session, template: Template, now: datetime, owner: Person) -> None:
        """Raise TooMany, with a retry time. Some roles may launch a resting
        template at any time."""
        if not may(Subject(owner.id, role=owner.role), Action.TEMPLATE_TRY):
            record = read_records(session, now, template.id)[template.id]
            decide_breaker(record, template.title, now, owner.id)
        if self._config.refuses_when_full:
            cluster = read_cluster(session, self._config, now)
            room = _Rooms(session, cluster).of(template)
            decide_room(room, refuses=True, now=now)

    def stand(self, session: Session, now: datetime) -> dict[int, Gate]:
        """The gate of every template that can be launched, by template id."""
        templates = session.scalars(select(Template).where(Template.is_enabled)).all()
        records = read_records(session, now)
        rooms = _Rooms(session, read_cluster(session, self._config, now))
        return {
            one.id: Gate(
                template=one,
                rest=find_cool_down(records[one.id], now),
                room=rooms.of(one),
            )
            for one in templates
        }


class _Rooms:
    """The room for each template, from one read of the cluster."""

    def __init__(self, session: Session, cluster: Cluster) -> None:
        self._cluster = cluster
        waiting = select(func.count()).where(
            Desktop.owner_id.is_not(None),
            or_(
                Desktop.state == State.QUEUED,
                and_(Desktop.state == State.RESUMING, Desktop.failure_reason == NO_ROOM),
            ),
        )
        self._ahead = session.scalar(waiting) or 0
        next_end = select(func.min(Desktop.deadline_at)).where(Desktop.state == State.READY)
        self._next_free_at = session.scalar(next_end)

    def of(self, template: Template) -> Room:
        sources = self._cluster.sources.get(template.id, ())
        names = {one.node for one in sources if not one.is_missing}
        rooms = [self._cluster.rooms.get(name) or NodeRoom(name) for name in names]
        need = self._cluster.needs.get(template.id, template.memory_mb)
        fits = count_fitting(rooms, need, self._cluster.config.node_reserve_mb)
        return Room(fits, self._ahead, self._next_free_at)


def read_records(
    session: Session, now: datetime, template_id: int | None = None
) -> Mapping[int, Record]:
    """Returns the latest build results of one template, or of all; three small queries.

    The following are not counted as failures of the template: failures of the site (locks, no
    answer, a refused token, a killed run), failures caused by a person's choice, cancelled builds
    (never marked as failed), adopted desktops, and desktops that had been ready.
    """
    of_it = Desktop.template_id == template_id if template_id else true()
    failed = session.execute(
        select(Desktop.template_id, Desktop.failed_at, Desktop.owner_id).where(
            of_it,
            Desktop.failed_at > now - REMEMBERED,
            Desktop.ready_at.is_(None),
            Desktop.warmed_at.is_(None),
            Desktop.adopted_from.is_(None),
            or_(Desktop.failure_reason.is_(None), Desktop.failure_reason.not_in(_NOT_ITS_OWN)),
        )
    ).all()
    of_template = Desktop.template_id == Template.id
    warmed_at = select(func.max(Desktop.warmed_at)).where(of_template)
    built_at = (  # reads only the newest row, so a long history costs nothing
        select(Desktop.ready_at)
        .where(of_template, Desktop.ready_at > now - REMEMBERED, Desktop.warmed_at.is_(None))
        .order_by(Desktop.ready_at.desc())
        .limit(1)
    )
    worked = session.execute(
        select(
            Template.id,
            Template.published_at,
            warmed_at.correlate(Template).scalar_subquery().label("warmed_at"),
            built_at.correlate(Template).scalar_subquery().label("built_at"),
        ).where(Template.id == template_id if template_id else true())
    ).all()
    trials = session.execute(
        select(Desktop.template_id, func.min(Desktop.created_at))
        .where(of_it, Desktop.state.in_((State.QUEUED, State.BUILDING)))
        .group_by(Desktop.template_id)
    ).all()
    trial_at = {row[0]: row[1] for row in trials}
    return {
        row.id: Record(
            failures=[Failure(at, owner) for one, at, owner in failed if one == row.id and at],
            worked_at=max(at for at in (row.published_at, row.warmed_at, row.built_at) if at),
            trial_at=trial_at.get(row.id),
        )
        for row in worked
    }
