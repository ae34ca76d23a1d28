"""Launch a desktop: decide, reserve, and leave a row for the worker to build."""

import secrets
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain import limits
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.domain.passwords import make_password
from webapp.domain.states import HOLDS_RESOURCES, LIVE, State
from webapp.models import Desktop, Person, Template
from webapp.ports import Clock, Database, Vault
from webapp.services.audit import Actor, Audit
from webapp.services.reservation import reserve

#: How often a launch is tried again when another one took the same VM id or address first.
RACES = 5


@dataclass(frozen=True)
class LaunchWish:
    """What a person chose; nothing must be chosen."""

    template: str | None = None
    minutes: int | None = None
    rdp_username: str | None = None
    keyboard_layout: str | None = None
    launch_token: str | None = None
    """Random per launch form: the second post of one form finds the first one's desktop."""


class Launcher:
    """The use case behind *Launch desktop*."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, vault: Vault, audit: Audit
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._vault = vault
        self._audit = audit

    def launch(self, actor: Actor, wish: LaunchWish) -> str:
        """The public id of the new desktop, queued for the worker.

        Raises BadInput for a value out of range and Refused when a limit is reached or no VM id
        or address is left; both are audited.
        """
        with self._audit.refusals(actor, "desktop.launch"):
            for _ in range(RACES):
                try:
                    with self._db.begin() as session:
                        return self._launch(session, actor, wish)
                except IntegrityError:  # another launch was first: look again
                    continue
            raise Refused(
                "busy", "Many people launch right now.", what_to_do="Try again in a moment."
            )

    def why_not(self, actor: Actor) -> Refused | None:
        """The refusal that a launch would meet now, for the page to say before the click."""
        with self._db.read() as session:
            owner = session.get(Person, actor.person_id)
            try:
                if owner is not None:
                    self._decide_room(session, owner)
            except Refused as refusal:
                return refusal
        return None

    def _launch(self, session: Session, actor: Actor, wish: LaunchWish) -> str:
        owner = session.get(Person, actor.person_id, with_for_update=True)
        if owner is None or owner.disabled_at:
            raise NotFound("There is no such person.")
        if already := self._launched_by_same_form(session, owner, wish.launch_token):
            return already.public_id
        template = _template(session, wish.template)
        minutes = limits.decide_minutes(wish.minutes, template.durations)
        username = limits.decide_username(wish.rdp_username)
        keyboard = limits.decide_keyboard(wish.keyboard_layout)
        self._decide_room(session, owner)
        now = self._clock.now()
        desktop = Desktop(
            public_id=f"desktop-{secrets.token_hex(4)}",
            owner=owner,
            template=template,
            launch_token=wish.launch_token,
            state=State.QUEUED,
            state_at=now,
            created_at=now,
            launched_at=now,
            minutes=minutes,
            rdp_username=username,
            keyboard_layout=keyboard,
            password_locked=self._vault.lock(make_password()),
        )
        session.add(desktop)
        reserve(session, self._config, desktop)
        self._audit.record(
            session, actor, "desktop.launch", desktop.public_id, f"{template.name}, {minutes} min"
        )
        return desktop.public_id

    def _launched_by_same_form(
        self, session: Session, owner: Person, token: str | None
    ) -> Desktop | None:
        if not token:
            return None
        return session.scalar(
            select(Desktop).where(Desktop.launch_token == token, Desktop.owner_id == owner.id)
        )

    def _decide_room(self, session: Session, owner: Person) -> None:
        running = session.scalars(
            select(Desktop).where(Desktop.owner_id == owner.id, Desktop.state.in_(LIVE))
        )
        limit = self._config.max_desktops if owner.max_desktops is None else owner.max_desktops
        limits.decide_launch(
            [
                limits.RunningDesktop(one.public_id, one.template.title, one.asked_at)
                for one in running
            ],
            limit,
        )
        held = session.scalar(select(func.count()).where(Desktop.state.in_(HOLDS_RESOURCES)))
        if (held or 0) >= self._config.max_desktops_total:
            raise Refused(
                "full",
                "All desktops of this site are in use.",
                what_to_do="Try again when one has ended.",
            )


def _template(session: Session, name: str | None) -> Template:
    """The template called `name`, or the first one when none is named."""
    query = select(Template).where(Template.is_enabled).order_by(Template.name)
    if name:
        query = query.where(Template.name == name)
    template = session.scalars(query.limit(1)).first()
    if template:
        return template
    if name:
        raise BadInput(
            "template", f"There is no template {name[:32]!r}.", what_to_do="Choose one of the list."
        )
    raise Refused(
        "no_template",
        "No desktop template is published yet.",
        what_to_do="An administrator can publish one: see docs/operations.",
    )
