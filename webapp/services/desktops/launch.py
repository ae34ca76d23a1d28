"""Launches a desktop: hands over a warm one, or queues a row for a worker to build.

This is one short transaction, so two simultaneous launches get two different desktops.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action, Kind, Resource
from webapp.domain.desktops import launch_limits, limits
from webapp.domain.desktops.launch_limits import LimitReached, RunningDesktop
from webapp.domain.desktops.launch_rate import decide_rate
from webapp.domain.desktops.reserve import decide_share
from webapp.domain.errors import BadInput, Conflict, NotFound, Refused
from webapp.domain.people.passwords import make_password
from webapp.domain.states import AT_REST, HOLDS_RESOURCES, LIVE, NOT_GONE_YET, EndReason, State
from webapp.models import Desktop, Person, Template
from webapp.ports import Clock, Database, Vault
from webapp.services.access import check
from webapp.services.audit.record import SYSTEM, Actor, Audit
from webapp.services.desktop_end import request_end
from webapp.services.desktops.claim import Choices, count_warm, hand_over, take_warm
from webapp.services.desktops.gate import LaunchGate
from webapp.services.desktops.pauses import ask_to_resume
from webapp.services.desktops.reservation import one_at_a_time, reserve

#: Attempts of a launch when others take the same desktop, VM id or address first.
MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class LaunchRequest:
    """A launch request; every field is optional."""

    template: str | None = None
    minutes: int | None = None
    rdp_username: str | None = None
    keyboard_layout: str | None = None
    launch_token: str | None = None
    """Random per launch form: a second POST of the form returns the first one's desktop."""
    reuse: bool = False
    """If the person already has a live desktop of this template, return that one."""
    make_room: str | None = None
    """What to stop if a limit is reached, as named in `Refused.suggested_actions`. Nothing is
    stopped if there is room."""


