"""The worker's post: sends webhook deliveries in a few threads of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

from webapp.services.webhooks.delivery import Claimed, Deliverer
from webapp.worker.jobs import survives

#: So many are sent at the same time, but to one receiver one after the other.
AT_ONCE = 4


class Post:
    """Hands what is due to its threads, which exist only once there is something to send."""

    def __init__(self, deliverer: Deliverer) -> None:
        self._deliverer = deliverer
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")
        self._lock = threading.Lock()
        self._busy: set[int] = set()

    def send_due(self) -> None:
        """Begin to send as many as there are free threads; returns at once."""
        while (busy := self._busy_now()) is not None:
            claimed = self._deliverer.claim(busy)
            if claimed is None:
                return
            with self._lock:
                self._busy.add(claimed.webhook_id)
            self._threads.submit(self._send, claimed)

    def close(self) -> None:
        """Begin nothing more and wait for what is being sent, which is never long."""
        self._threads.shutdown(cancel_futures=True)

    def _busy_now(self) -> frozenset[int] | None:
        """The webhooks that are being sent to; None when all threads have something to do."""
        with self._lock:
            return frozenset(self._busy) if len(self._busy) < AT_ONCE else None

    def _send(self, claimed: Claimed) -> None:
        try:
            survives(lambda: self._deliverer.deliver(claimed))
        finally:
            with self._lock:
                self._busy.discard(claimed.webhook_id)
