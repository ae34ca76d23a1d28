"""Admits a person to a target: the decision, the connection's row, and what its protocol needs.

Every door's credential ends here, so no connection is opened by another rule.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action, Subject, may
from webapp.domain.connections import rules
from webapp.domain.connections.rdp_file import RDP_PORT
from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.domain.connections.target import Door, Protocol, Target
from webapp.domain.states import State
from webapp.models import Connection, Desktop, Ticket
from webapp.ports import Clock, Vault
from webapp.services.audit.record import Actor, Audit
from webapp.services.connections.decision import ending_of
from webapp.services.desktop_access import resource_of


@dataclass(frozen=True)
class Client:
    """A client at a door: its address and its user agent."""

    door: Door
    source_address: str
    user_agent: str


@dataclass(frozen=True)
class RdpParameters:
    """What the gateway needs to open a desktop by RDP. Contains a secret: never log it."""

    address: str
    port: int
    certificate_sha256: str
    username: str
    password: str = field(repr=False)
    keyboard_layout: str
    clipboard_in: bool
    clipboard_out: bool


@dataclass(frozen=True)
class Admitted:
    """A connection that may begin; its row is open."""

    connection_id: int
    person_id: int
    target: Target
    protocol: Protocol
    parameters: RdpParameters
    """What the protocol needs; each protocol has a type of its own."""
    taken_over: frozenset[int]
    """Older connections to the same target, which this one replaces."""


class Denied(Exception):
    """The person was not admitted; `ending` is the reason."""

    def __init__(self, why: ConnectionEnd, detail: str = "") -> None:
        super().__init__(f"{why} {detail}".strip())
        self.ending = Ending(why, detail)


#: States of desktops that will be ready soon.
_NOT_YET = (State.QUEUED, State.BUILDING, State.WARM, State.ASSIGNING, State.RESUMING)


class Admission:
    """Opens connections."""

    def __init__(self, clock: Clock, config: Config, vault: Vault, audit: Audit) -> None:
        self._clock = clock
        self._config = config
        self._vault = vault
        self._audit = audit
        self._forbidden = frozenset({config.proxmox.host})

    def open(self, session: Session, ticket: Ticket, client: Client) -> Admitted:
        """Decide, and insert the connection's row. Raises Denied or Refused."""
        row = _row(ticket, client, self._clock.now())
        self._decide(row)
        older = self._make_room(session, row)
        parameters = self._rdp(row.desktop, ticket.keyboard_layout)
        session.add(row)
        if row.desktop:
            row.desktop.left_at = None
        session.flush()
        actor = Actor(row.person_id, client.source_address, key_id=row.key_id)
        self._audit.record(
            session, actor, "connection.open", row.target_id, row.protocol, kind=row.target_kind
        )
        return Admitted(row.id, row.person_id, row.target, row.protocol, parameters, older)

    def _decide(self, row: Connection) -> None:
        """Raise Denied unless the person, the sign-in or key, and the target are still valid."""
        if row.desktop:
            subject = Subject(row.person.id, role=row.person.role)
            if not may(subject, Action.DESKTOP_OPEN, resource_of(row.desktop)):
                raise Denied(ConnectionEnd.TICKET)
            if row.desktop.state in _NOT_YET:
                raise Denied(ConnectionEnd.NOT_READY)
        if ending := ending_of(row, self._config, row.started_at):
            raise Denied(ending.why, ending.detail)

    def _make_room(self, session: Session, row: Connection) -> frozenset[int]:
        """Request the end of older connections to the target by the same protocol: a desktop shows
        its screen to one at a time.

        Returns their ids. Raises Denied if the person has too many other connections.
        """
        theirs = select(Connection.id, Connection.protocol, *_TARGET).where(
            Connection.person_id == row.person.id, Connection.ended_at.is_(None)
        )
        open_rows = session.execute(theirs).all()
        this = (row.protocol, row.target_kind, row.target_id)
        older = frozenset(number for number, *that in open_rows if tuple(that) == this)
        if len(open_rows) - len(older) >= self._config.max_connections:
            raise Denied(ConnectionEnd.TOO_MANY)
        if older:
            session.execute(
                update(Connection)
                .where(Connection.id.in_(older), Connection.cut_as.is_(None))
                .values(cut_as=ConnectionEnd.TAKEN_OVER)
            )
        return older

    def _rdp(self, desktop: Desktop | None, keyboard_layout: str) -> RdpParameters:
        if desktop is None:
            raise Denied(ConnectionEnd.UNREACHABLE, "target")
        address = rules.decide_address(desktop.address, self._config.addresses, self._forbidden)
        return RdpParameters(
            address=address,
            port=RDP_PORT,
            certificate_sha256=desktop.rdp_certificate_sha256 or "",
            username=desktop.rdp_username,
            password=self._vault.unlock(desktop.password_locked or b""),
            keyboard_layout=keyboard_layout,
            clipboard_in=desktop.template.clipboard_in,
            clipboard_out=desktop.template.clipboard_out,
        )


_TARGET = (Connection.target_kind, Connection.target_id)


def _row(ticket: Ticket, client: Client, now: datetime) -> Connection:
    return Connection(
        public_id=f"connection-{secrets.token_hex(4)}",
        door=ticket.door,
        protocol=ticket.protocol,
        target_kind=ticket.target_kind,
        target_id=ticket.target_id,
        desktop=ticket.desktop,
        person=ticket.person,
        sign_in=ticket.sign_in,
        key=ticket.key,
        source_address=client.source_address,
        user_agent=client.user_agent,
        started_at=now,
        seen_at=now,
    )
