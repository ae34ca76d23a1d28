"""How a desktop's row says that the desktop is to end, and that work on it failed."""

from datetime import datetime

from webapp.domain.errors import OutsideFailed
from webapp.domain.states import EndReason, Event, advance
from webapp.models import Desktop


def request_end(
    desktop: Desktop, reason: EndReason, now: datetime, *, not_before: datetime | None = None
) -> None:
    """Record that `desktop` is to end, and why; the worker tears it down, from `not_before` on."""
    advance(desktop, Event.STOP_REQUESTED, now)
    desktop.end_reason = reason
    desktop.stop_requested_at = now
    desktop.retry_at = not_before


def record_failure(desktop: Desktop, error: OutsideFailed, now: datetime) -> None:
    """Record that what was done for `desktop` failed for good, and why."""
    advance(desktop, Event.BROKE, now)
    desktop.failed_at = now
    desktop.failure = str(error)[:500]
    desktop.failure_log = error.log or None
    desktop.failure_reason = error.reason[:16] or None
