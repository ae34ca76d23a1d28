"""The worker process: threads that do small steps until it is stopped.

1. Each slot assigns, resumes, builds, tears down and pauses one desktop at a time, in turns. With
   two or more slots, the first one is reserved for people: it builds nothing for the pools.
   A few more threads query running desktops and send them their deadlines. A desktop may not
   respond, or send garbage: those whose last response was bad have a thread of their own.
2. The clock's thread expires desktops, keeps the pools, publishes names and writes the heartbeat.
3. A third thread reads Proxmox, reconciles, and adds up the history; another one examines the
   installation and removes old templates. These may block for a long time.
4. Webhook deliveries are sent by a few threads of their own (worker/webhooks.py).
5. On SIGTERM no new work begins. Running work may finish within a grace period, is then cancelled,
   and is left to the next worker process. A second signal cancels at once.
"""

import logging
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from queue import Empty, SimpleQueue

from webapp.bootstrap_worker import WorkerServices
from webapp.domain.errors import OutsideFailed
from webapp.worker.dead_workers import is_dead
from webapp.worker.jobs import Periodic, RoundRobin, Throttled, log_errors
from webapp.worker.webhooks import WebhookDispatcher

log = logging.getLogger(__name__)

#: How long an idle slot sleeps; on average, a launch waits half of this for a slot.
IDLE_SECONDS = 0.2
#: How long a thread pauses after a failure.
FAILURE_PAUSE_SECONDS = 2.0
CLOCK_SECONDS = 0.5
#: How long running work may continue after SIGTERM, and then how long its cancellation may take.
GRACE_SECONDS = 20.0
CANCEL_SECONDS = 40.0
#: How long a new worker process waits for its first reading of the nodes before it acts: that
#: reading may reveal that the database is an old copy.
FIRST_READING_SECONDS = 15.0
POOL_EVERY = timedelta(seconds=2)
BEAT_EVERY = timedelta(seconds=5)
READ_NODES_EVERY = timedelta(seconds=15)
EXAMINE_EVERY = timedelta(minutes=10)
#: The maximum delay before a webhook is sent an event.
WEBHOOK_SECONDS = 1.0
FORGET_EVERY = timedelta(hours=1)
TALLY_EVERY = timedelta(minutes=1)
#: The maximum delay before an idle desktop, or one without its current deadline, is noticed: each
#: check reads thousands of rows.
IDLE_EVERY = timedelta(seconds=5)
DEADLINE_EVERY = timedelta(seconds=1)
#: Threads that query desktops whose last response was good; one more thread queries the others.
QUERY_THREADS = 3
END_IDLE_RUNS_EVERY = timedelta(minutes=1)
OLD_TEMPLATES_EVERY = timedelta(minutes=10)


def worker_name() -> str:
    """Returns host name, process id and start time, which identify a worker process."""
    return f"{platform.node()[:40]}:{os.getpid()}:{int(time.time())}"


