"""Asks `domain/access.py`, and turns its answer into an error or the filter of a query."""

from sqlalchemy import ColumnElement, false, true
from sqlalchemy.orm import InstrumentedAttribute

from webapp.domain.access import SITE, Action, Denied, Reach, Resource, Subject, decide, reach
from webapp.domain.errors import Refused


def check(subject: Subject, action: Action, resource: Resource = SITE) -> None:
    """Raise Refused (`forbidden`) unless the subject may do the action to the resource."""
    if isinstance(decide(subject, action, resource), Denied):
        raise forbidden()


def reached(
    subject: Subject, action: Action, owner: InstrumentedAttribute[int | None]
) -> ColumnElement[bool]:
    """Returns the condition that selects the rows on which the subject may do the action; `owner`
    is the column with the owner's id."""
    match reach(subject, action):
        case Reach.ALL:
            return true()
        case Reach.OWN:
            return owner == subject.person_id
        case _:
            return false()


def forbidden() -> Refused:
    """The refusal of an action that the caller's role does not allow."""
    return Refused("forbidden.action")
