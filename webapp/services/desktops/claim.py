"""Takes a warm desktop out of the pool for a person, in the launch's transaction.

docs/decisions (fresh identity of pool desktops) explains what can be handed over safely, and why
no earlier secret works afterwards.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from webapp.domain.people.passwords import make_password
from webapp.domain.states import Event, State, advance
from webapp.models import Desktop, Node, Person, Template
from webapp.ports import Vault


@dataclass(frozen=True)
class Choices:
    """The settings of a new desktop, decided from the launch request."""

    minutes: int
    rdp_username: str
    keyboard_layout: str
    launch_token: str | None


def is_claimable(now: datetime) -> ColumnElement[bool]:
    """Selects warm desktops of their template's newest version without an owner or a lease.

    Desktops on a node that did not answer the last check are skipped: they may be gone.
    """
    newest = select(Template.version).where(Template.id == Desktop.template_id).scalar_subquery()
    is_off = exists(select(Node.name).where(Node.name == Desktop.node, Node.is_online.is_(False)))
    return and_(
        Desktop.state == State.WARM,
        Desktop.owner_id.is_(None),
        Desktop.template_version == newest,
        or_(Desktop.worked_until.is_(None), Desktop.worked_until < now),
        ~is_off,
    )


def take_warm(session: Session, template: Template, now: datetime) -> Desktop | None:
    """Returns the desktop that has been warm longest, locked until the transaction ends, or None.

    On SQLite the transaction is the only writer; on PostgreSQL rows that another launch has locked
    are skipped. In both cases the write is a compare-and-set on the row's version.
    """
    return session.scalar(
        select(Desktop)
        .where(Desktop.template_id == template.id, is_claimable(now))
        .order_by(Desktop.warmed_at, Desktop.id)
        .limit(1)
        .with_for_update(of=Desktop, skip_locked=True)
    )


def count_warm(session: Session, now: datetime) -> dict[int, int]:
    """Number of claimable desktops by template id; templates without any are left out."""
    rows = session.execute(
        select(Desktop.template_id, func.count())
        .where(is_claimable(now))
        .group_by(Desktop.template_id)
    )
    return {row[0]: row[1] for row in rows}


def hand_over(
    desktop: Desktop, owner: Person, choices: Choices, vault: Vault, now: datetime
) -> None:
    """Give the warm `desktop` to the owner: ready at once, or after a worker has assigned it.

    Its password was generated for the build and never shown. A different user name or keyboard
    must be set inside the desktop, which then gets a new password as well.
    """
    is_as_built = (desktop.rdp_username, desktop.keyboard_layout) == (
        choices.rdp_username,
        choices.keyboard_layout,
    )
    desktop.owner = owner
    desktop.launched_at = now
    desktop.launch_token = choices.launch_token
    desktop.minutes = choices.minutes
    desktop.attempts, desktop.retry_at = 0, None
    advance(desktop, Event.CLAIMED, now)
    if is_as_built:
        become_ready(desktop, now)
    else:
        desktop.rdp_username = choices.rdp_username
        desktop.keyboard_layout = choices.keyboard_layout
        desktop.password_locked = vault.lock(make_password())


def become_ready(desktop: Desktop, now: datetime) -> None:
    """Make it ready for its owner. A worker sends the deadline to the desktop itself."""
    advance(desktop, Event.ASSIGNED, now)
    desktop.ready_at = now
    desktop.deadline_at = now + timedelta(minutes=desktop.minutes)
