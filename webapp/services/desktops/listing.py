"""Launched desktops in an order, a stretch at a time, from where the last stretch ended.

Unlike numbered pages this neither skips nor repeats what was there all the time, however many come
and go between, and the thousandth stretch costs no more than the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from webapp.domain.states import State
from webapp.models import Desktop, Person, Template
from webapp.ports import Database
from webapp.services.audit.record import Actor

#: What stands for "no deadline yet" in the order by deadline.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


class Order(StrEnum):
    """What desktops can be sorted by."""

    LAUNCHED = "launched_at"
    EXPIRES = "expires_at"
    STATUS = "status"


@dataclass(frozen=True)
class Place:
    """Where a stretch ended: the value that it is sorted by, and the row's id."""

    value: str
    row_id: int


@dataclass(frozen=True)
class DesktopQuery:
    """Which desktops, in what order, from where, how many at most."""

    limit: int
    order: Order = Order.LAUNCHED
    is_descending: bool = True
    is_mine: bool = False
    """The actor's own alone; for anybody but an admin that is always so."""
    states: frozenset[State] = frozenset()
    template: str | None = None
    owner: str | None = None
    after: Place | None = None


@dataclass(frozen=True)
class Stretch:
    """Some desktops, and from where to go on; None: these are the last."""

    desktops: Sequence[Desktop]
    next_place: Place | None


class DesktopPages:
    """Reads lists of desktops for programs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def read(self, actor: Actor, wanted: DesktopQuery) -> Stretch:
        """The next stretch of what the actor may see. Raises ValueError for a place of no kind."""
        column = _column(wanted.order)
        query = _chosen(actor, wanted)
        if wanted.after:
            query = query.where(_beyond(column, wanted, wanted.after))
        by = (column.desc(), Desktop.id.desc()) if wanted.is_descending else (column, Desktop.id)
        with self._db.read() as session:
            rows = session.scalars(query.order_by(*by).limit(wanted.limit + 1)).all()
        shown = rows[: wanted.limit]
        return Stretch(shown, _place(shown[-1], wanted.order) if len(rows) > len(shown) else None)


def _chosen(actor: Actor, wanted: DesktopQuery) -> Select[Desktop]:
    query = select(Desktop).where(Desktop.launched_at.is_not(None), Desktop.owner_id.is_not(None))
    if wanted.is_mine or not actor.is_admin:
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


def _beyond(column: ColumnElement[Any], wanted: DesktopQuery, place: Place) -> ColumnElement[bool]:
    value = State(place.value) if wanted.order is Order.STATUS else _moment(place.value)
    if wanted.is_descending:
        return or_(column < value, and_(column == value, Desktop.id < place.row_id))
    return or_(column > value, and_(column == value, Desktop.id > place.row_id))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def _place(desktop: Desktop, order: Order) -> Place:
    if order is Order.STATUS:
        return Place(desktop.state, desktop.id)
    moment = desktop.launched_at if order is Order.LAUNCHED else desktop.deadline_at
    return Place((moment or NEVER).isoformat(), desktop.id)
