"""Builds a queued desktop until it answers, or records why it failed."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.desktops.estimate import CLONE_STEP
from webapp.domain.errors import OutsideFailed, Refused
from webapp.domain.nodes.mark import parse_mark
from webapp.domain.nodes.placement import Source
from webapp.domain.provisioning.clone_queue import (
    INTERRUPTED,
    LOCKED,
    VMID_TAKEN,
    decide_retry,
    pause_before,
)
from webapp.domain.states import EndReason, Event, State, advance, can
from webapp.models import Desktop, DesktopStep
from webapp.ports import (
    BuildOrder,
    BuildResult,
    Clock,
    Container,
    Database,
    Hypervisor,
    Provisioner,
    Vault,
)
from webapp.services.audit.record import SYSTEM, Audit
from webapp.services.desktop_end import record_failure, request_end
from webapp.services.desktops.lifetime import note_told
from webapp.services.desktops.reservation import release, reserve
from webapp.services.nodes.findings import foreign_addresses, foreign_vmids
from webapp.services.provisioning.build_check import LOOK_AGAIN, BuildCheck
from webapp.services.provisioning.cancellation import Cancel
from webapp.services.provisioning.clone_queue import CloneQueue, Turn, avoid_source, free_slot
from webapp.services.provisioning.lease import KeptLease, Lease, LeaseLost, Leases
from webapp.services.provisioning.precedence import is_launch_waiting
from webapp.services.provisioning.run import about, chance, under_lease
from webapp.services.provisioning.steps import Steps, finish_steps
from webapp.texts.sentences import message, what_to_do

log = logging.getLogger(__name__)

#: The usual length of a build, added to the deadline that is sent to the desktop.
USUAL_BUILD = timedelta(seconds=10)
#: A pool desktop gets its real deadline when it is claimed; until then it has this one.
FAR_AWAY = timedelta(days=30)
#: Number of VM ids to try if foreign containers use them.
VMID_TRIES = 3


class Builder:
    """Builds the desktop that has waited longest."""

    look_again: Sequence[float] = LOOK_AGAIN

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
        queue: CloneQueue,
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._vault = vault
        self._audit = audit
        self._provisioner = provisioner
        self._hypervisor = hypervisor
        self._leases = leases
        self._queue = queue

    def build_one(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Build one queued desktop, or continue one whose worker died. Returns False if there is
        none.

        If `is_stopping` returns true, this worker is stopping: the build is cancelled and left to
        another worker.
        """
        return self._build_one(Desktop.owner_id.is_not(None), is_stopping)

    def build_for_pool_one(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """The same for a pool desktop, unless a person waits for a desktop.

        A pool build that delays a person's launch is cancelled and left for later.
        """
        nobody_waits = ~is_launch_waiting(self._clock.now())
        return self._build_one(Desktop.owner_id.is_(None) & nobody_waits, is_stopping)

    def _build_one(self, wanted: ColumnElement[bool], is_stopping: Callable[[], bool]) -> bool:
        turn = self._queue.take(wanted, self._begin)
        if turn is None:
            return False
        log.info("Build started", extra=about(turn.lease))
        under_lease(turn.lease, lambda _lease: self._build(turn, is_stopping))
        return True

    # -- taking ---------------------------------------------------------------------------------

    def _begin(self, session: Session, desktop: Desktop) -> None:
        """Record that the build begins. An interrupted build starts over without its old steps."""
        if desktop.state == State.QUEUED:
            advance(desktop, Event.BUILD_STARTED, self._clock.now())
            desktop.build_started_at = self._clock.now()
        session.execute(delete(DesktopStep).where(DesktopStep.desktop_id == desktop.id))

    # -- running --------------------------------------------------------------------------------

    def _build(self, turn: Turn, is_stopping: Callable[[], bool]) -> None:
        lease = turn.lease
        with KeptLease(self._leases, lease) as kept:
            cancel = Cancel(self._db, self._clock, lease, kept, is_stopping, State.BUILDING)
            try:
                order, result = self._run(lease, _source_of(turn), cancel)
            except OutsideFailed as error:
                if cancel.is_for_later:
                    self._leave(lease)
                elif self._passes(lease.desktop, error):
                    self._put_back(turn, error)
                else:
                    self._fail(lease, error)
            else:
                self._record(lease, order, result)

    def _passes(self, desktop: Desktop, error: OutsideFailed) -> bool:
        """Whether the failure is temporary and there is time for a retry."""
        begun = self._clock.now() - (desktop.build_started_at or desktop.created_at)
        return decide_retry(error.reason, begun, self._config.build_timeout)

    def _run(self, lease: Lease, source: Source, cancel: Cancel) -> tuple[BuildOrder, BuildResult]:
        """Run the playbook; retry with another VM id if a foreign container uses the reserved
        one."""
        tries, foreign = 0, set[int]()

        def free_in_time(session: Session, step: str) -> None:
            if step != CLONE_STEP:
                free_slot(session, lease)

        steps = Steps(self._db, self._clock, lease.desktop.id, free_in_time)
        if self._is_taken_by_foreign(lease.desktop):
            self._reserve_another(lease, foreign)
        while True:
            order = self._order(lease.desktop, source)
            check = BuildCheck(self._hypervisor, self._config.portal_id, order, self.look_again)
            try:
                result = self._create(order, steps, check, cancel)
            except OutsideFailed as error:
                if cancel.is_set or error.reason == INTERRUPTED or not self._is_taken(order, error):
                    raise
                tries += 1
                if tries == VMID_TRIES:
                    raise _all_taken(error) from error
                foreign |= {order.vmid, *self._occupied()}
                log.warning(
                    "VM id %s is already in use",
                    order.vmid,
                    extra={"desktop": order.desktop_id},
                )
                self._reserve_another(lease, foreign)
            else:
                check.require_built()
                return order, result

    def _create(
        self, order: BuildOrder, steps: Steps, check: BuildCheck, cancel: Cancel
    ) -> BuildResult:
        def on_step(step: str) -> None:
            check.note_step(step)
            steps.begin(step)

        return self._provisioner.create(order, on_step=on_step, is_cancelled=cancel)

    def _order(self, desktop: Desktop, source: Source) -> BuildOrder:
        if desktop.vmid is None or desktop.address is None or desktop.password_locked is None:
            raise OutsideFailed("It has no VM id, address or password reserved.", retry=False)
        template, pool = desktop.template, self._config.addresses
        life = FAR_AWAY if desktop.is_pooled else timedelta(minutes=desktop.minutes) + USUAL_BUILD
        return BuildOrder(
            desktop_id=desktop.public_id,
            vmid=desktop.vmid,
            node=source.node,
            template_vmid=source.vmid,
            address=pool.with_prefix(desktop.address),
            router=str(pool.router),
            bridge=self._config.proxmox.bridge,
            rdp_username=desktop.rdp_username,
            rdp_password=self._vault.unlock(desktop.password_locked),
            keyboard_layout=desktop.keyboard_layout,
            memory_mb=template.memory_mb,
            swap_mb=template.swap_mb,
            cores=template.cores,
            disk_gb=template.disk_gb,
            nesting=template.nesting,
            minutes=desktop.minutes,
            deadline_at=self._clock.now() + life,
        )

    def _is_taken_by_foreign(self, desktop: Desktop) -> bool:
        """Whether a container of no desktop uses its VM id or address. It may have been found
        after they were reserved, mainly if the database was restored from a backup."""
        with self._db.read() as session:
            return desktop.vmid in foreign_vmids(session) or desktop.address in foreign_addresses(
                session
            )

    def _is_taken(self, order: BuildOrder, error: OutsideFailed) -> bool:
        """Whether another container uses the VM id, by Proxmox's error or by a direct check."""
        if "already exists" in error.message:
            return True
        try:
            container = self._hypervisor.container(order.vmid)
        except OutsideFailed:
            return False
        return container is not None and not self._is_ours(container, order.desktop_id)

    def _occupied(self) -> set[int]:
        """VM ids of all containers in the range, so that one more try is usually enough."""
        try:
            return set(self._hypervisor.containers(self._config.vmids))
        except OutsideFailed:
            return set()

    def _is_ours(self, container: Container, public_id: str) -> bool:
        mark = parse_mark(container.description)
        return (
            mark is not None
            and mark.portal_id == self._config.portal_id
            and mark.desktop_id == public_id
        )

    def _reserve_another(self, lease: Lease, foreign: set[int]) -> None:
        for _ in range(VMID_TRIES):
            try:
                with self._db.begin() as session:
                    desktop = session.scalar(
                        select(Desktop).where(
                            Desktop.id == lease.desktop.id, Desktop.worked_by == lease.holder
                        )
                    )
                    if desktop is None:
                        raise LeaseLost
                    release(session, desktop)
                    reserve(session, self._config, desktop, avoid_vmids=foreign)
            except IntegrityError:  # a simultaneous launch reserved the same id: retry
                continue
            except Refused as refusal:  # no VM id or address is left: the build fails for that
                raise OutsideFailed(
                    message(refusal),
                    retry=False,
                    what_to_do=what_to_do(refusal),
                    reason=refusal.reason,
                ) from refusal
            lease.desktop.vmid, lease.desktop.address = desktop.vmid, desktop.address
            return
        raise OutsideFailed("No free VM id could be reserved.", retry=True)

    # -- writing down -----------------------------------------------------------------------------

    def _record(self, lease: Lease, order: BuildOrder, result: BuildResult) -> None:
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            finish_steps(session, desktop.id, now)
            if not can(desktop.state, Event.BUILT):  # stopped in the meantime
                return
            if desktop.is_pooled:
                advance(desktop, Event.BUILT_FOR_POOL, now)
                desktop.warmed_at = now
            else:
                advance(desktop, Event.BUILT, now)
                _begin_life(desktop, order, now)
            desktop.node = result.node
            desktop.memory_mb, desktop.cores = order.memory_mb, order.cores
            desktop.attempts, desktop.failure_reason = 0, None
            desktop.ssh_host_key_sha256 = result.ssh_host_key_sha256
            desktop.rdp_certificate_sha256 = result.rdp_certificate_sha256
            desktop.rdp_certificate_pem = result.rdp_certificate_pem
            action = "desktop.warm" if desktop.is_pooled else "desktop.ready"
            self._audit.record(session, SYSTEM, action, desktop.public_id)
        log.info("Build finished", extra={"desktop": order.desktop_id})

    def _fail(self, lease: Lease, error: OutsideFailed) -> None:
        """Record the failure and request the teardown of the partial build, in one transaction."""
        now = self._clock.now()
        with self._leases.giving_back(lease) as (session, desktop):
            if not can(desktop.state, Event.BROKE):  # stopped: the run failed as it was cancelled
                log.info("Build cancelled", extra=about(lease))
                return
            record_failure(desktop, error, now)
            desktop.attempts = 0
            request_end(desktop, EndReason.FAILED, now)
            self._audit.record(
                session, SYSTEM, "desktop.build_failed", desktop.public_id, str(error)
            )
        log.warning("Build failed: %s", error, extra=about(lease))

    def _put_back(self, turn: Turn, error: OutsideFailed) -> None:
        """Schedule a retry: on any node if the container certainly does not exist, else on the
        same one."""
        lease = turn.lease
        is_nowhere = self._is_nowhere(lease.desktop)
        with self._leases.giving_back(lease) as (session, desktop):
            free_slot(session, lease)
            if error.reason == LOCKED and turn.source:
                avoid_source(session, turn.source, self._clock.now())
            if desktop.state != State.BUILDING:
                return
            desktop.attempts += 1
            pause = pause_before(desktop.attempts, chance())
            desktop.retry_at = self._clock.now() + pause
            desktop.failure_reason = error.reason
            if is_nowhere:
                desktop.node = None
        log.warning(
            "Build postponed by %.1f s: %s", pause.total_seconds(), error, extra=about(lease)
        )

    def _is_nowhere(self, desktop: Desktop) -> bool:
        try:
            return desktop.vmid is None or self._hypervisor.container(desktop.vmid) is None
        except OutsideFailed:
            return False

    def _leave(self, lease: Lease) -> None:
        """Release the lease because this worker is stopping or a person comes first. The row stays
        in BUILDING, so another worker can take it at once."""
        with self._leases.giving_back(lease) as (_session, desktop):
            if desktop.is_pooled:  # giving way, even often, must not count towards the timeout
                desktop.build_started_at = self._clock.now()
            log.info("Build postponed", extra=about(lease))


def _begin_life(desktop: Desktop, order: BuildOrder, now: datetime) -> None:
    """Make it usable by its owner, from now until its deadline."""
    desktop.ready_at = now
    desktop.deadline_at = now + timedelta(minutes=desktop.minutes)
    note_told(desktop, order.deadline_at)


def _source_of(turn: Turn) -> Source:
    if turn.source is None:
        raise OutsideFailed(
            "The build was interrupted and could not be finished in time.",
            retry=True,
            reason=INTERRUPTED,
        )
    return turn.source


def _all_taken(error: OutsideFailed) -> OutsideFailed:
    return OutsideFailed(error.message, retry=True, log=error.log, reason=VMID_TAKEN)
