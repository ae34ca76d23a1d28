"""The decision about a connection: asked when it is opened, and again every second."""

from datetime import datetime

from webapp.config import Config
from webapp.domain.connections import rules
from webapp.domain.connections.rules import Ending
from webapp.models import Connection, Desktop
from webapp.services.people.sign_ins import is_held


def ending_of(row: Connection, config: Config, now: datetime) -> Ending | None:
    """Returns why the connection must end, or may not begin; None if nothing speaks against it."""
    return rules.decide_ending(
        rules.Standing(
            is_person_suspended=row.person.suspended_at is not None,
            is_sign_in_over=not is_held(row, config, now),
            target_ending=_desktop_ending(row.desktop, now) if row.desktop else None,
            cut_as=row.cut_as,
        )
    )


def _desktop_ending(desktop: Desktop, now: datetime) -> Ending | None:
    return rules.desktop_ending(desktop.state, desktop.end_reason, desktop.deadline_at, now)
