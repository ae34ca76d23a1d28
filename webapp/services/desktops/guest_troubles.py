"""Desktops with invalid answers or none: they are marked, and asked at growing intervals."""

from sqlalchemy import ColumnElement, or_, true

from webapp.domain.desktops.guest_trouble import pause_after
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import HOLDS_RESOURCES
from webapp.models import Desktop
from webapp.ports import Clock


def note_bad_answer(desktop: Desktop, error: OutsideFailed, clock: Clock) -> None:
    """Mark the desktop for administrators, and send it no requests for a while."""
    desktop.guest_failures += 1
    desktop.guest_trouble = str(error)[:200]
    desktop.ask_again_at = clock.now() + pause_after(desktop.guest_failures)


def note_good_answer(desktop: Desktop) -> None:
    """Remove the mark."""
    if desktop.guest_failures:
        desktop.guest_failures = 0
        desktop.guest_trouble = desktop.ask_again_at = None


def is_marked() -> ColumnElement[bool]:
    """Selects existing desktops whose last answer was invalid or missing."""
    return (Desktop.guest_failures > 0) & Desktop.state.in_(HOLDS_RESOURCES)


def may_be_asked(clock: Clock, *, suspects: bool | None) -> ColumnElement[bool]:
    """Selects desktops that may be sent a request now. `suspects`: only marked ones (True), only
    the others (False), or all (None)."""
    is_due = or_(Desktop.ask_again_at.is_(None), Desktop.ask_again_at <= clock.now())
    if suspects is None:
        return is_due & true()
    return is_due & (Desktop.guest_failures > 0 if suspects else Desktop.guest_failures == 0)
