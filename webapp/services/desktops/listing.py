"""Lists launched desktops in a chosen order, with cursor-based paging.

Unlike numbered pages, this neither skips nor repeats desktops that existed all the time while
others come and go. The thousandth page costs no more than the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from webapp.domain.access import Action
from webapp.domain.states import State
from webapp.models import Desktop, Person, Template
from webapp.ports import Database
from webapp.services.access import reached
from webapp.services.audit.record import Actor

#: Represents "no deadline yet" in the order by deadline.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


class Order(StrEnum):
    """The keys that desktops can be sorted by."""

    LAUNCHED = "launched_at"
    EXPIRES = "expires_at"
    STATUS = "status"


@dataclass(frozen=True)
class ListingPosition:
    """A cursor: the sort value and the id of the last row."""

    value: str
    row_id: int


@dataclass(frozen=True)
class DesktopQuery:
    """Selection, order, cursor and maximum number of desktops."""

    limit: int
    order: Order = Order.LAUNCHED
    is_descending: bool = True
    is_mine: bool = False
    """Only the actor's own, also if the role allows to see all."""
    states: frozenset[State] = frozenset()
    template: str | None = None
    owner: str | None = None
    after: ListingPosition | None = None


@dataclass(frozen=True)
class ListingPage:
    """One page of desktops, and the cursor of the next page; None if this is the last."""

    desktops: Sequence[Desktop]
    next_place: ListingPosition | None


class DesktopListing:
    """Reads lists of desktops for API clients."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def read(self, actor: Actor, wanted: DesktopQuery) -> ListingPage:
        """Returns the next page of what the actor may see. Raises ValueError for an invalid
        cursor."""
        column = _column(wanted.order)
        query = _chosen(actor, wanted)
        if wanted.after:
            query = query.where(_beyond(column, wanted, wanted.after))
        by = (column.desc(), Desktop.id.desc()) if wanted.is_descending else (column, Desktop.id)
        with self._db.read() as session:
            rows = session.scalars(query.order_by(*by).limit(wanted.limit + 1)).all()
        shown = rows[: wanted.limit]
        return ListingPage(
            shown, _place(shown[-1], wanted.order) if len(rows) > len(shown) else None
        )


def _chosen(actor: Actor, wanted: DesktopQuery) -> Select[Desktop]:
    query = select(Desktop).where(Desktop.launched_at.is_not(None), Desktop.owner_id.is_not(None))
    query = query.where(reached(actor, Action.DESKTOP_SEE, Desktop.owner_id))
    if wanted.is_mine:
        query = query.where(Desktop.owner_id == actor.person_id)
    if wanted.states:
        query = query.where(Desktop.state.in_(wanted.states))
    if wanted.template:
        query = query.where(Desktop.template.has(Template.name == wanted.template))
    if wanted.owner:
        query = query.where(Desktop.owner.has(Person.name == wanted.owner))
    return query


def _column(order: Order) -> ColumnElement[Any]:
    columns: dict[Order, ColumnElement[Any]] = {
        Order.LAUNCHED: Desktop.launched_at.expression,
        Order.EXPIRES: func.coalesce(Desktop.deadline_at, NEVER),
        Order.STATUS: Desktop.state.expression,
    }
    return columns[order]


def _beyond(
    column: ColumnElement[Any], wanted: DesktopQuery, place: ListingPosition
) -> ColumnElement[bool]:
    value = State(place.value) if wanted.order is Order.STATUS else _moment(place.value)
    if wanted.is_descending:
        return or_(column < value, and_(column == value, Desktop.id < place.row_id))
    return or_(column > value, and_(column == value, Desktop.id > place.row_id))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def _place(desktop: Desktop, order: Order) -> ListingPosition:
    if order is Order.STATUS:
        return ListingPosition(desktop.state, desktop.id)
    moment = desktop.launched_at if order is Order.LAUNCHED else desktop.deadline_at
    return ListingPosition((moment or NEVER).isoformat(), desktop.id)
