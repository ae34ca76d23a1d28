"""Adopts a desktop that was made by hand with the playbook: the portal takes it over.

The row is written first, so that the container is accounted for if a process dies. Then the
playbook sets password, keyboard and deadline, and writes our mark in its last step. Until then the
container belongs to its creator and is never removed: `build_started_at` stays None.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.desktops import limits
from webapp.domain.errors import NotFound, OutsideFailed, Refused
from webapp.domain.nodes.mark import Mark, parse_mark
from webapp.domain.people.passwords import make_password
from webapp.domain.provisioning.adoption import decide_adoption
from webapp.domain.states import EndReason, Event, State, advance, can
from webapp.models import AddressReservation, Desktop, Person, Template, VmidReservation
from webapp.ports import (
    AdoptOrder,
    BuildResult,
    Clock,
    Container,
    Database,
    Hypervisor,
    Provisioner,
    Vault,
)
from webapp.services.access import check
from webapp.services.audit.record import SYSTEM, Actor, Audit
from webapp.services.desktop_end import record_failure, request_end
from webapp.services.desktops.reservation import release
from webapp.services.provisioning.lease import KeptLease, Lease, Leases
from webapp.services.provisioning.loss import as_seen
from webapp.services.provisioning.run import about, work_on_one

log = logging.getLogger(__name__)

#: An adoption with an unknown result is retried after this time.
TRY_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class AdoptionRequest:
    """An administrator's adoption request; fields that are None have the defaults of a launch."""

    vmid: int
    owner: str
    template: str | None = None
    minutes: int | None = None
    rdp_username: str | None = None
    keyboard_layout: str | None = None
    password: str | None = None
    """None: a random one is generated."""


