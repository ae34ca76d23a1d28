"""Changing a person's role."""

from sqlalchemy import select

from webapp.domain.access import Action
from webapp.domain.errors import NotFound, Refused
from webapp.domain.people.passwords import same_name
from webapp.domain.people.roles import Role
from webapp.models import Person
from webapp.ports import Database
from webapp.services.access import check
from webapp.services.audit.record import Actor, Audit


class RoleChanges:
    """The use case of changing roles."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self._db = db
        self._audit = audit

    def set_role(self, actor: Actor, name: str, role: Role) -> None:
        """Give the person another role; it counts from the next request on, also for their keys.

        Raises NotFound, and Refused for the actor's own account.
        """
        with self._audit.refusals(actor, "person.set_role", name), self._db.begin() as session:
            check(actor, Action.PERSON_MANAGE)
            person = session.scalar(select(Person).where(Person.name == same_name(name)))
            if person is None:
                raise NotFound("person", name=name[:64])
            if person.id == actor.person_id:
                raise Refused("oneself.role")
            before, person.role = person.role, role
            if before != role:
                detail = f"{before} to {role}"
                self._audit.record(session, actor, "person.set_role", person.name, detail)