class Launcher:
    """The use case behind *Launch desktop*."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        config: Config,
        vault: Vault,
        audit: Audit,
        gate: LaunchGate,
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._vault = vault
        self._audit = audit
        self._gate = gate

    def launch(self, actor: Actor, wish: LaunchRequest) -> str:
        """Returns the public id of the desktop: ready at once if a warm one fits, or else pending.

        Raises BadInput for a value out of range, LimitReached at the person's limit, Refused if
        the site is full or no VM id or address is left. All are audited.
        """
        with self._audit.refusals(actor, "desktop.launch", wish.template or ""):
            for _ in range(MAX_ATTEMPTS):
                try:
                    with self._db.begin() as session:
                        return self._launch(session, actor, wish)
                except (IntegrityError, Conflict):  # another launch was faster: retry
                    continue
            raise Refused("busy")

    def why_not(self, actor: Actor, template: Template | None = None) -> Refused | None:
        """Returns the refusal that any launch (of `template`) would get now, for the page."""
        with self._db.read() as session:
            owner = session.get(Person, actor.person_id)
            try:
                if owner is not None:
                    self._decide_room(session, owner, template)
                    if not count_warm(session, self._clock.now()):
                        self._decide_site_has_room(session, owner)
            except Refused as refusal:
                return refusal
        return None

    def _launch(self, session: Session, actor: Actor, wish: LaunchRequest) -> str:
        owner = session.get(Person, actor.person_id, with_for_update=True)
        if owner is None or owner.suspended_at:
            raise NotFound("launcher")
        check(actor, Action.DESKTOP_LAUNCH, Resource(Kind.DESKTOP, owner.id))
        if already := self._launched_by_same_form(session, owner, wish.launch_token):
            return already.public_id
        template = _template(session, wish.template)
        choices = _decide_choices(wish, template)
        if wish.reuse and (running := _to_reuse(session, owner, template)):
            self._use_again(session, actor, running)
            return running.public_id
        now = self._clock.now()
        self._decide_rate(session, owner, now)
        self._make_room(session, actor, owner, template, wish.make_room)
        detail = f"{template.name}, {choices.minutes} min"
        if desktop := take_warm(session, template, now):
            hand_over(desktop, owner, choices, self._vault, now)
            detail += ", from the pool"
        else:
            self._gate.decide(session, template, now, owner)
            desktop = self._queue(session, owner, template, choices, now)
        self._audit.record(session, actor, "desktop.launch", desktop.public_id, detail)
        if desktop.state is State.READY:
            self._audit.record(session, SYSTEM, "desktop.ready", desktop.public_id)
        return desktop.public_id

    def _use_again(self, session: Session, actor: Actor, desktop: Desktop) -> None:
        """Reuse this desktop; resume it if it is paused."""
        if desktop.state in (State.PAUSING, State.PAUSED):
            ask_to_resume(session, self._config, desktop, self._clock.now())
            self._audit.record(session, actor, "desktop.resume", desktop.public_id)

    def _queue(
        self, session: Session, owner: Person, template: Template, choices: Choices, now: datetime
    ) -> Desktop:
        one_at_a_time(session)
        held = self._decide_site_has_room(session, owner)
        desktop = Desktop(
            public_id=f"desktop-{secrets.token_hex(4)}",
            owner=owner,
            template=template,
            launch_token=choices.launch_token,
            state=State.QUEUED,
            state_at=now,
            created_at=now,
            launched_at=now,
            minutes=choices.minutes,
            rdp_username=choices.rdp_username,
            keyboard_layout=choices.keyboard_layout,
            password_locked=self._vault.lock(make_password()),
        )
        session.add(desktop)
        reserve(session, self._config, desktop, held=held)
        return desktop

    def _decide_rate(self, session: Session, owner: Person, now: datetime) -> None:
        rate = self._config.launch_rate
        latest = session.scalars(
            select(Desktop.launched_at).where(
                Desktop.owner_id == owner.id,
                Desktop.launched_at > now - rate.memory,
                Desktop.adopted_from.is_(None),
            )
        )
        decide_rate([at for at in latest if at], rate, now)

    def _launched_by_same_form(
        self, session: Session, owner: Person, token: str | None
    ) -> Desktop | None:
        if not token:
            return None
        return session.scalar(
            select(Desktop).where(Desktop.launch_token == token, Desktop.owner_id == owner.id)
        )

    def _make_room(
        self, session: Session, actor: Actor, owner: Person, template: Template, way: str | None
    ) -> None:
        """Raise LimitReached at a limit, unless `way` names a desktop to stop: then stop it."""
        try:
            self._decide_room(session, owner, template)
        except LimitReached as reached:
            if way is None:
                raise
            closed = launch_limits.decide_what_to_close(reached, way)
            self._stop_to_make_room(session, actor, closed.public_id)
            self._decide_room(session, owner, template, making_room=closed.public_id)

    def _stop_to_make_room(self, session: Session, actor: Actor, public_id: str) -> None:
        desktop = session.scalars(
            select(Desktop).where(Desktop.public_id == public_id).with_for_update(of=Desktop)
        ).one()
        request_end(desktop, EndReason.ASKED, self._clock.now())
        self._audit.record(session, actor, "desktop.stop", public_id, "to make room")

    def _decide_room(
        self,
        session: Session,
        owner: Person,
        template: Template | None,
        making_room: str | None = None,
    ) -> None:
        """Raise LimitReached at a limit, not counting `making_room`, just stopped for this one."""
        counted = session.scalars(
            select(Desktop).where(
                Desktop.owner_id == owner.id, Desktop.state.in_(LIVE | NOT_GONE_YET)
            )
        ).all()
        launch_limits.decide_room(
            [_as_running(one) for one in counted if one.state in LIVE],
            self._config.max_desktops if owner.max_desktops is None else owner.max_desktops,
            template.name if template else None,
            template.max_per_person if template else None,
            self._clock.now(),
            [
                _as_running(one)
                for one in counted
                if one.state not in LIVE and one.public_id != making_room
            ],
        )

    def _decide_site_has_room(self, session: Session, owner: Person) -> int:
        """Raise Refused if the site is full. Returns how many desktops the owner holds already."""
        rows = session.execute(
            select(Desktop.owner_id, func.count())
            .where(Desktop.state.in_(HOLDS_RESOURCES))
            .group_by(Desktop.owner_id)
        ).all()
        held = {row[0]: row[1] for row in rows}
        own = held.get(owner.id, 0)
        most = self._config.max_desktops_total
        if sum(held.values()) >= most:
            raise Refused("full")
        decide_share(own, most - sum(held.values()), most, self._config.reserve_percent)
        return own


def _as_running(desktop: Desktop) -> RunningDesktop:
    return RunningDesktop(
        desktop.public_id,
        desktop.template.name,
        desktop.template.title,
        desktop.asked_at,
        desktop.deadline_at,
    )


def _decide_choices(wish: LaunchRequest, template: Template) -> Choices:
    return Choices(
        minutes=limits.decide_minutes(wish.minutes, template.durations),
        rdp_username=limits.decide_username(wish.rdp_username),
        keyboard_layout=limits.decide_keyboard(wish.keyboard_layout),
        launch_token=wish.launch_token,
    )


def _to_reuse(session: Session, owner: Person, template: Template) -> Desktop | None:
    """The person's live desktop of this template with the latest deadline: a ready one first, a
    paused one last."""
    return session.scalars(
        select(Desktop)
        .where(Desktop.owner_id == owner.id, Desktop.template_id == template.id)
        .where(Desktop.state.in_(LIVE))
        .order_by(
            (Desktop.state == State.READY).desc(),
            Desktop.state.in_(AT_REST),
            Desktop.deadline_at.desc(),
            Desktop.id,
        )
        .limit(1)
    ).first()


def _template(session: Session, name: str | None) -> Template:
    """The enabled template called `name`, or the first one by name if `name` is empty."""
    query = select(Template).where(Template.is_enabled).order_by(Template.name)
    if name:
        query = query.where(Template.name == name)
    template = session.scalars(query.limit(1)).first()
    if template:
        return template
    if name:
        raise BadInput("template", "template", name=name[:32])
    raise Refused("no_template.published")
