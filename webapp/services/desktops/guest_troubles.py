"""Desktops that answer nonsense, or nothing: they are marked, and asked less and less often."""

from sqlalchemy import ColumnElement, or_, true

from webapp.domain.desktops.guest_trouble import pause_after
from webapp.domain.errors import OutsideFailed
from webapp.domain.states import HOLDS_RESOURCES
from webapp.models import Desktop
from webapp.ports import Clock


def note_bad_answer(desktop: Desktop, error: OutsideFailed, clock: Clock) -> None:
    """Mark it for administrators, and leave it alone for a while."""
    desktop.guest_failures += 1
    desktop.guest_trouble = str(error)[:200]
    desktop.ask_again_at = clock.now() + pause_after(desktop.guest_failures)


def note_good_answer(desktop: Desktop) -> None:
    """It can be believed again."""
    if desktop.guest_failures:
        desktop.guest_failures = 0
        desktop.guest_trouble = desktop.ask_again_at = None


def is_marked() -> ColumnElement[bool]:
    """Desktops that exist and whose last answer was nonsense or none."""
    return (Desktop.guest_failures > 0) & Desktop.state.in_(HOLDS_RESOURCES)


def may_be_asked(clock: Clock, *, suspects: bool | None) -> ColumnElement[bool]:
    """Desktops that are not left alone now; `suspects`: only the marked ones, or only others."""
    is_due = or_(Desktop.ask_again_at.is_(None), Desktop.ask_again_at <= clock.now())
    if suspects is None:
        return is_due & true()
    return is_due & (Desktop.guest_failures > 0 if suspects else Desktop.guest_failures == 0)
