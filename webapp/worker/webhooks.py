"""Sends webhook deliveries in a few threads of the worker process."""

import threading
from concurrent.futures import ThreadPoolExecutor

from webapp.services.webhooks.delivery import Claimed, Deliverer
from webapp.worker.jobs import log_errors

#: The number of simultaneous deliveries; those to one receiver are sent one after the other.
AT_ONCE = 4


class WebhookDispatcher:
    """Distributes due deliveries to its threads, which start with the first delivery."""

    def __init__(self, deliverer: Deliverer) -> None:
        self._deliverer = deliverer
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")
        self._lock = threading.Lock()
        self._busy: set[int] = set()

    def send_due(self) -> None:
        """Start as many deliveries as there are free threads; returns at once."""
        while (busy := self._busy_now()) is not None:
            claimed = self._deliverer.claim(busy)
            if claimed is None:
                return
            with self._lock:
                self._busy.add(claimed.webhook_id)
            self._threads.submit(self._send, claimed)

    def close(self) -> None:
        """Start nothing more and wait for running deliveries; each has a timeout of seconds."""
        self._threads.shutdown(cancel_futures=True)

    def _busy_now(self) -> frozenset[int] | None:
        """Returns the webhooks with a running delivery; None if all threads are busy."""
        with self._lock:
            return frozenset(self._busy) if len(self._busy) < AT_ONCE else None

    def _send(self, claimed: Claimed) -> None:
        try:
            log_errors(lambda: self._deliverer.deliver(claimed))
        finally:
            with self._lock:
                self._busy.discard(claimed.webhook_id)
