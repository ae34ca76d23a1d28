"""Rows of connections and tickets without a gateway, such as those to servers."""

from sqlalchemy import select

from webapp.bootstrap import Services
from webapp.domain.connections.target import Door, Protocol, Target, TargetKind
from webapp.models import Connection, Person, SignIn
from webapp.services.audit.record import Actor

SERVER = Target(TargetKind.SERVER, "server-1")


def open_to_server(services: Services, actor: Actor) -> int:
    """Insert an open connection of a person, who has one sign-in, to a server; return its id."""
    now = services.clock.now()
    with services.db.begin() as session:
        row = Connection(
            public_id="connection-1a2b3c4d",
            door=Door.BROWSER_VIEW,
            protocol=Protocol.RDP,
            target_kind=SERVER.kind,
            target_id=SERVER.id,
            person=session.get_one(Person, actor.person_id),
            sign_in=session.scalars(
                select(SignIn).where(SignIn.person_id == actor.person_id)
            ).first(),
            source_address="192.0.2.9",
            user_agent="Firefox",
            started_at=now,
            seen_at=now,
        )
        session.add(row)
        session.flush()
        return row.id