class Worker:
    """One worker process."""

    def __init__(self, services: WorkerServices, grace_seconds: float = GRACE_SECONDS) -> None:
        self._services = services
        self._grace = grace_seconds
        self._webhooks = WebhookDispatcher(services.deliverer)
        self._stops: SimpleQueue[None] = SimpleQueue()
        self._is_ending = threading.Event()
        self._is_cancelling = threading.Event()
        self._has_read_nodes = threading.Event()
        self._queries = {suspects: self._query_steps(suspects) for suspects in (False, True)}
        self._stop_idle = Throttled(IDLE_EVERY, services.idle.stop_some)
        self._forgive = Periodic(IDLE_EVERY, services.idle.forgive)

    def run(self) -> None:
        """Work until `stop()`; returns when all running work has ended."""
        slots = self._services.config.worker_slots
        log_errors(lambda: self._services.provisioner.warm_up(slots))
        log_errors(self._release_dead_leases)
        threads = [
            *(self._slot(number, slots) for number in range(1, slots + 1)),
            *(self._query_thread(number) for number in range(1, QUERY_THREADS + 1)),
            self._query_thread(0, suspects=True),
            self._thread("clock", self._work_clock),
            self._thread("reconcile", self._work_reconcile),
            self._thread("doctor", self._work_doctor),
            self._thread("webhooks", self._work_webhooks),
        ]
        log.info("Worker %s started with %s slots", self._services.name, slots)
        while not self._is_stop_requested(FAILURE_PAUSE_SECONDS):
            # Python runs signal handlers in this thread; two signals at once may leave it asleep.
            pass
        self._end(threads)

    def stop(self) -> None:
        """Begin to end; a second call cancels running work.

        Safe in a signal handler, even one that interrupts another handler: setting an event there
        could wait forever for the lock that the interrupted handler holds.
        """
        self._stops.put(None)

    def stop_on_signals(self) -> None:
        """End on SIGTERM (systemd) and SIGINT (Ctrl-C)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.stop())

    def run_once(self) -> bool:
        """Run everything that is due now; returns whether all of it succeeded."""
        services = self._services
        queries = [*self._queries[False], *self._queries[True]]
        round_robin = RoundRobin([*self._steps(), *queries, self._build_for_pool])
        jobs: Iterable[Callable[[], object]] = (
            lambda: services.cleanups.do_one(self._clean),
            services.provisioner.sweep,
            self._release_dead_leases,
            self._reconcile,
            self._expire_all,
            services.pools.keep,
            lambda: _all(round_robin.do_one),
            self._remove_old_templates,
            services.host_names.keep,
            services.heartbeat.beat,
            services.tallies.settle,
            lambda: _all(services.deliverer.deliver_one),
            services.deliverer.forget_old,
            services.audit_retention.cut,
        )
        failed = [job for job in jobs if not log_errors(job)]
        return not failed

    # -- threads ----------------------------------------------------------------------------------

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread

    def _slot(self, number: int, slots: int) -> threading.Thread:
        is_for_people = number == 1 and slots > 1
        steps = self._steps() + ([] if is_for_people else [self._build_for_pool])
        return self._thread(f"slot-{number}", lambda: self._work_slot(steps))

    def _query_thread(self, number: int, *, suspects: bool = False) -> threading.Thread:
        steps = self._queries[suspects]
        return self._thread(f"queries-{number}", lambda: self._work_slot(steps))

    def _query_steps(self, suspects: bool) -> list[Callable[[], bool]]:
        """Returns the steps that query desktops; several threads share their pauses."""
        services = self._services
        return [
            Throttled(
                DEADLINE_EVERY,
                lambda: services.deadline_sender.send_deadline_one(suspects=suspects),
            ),
            Throttled(IDLE_EVERY, lambda: services.idle.ask_one(suspects=suspects)),
            Throttled(IDLE_EVERY, lambda: services.idle.warn_one(suspects=suspects)),
        ]

    def _work_slot(self, steps: list[Callable[[], bool]]) -> None:
        self._has_read_nodes.wait(FIRST_READING_SECONDS)
        round_robin = RoundRobin(steps)
        did: list[bool] = []
        while not self._is_ending.is_set():
            did.clear()
            if not log_errors(lambda: did.append(round_robin.do_one())):
                self._is_ending.wait(FAILURE_PAUSE_SECONDS)
            elif not any(did):
                self._is_ending.wait(IDLE_SECONDS)

    def _work_clock(self) -> None:
        beat = Periodic(BEAT_EVERY, self._services.heartbeat.beat)
        pools = Periodic(POOL_EVERY, self._services.pools.keep)
        names = Periodic(POOL_EVERY, self._services.host_names.keep)
        give_up_at = time.monotonic() + FIRST_READING_SECONDS
        while not self._is_ending.wait(CLOCK_SECONDS):
            if self._has_read_nodes.is_set() or time.monotonic() > give_up_at:
                log_errors(self._expire_all)
                log_errors(pools.do_if_due)
            log_errors(names.do_if_due)
            log_errors(beat.do_if_due)

    def _work_reconcile(self) -> None:
        services = self._services
        reconcile = Periodic(services.config.reconcile_every, self._reconcile)
        look = Periodic(READ_NODES_EVERY, services.heartbeat.look_at_proxmox)
        tally = Periodic(TALLY_EVERY, services.tallies.settle)
        log_errors(reconcile.do_if_due)
        self._has_read_nodes.set()
        while not self._is_ending.wait(CLOCK_SECONDS):
            log_errors(reconcile.do_if_due)
            log_errors(look.do_if_due)
            log_errors(lambda: self._services.cleanups.do_one(self._clean))
            log_errors(tally.do_if_due)

    def _work_doctor(self) -> None:
        examine = Periodic(EXAMINE_EVERY, self._services.doctor.examine_and_keep)
        cool = Periodic(END_IDLE_RUNS_EVERY, self._services.provisioner.cool_down)
        old = Periodic(OLD_TEMPLATES_EVERY, self._remove_old_templates)
        while not self._is_ending.wait(CLOCK_SECONDS):
            log_errors(examine.do_if_due)
            log_errors(cool.do_if_due)
            log_errors(old.do_if_due)

    def _work_webhooks(self) -> None:
        forget = Periodic(FORGET_EVERY, self._services.deliverer.forget_old)
        cut = Periodic(FORGET_EVERY, self._services.audit_retention.cut)
        while not self._is_ending.wait(WEBHOOK_SECONDS):
            log_errors(self._webhooks.send_due)
            log_errors(forget.do_if_due)
            log_errors(cut.do_if_due)

    def _is_stop_requested(self, seconds: float) -> bool:
        """Whether a call of `stop` is pending, or arrives within `seconds`."""
        try:
            self._stops.get(timeout=seconds)
        except Empty:
            return False
        return True

    def _end(self, threads: list[threading.Thread]) -> None:
        self._is_ending.set()
        log.info("Worker stopping; running work may take %.0f s", self._grace)
        patience = time.monotonic() + self._grace
        while any(one.is_alive() for one in threads) and time.monotonic() < patience:
            if self._is_stop_requested(0.1):
                break
        self._is_cancelling.set()
        hurry = time.monotonic() + CANCEL_SECONDS
        for thread in threads:
            thread.join(max(hurry - time.monotonic(), 0))
        log_errors(self._webhooks.close)
        log_errors(self._services.provisioner.close)
        log_errors(self._services.heartbeat.end)
        log.info("Worker stopped")

    # -- work -------------------------------------------------------------------------------------

    def _steps(self) -> list[Callable[[], bool]]:
        services, is_stopping = self._services, self._is_cancelling.is_set
        return [
            lambda: services.assigner.assign_one(is_stopping),
            lambda: services.resumer.resume_one(is_stopping),
            lambda: services.builder.build_one(is_stopping),
            lambda: services.teardown.teardown_one(is_stopping),
            lambda: services.pauser.pause_one(is_stopping),
            lambda: services.adopter.finish_one(is_stopping),
        ]

    def _build_for_pool(self) -> bool:
        return self._services.builder.build_for_pool_one(self._is_cancelling.is_set)

    def _release_dead_leases(self) -> None:
        self._services.leases.release_held_by(is_dead)

    def _expire_all(self) -> None:
        _all(self._services.lifetime.expire_some)
        _all(self._services.pauses.expire_some)
        _all(self._stop_idle)
        self._forgive.do_if_due()

    def _remove_old_templates(self) -> None:
        _all(lambda: self._services.template_retirement.remove_one(self._is_cancelling.is_set))

    def _clean(self) -> None:
        """Run all maintenance now and thoroughly, instead of when it is due."""
        self._services.provisioner.sweep()
        self._release_dead_leases()
        self._expire_all()
        self._services.reconciler.reconcile(closely=True)

    def _reconcile(self) -> None:
        try:
            self._services.reconciler.reconcile()
        except OutsideFailed as error:
            self._services.heartbeat.note_trouble(error)
            raise


def _all(step: Callable[[], bool]) -> None:
    while step():
        pass
