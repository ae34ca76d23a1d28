"""Loads desktops from the reports and makes their views."""

from webapp.domain.access import Action, Reach, reach
from webapp.domain.states import State
from webapp.http.context import services
from webapp.models import Desktop
from webapp.services.audit.record import Actor
from webapp.web.desktops.build_progress import PATIENCE, BuildProgress, build_progress
from webapp.web.desktops.desktop_history import activity_of
from webapp.web.desktops.view import DesktopView


def plain_view(row: Desktop) -> DesktopView:
    """Return the view of a row in a list."""
    return DesktopView(row, services().clock.now())


def moving_view(actor: Actor, row: Desktop) -> DesktopView:
    """Return the view of a row in a list, with its progress while work on it is under way."""
    view = plain_view(row)
    if not view.is_on_the_way:
        return view
    whole = services().reports.desktop(actor, row.public_id)
    return DesktopView(whole, view.now, build=_build(whole))


def whole_view(actor: Actor, public_id: str) -> DesktopView:
    """Return all that one desktop's page shows. Raises NotFound if the actor may not see it."""
    reports = services().reports
    row = reports.desktop(actor, public_id)
    view = plain_view(row)
    failed_while_made = view.has_failed and row.ready_at is None
    shows_names = reach(actor, Action.DESKTOP_SEE) is Reach.ALL
    acts = activity_of(reports.activity(public_id), row.owner_id, shows_names=shows_names)
    return DesktopView(
        row,
        view.now,
        build=_build(row) if view.is_on_the_way or failed_while_made else None,
        activity=acts,
        domain=services().config.desktop_domain,
    )


def _build(row: Desktop) -> BuildProgress:
    reports = services().reports
    view = reports.build(row)
    waits = row.state is State.QUEUED and view.elapsed > PATIENCE
    return build_progress(
        view,
        services().clock.now(),
        is_moving=DesktopView(row, services().clock.now()).is_on_the_way,
        is_stuck=waits and "worker" in reports.readiness().troubles,
        trouble=row.failure_reason or "",
        waiting=services().queue_positions.of(row),
    )