class Adopter:
    """The use case of `./winux desktop adopt`, and the worker's step that finishes an adoption."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        config: Config,
        vault: Vault,
        audit: Audit,
        provisioner: Provisioner,
        hypervisor: Hypervisor,
        leases: Leases,
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._vault = vault
        self._audit = audit
        self._provisioner = provisioner
        self._hypervisor = hypervisor
        self._leases = leases

    def adopt(self, actor: Actor, wish: AdoptionRequest) -> Desktop:
        """Adopt a container and return the ready desktop. Raises Refused or OutsideFailed if it
        is not adopted."""
        with self._audit.refusals(actor, "desktop.adopt", str(wish.vmid)):
            check(actor, Action.DESKTOP_ADOPT)
            container = self._hypervisor.container(wish.vmid)
            lease = self._take(actor, wish, container)
        self._adopt(lease, lambda: False)
        with self._db.read() as session:
            return session.get_one(Desktop, lease.desktop.id)

    def finish_one(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Continue an adoption whose command died. Returns False if there is none."""
        return work_on_one(self._leases, _ADOPTING, lambda lease: self._finish(lease, is_stopping))

    def _finish(self, lease: Lease, is_stopping: Callable[[], bool]) -> None:
        try:
            self._adopt(lease, is_stopping)
        except OutsideFailed as error:
            log.warning("Adoption failed: %s", error, extra=about(lease))

    # -- writing the intent -----------------------------------------------------------------------

    def _take(self, actor: Actor, wish: AdoptionRequest, container: Container | None) -> Lease:
        holder = f"{self._leases.worker[:70]}#{secrets.token_hex(4)}"
        try:
            with self._db.begin() as session:
                desktop = self._write(session, wish, container)
                desktop.worked_by = holder
                desktop.worked_until = self._clock.now() + self._leases.length
                self._audit.record(
                    session, actor, "desktop.adopt", desktop.public_id, f"container {wish.vmid}"
                )
        except IntegrityError as error:
            raise Refused("taken") from error
        return Lease(desktop, holder)

    def _write(
        self, session: Session, wish: AdoptionRequest, container: Container | None
    ) -> Desktop:
        seen = as_seen(container) if container else None
        taken = select(Desktop.public_id).where(Desktop.state != State.ENDED)
        mark = decide_adoption(
            self._config.portal_id,
            wish.vmid,
            seen,
            self._config.addresses,
            set(session.scalars(taken)),
        )
        desktop = self._row(session, wish, mark)
        desktop.node = container.node if container else None
        desktop.memory_mb = container.limit_mb if container else None
        desktop.cores = container.cores if container else None
        desktop.address = seen.address if seen else None
        session.flush()
        session.add(VmidReservation(vmid=wish.vmid, desktop_id=desktop.id))
        session.add(AddressReservation(address=desktop.address or "", desktop_id=desktop.id))
        session.flush()
        return desktop

    def _row(self, session: Session, wish: AdoptionRequest, mark: Mark) -> Desktop:
        template = _template(session, wish.template)
        now = self._clock.now()
        desktop = Desktop(
            public_id=_free_id(session, mark.desktop_id),
            owner=_owner(session, wish.owner),
            template=template,
            state=State.QUEUED,
            state_at=now,
            created_at=now,
            launched_at=now,
            vmid=wish.vmid,
            minutes=limits.decide_minutes(wish.minutes, template.durations),
            rdp_username=limits.decide_username(wish.rdp_username),
            keyboard_layout=limits.decide_keyboard(wish.keyboard_layout),
            password_locked=self._vault.lock(wish.password or make_password()),
            adopted_from=str(mark),
        )
        advance(desktop, Event.BUILD_STARTED, now)
        session.add(desktop)
        return desktop

    # -- doing it ---------------------------------------------------------------------------------

    def _adopt(self, lease: Lease, is_stopping: Callable[[], bool]) -> None:
        with KeptLease(self._leases, lease) as kept:
            order = self._order(lease.desktop)
            try:
                result = self._provisioner.adopt(
                    order, is_cancelled=lambda: is_stopping() or kept.is_lost
                )
            except OutsideFailed as error:
                self._fail(lease, error, is_stopping())
                raise
            self._record(lease, order, result)

    def _order(self, desktop: Desktop) -> AdoptOrder:
        mark = parse_mark(desktop.adopted_from)
        if mark is None or desktop.vmid is None or desktop.password_locked is None:
            raise OutsideFailed("Its mark, VM id or password is not known.", retry=False)
        return AdoptOrder(
            desktop_id=desktop.public_id,
            vmid=desktop.vmid,
            node=desktop.node,
            made_as=mark,
            rdp_username=desktop.rdp_username,
            rdp_password=self._vault.unlock(desktop.password_locked),
            keyboard_layout=desktop.keyboard_layout,
            deadline_at=self._clock.now() + timedelta(minutes=desktop.minutes),
        )

    def _record(self, lease: Lease, order: AdoptOrder, result: BuildResult) -> None:
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            desktop.build_started_at = now  # from now on the portal may remove it
            if not can(desktop.state, Event.BUILT):  # stopped in the meantime
                return
            advance(desktop, Event.BUILT, now)
            desktop.ready_at = now
            desktop.deadline_at = desktop.deadline_told_at = order.deadline_at
            desktop.node = result.node
            desktop.ssh_host_key_sha256 = result.ssh_host_key_sha256
            desktop.rdp_certificate_sha256 = result.rdp_certificate_sha256
            desktop.rdp_certificate_pem = result.rdp_certificate_pem
            self._audit.record(session, SYSTEM, "desktop.ready", desktop.public_id)
        log.info("Desktop adopted", extra=about(lease))

    def _fail(self, lease: Lease, error: OutsideFailed, is_stopping: bool) -> None:
        """End the row, not the container. If the container has our mark or its state is unknown,
        leave the row for a retry."""
        is_open = is_stopping or self._may_be_ours(lease.desktop)
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            if is_open:  # a worker retries it
                desktop.retry_at = now + TRY_AGAIN
                return
            if not can(desktop.state, Event.BROKE):
                return
            record_failure(desktop, error, now)
            request_end(desktop, EndReason.FAILED, now)
            advance(desktop, Event.DESTROYED, now)
            desktop.ended_at = now
            desktop.password_locked = None
            release(session, desktop)
            self._audit.record(
                session, SYSTEM, "desktop.adopt_failed", desktop.public_id, str(error)
            )

    def _may_be_ours(self, desktop: Desktop) -> bool:
        try:
            container = self._hypervisor.container(desktop.vmid or 0)
        except OutsideFailed:
            return True
        ours = Mark(self._config.portal_id, desktop.public_id)
        return container is not None and parse_mark(container.description) == ours


#: Selects adoptions in progress.
_ADOPTING = (Desktop.state == State.BUILDING) & Desktop.adopted_from.is_not(None)


def _free_id(session: Session, wanted: str) -> str:
    """Returns the id that it was made with, or a new one if an ended desktop has that id."""
    is_taken = session.scalar(select(Desktop.id).where(Desktop.public_id == wanted))
    return f"desktop-{secrets.token_hex(4)}" if is_taken else wanted


def _owner(session: Session, name: str) -> Person:
    person = session.scalar(select(Person).where(Person.name == name.lower()))
    if person is None or person.suspended_at:
        raise NotFound("owner", name=name[:64])
    return person


def _template(session: Session, name: str | None) -> Template:
    """Returns the template whose limits apply: the named one, or the first by name."""
    query = select(Template).where(Template.is_enabled).order_by(Template.name)
    found = session.scalars(query.where(Template.name == name) if name else query).first()
    if found is None:
        raise NotFound("named_template", name=name[:32]) if name else NotFound("any_template")
    return found
