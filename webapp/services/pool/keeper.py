"""Keeps the pools at their size. A worker calls this regularly.

Missing desktops are queued; the builder takes them when no person is waiting. The end of surplus
desktops is requested. Any number of workers may do this: a lock lets one at a time.
"""

import logging
import secrets
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.desktops import limits
from webapp.domain.errors import Conflict, Refused
from webapp.domain.people.passwords import make_password
from webapp.domain.pool.sizes import Drain
from webapp.domain.states import EndReason, State
from webapp.models import Desktop, Template
from webapp.ports import Clock, Database, Vault
from webapp.services.audit.record import SYSTEM, Actor, Audit
from webapp.services.desktop_end import request_end
from webapp.services.desktops.reservation import one_at_a_time, reserve
from webapp.services.pool.plan import PoolView, look_at_pools

log = logging.getLogger(__name__)


class PoolKeeper:
    """Queues and ends pool desktops."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, vault: Vault, audit: Audit
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._vault = vault
        self._audit = audit

    def keep(self) -> None:
        """Bring every pool a step nearer to its size. Most often there is nothing to do."""
        with self._db.read() as session:  # a read takes no write lock
            if not any(view.steps for view in look_at_pools(session, self._config, self._now)):
                return
        try:
            with self._db.begin() as session:
                _lock(session)
                for view in look_at_pools(session, self._config, self._now):
                    self._drain(session, view)
                    self._build(session, view)
        except (Conflict, IntegrityError) as error:  # a launch was faster: retry at the next call
            log.info("Pool update conflicted with a launch, will retry: %s", error)

    @property
    def _now(self) -> datetime:
        return self._clock.now()

    def _drain(self, session: Session, view: PoolView) -> None:
        for desktop in view.desktops:
            if why := view.steps.drain.get(desktop.public_id):
                drain_desktop(session, self._audit, SYSTEM, desktop, why, self._now)

    def _build(self, session: Session, view: PoolView) -> None:
        try:
            for _ in range(view.steps.build):
                with session.begin_nested():
                    queue_pool_desktop(session, self._config, self._vault, view.template, self._now)
        except Refused as refusal:  # no VM id or address is left
            log.warning("Pool of %s cannot grow: %s", view.template.name, refusal)


def queue_pool_desktop(
    session: Session, config: Config, vault: Vault, template: Template, now: datetime
) -> Desktop:
    """Queue a desktop without an owner, with the default settings of a launch. Raises Refused if
    no VM id or address is left."""
    desktop = Desktop(
        public_id=f"desktop-{secrets.token_hex(4)}",
        template=template,
        state=State.QUEUED,
        state_at=now,
        created_at=now,
        minutes=template.default_minutes,
        rdp_username=limits.decide_username(None),
        keyboard_layout=limits.decide_keyboard(None),
        password_locked=vault.lock(make_password()),
    )
    session.add(desktop)
    reserve(session, config, desktop)
    return desktop


def drain_desktop(
    session: Session, audit: Audit, actor: Actor, desktop: Desktop, why: Drain, now: datetime
) -> None:
    """Request the end of a desktop without an owner."""
    request_end(desktop, EndReason.POLICY, now)
    audit.record(session, actor, "pool.drain", desktop.public_id, why)
    log.info("Draining pool desktop: %s", why, extra={"desktop": desktop.public_id})


def _lock(session: Session) -> None:
    """Let one worker at a time read and act, and no launch reserve meanwhile.

    Never lock the templates' rows first: a launch that holds this lock needs them, which would be
    a deadlock.
    """
    one_at_a_time(session)
