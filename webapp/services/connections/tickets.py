"""Tickets: each is the right to open one connection to a desktop. Single use, even if it fails.

1. A page requests a ticket (`issue`), bound to person, sign-in, desktop and purpose.
2. A gateway redeems it with a guarded update, so only one of two attempts succeeds. It opens the
   connection's row in the same call.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.connections import rules
from webapp.domain.connections.rdp_file import RDP_PORT
from webapp.domain.connections.rules import ConnectionEnd, Ending, Purpose
from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS
from webapp.domain.errors import BadInput, Refused
from webapp.domain.people.passwords import hash_token, make_token
from webapp.domain.states import State
from webapp.models import Connection, Desktop, Ticket
from webapp.ports import Clock, Database, Vault
from webapp.services.audit.record import Actor, Audit
from webapp.services.desktop_access import own_desktop
from webapp.services.desktops.credentials import check_not_paused
from webapp.services.people.sign_ins import is_held


@dataclass(frozen=True)
class IssuedTicket:
    """The right to open one connection. `token` is a secret that expires after 30 seconds."""

    token: str = field(repr=False)
    gateway_url: str
    expires_at: datetime
    clipboard_in: bool
    clipboard_out: bool


@dataclass(frozen=True)
class Admitted:
    """Everything a gateway needs for one connection. Contains a secret: never log it."""

    connection_id: int
    person_id: int
    desktop_id: str
    address: str
    port: int
    certificate_sha256: str
    username: str
    password: str = field(repr=False)
    keyboard_layout: str
    clipboard_in: bool
    clipboard_out: bool
    taken_over: frozenset[int]
    """Older connections to the same desktop, which this one replaces."""


class Denied(Exception):
    """The ticket was rejected; `ending` is the reason."""

    def __init__(self, why: ConnectionEnd, detail: str = "") -> None:
        super().__init__(f"{why} {detail}".strip())
        self.ending = Ending(why, detail)


class Tickets:
    """Issues tickets to the pages and redeems them for the gateways."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, vault: Vault, audit: Audit
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._vault = vault
        self._audit = audit
        self._forbidden = frozenset({config.proxmox.host})

    # -- for the pages --------------------------------------------------------------------------

    def issue(
        self,
        actor: Actor,
        public_id: str,
        *,
        sign_in_id: int | None = None,
        keyboard_layout: str = "us",
    ) -> IssuedTicket:
        """Issue a ticket for the owner's ready desktop, bound to the actor's key or this sign-in.

        Raises NotFound unless the actor is the owner (admins can stop desktops of others but not
        open them), Refused if the desktop is not ready, BadInput for an unknown keyboard layout.
        """
        if keyboard_layout not in KEYBOARD_LAYOUTS:
            raise BadInput("keyboard_layout", "That keyboard layout is not known.")
        now = self._clock.now()
        token = make_token()
        with (
            self._audit.refusals(actor, "connection.ticket", public_id),
            self._db.begin() as session,
        ):
            desktop = own_desktop(session, actor, public_id)
            _check_ready(desktop)
            self._sweep_tickets(session, actor, now)
            desktop.left_at = None
            session.add(
                Ticket(
                    token_hash=hash_token(token),
                    purpose=Purpose.RDP,
                    person_id=actor.person_id,
                    sign_in_id=sign_in_id,
                    key_id=actor.key_id,
                    desktop=desktop,
                    keyboard_layout=keyboard_layout,
                    created_at=now,
                    expires_at=now + rules.TICKET_LIFE,
                )
            )
            return IssuedTicket(
                token=token,
                gateway_url=self._config.gateway_url,
                expires_at=now + rules.TICKET_LIFE,
                clipboard_in=desktop.template.clipboard_in,
                clipboard_out=desktop.template.clipboard_out,
            )

    def _sweep_tickets(self, session: Session, actor: Actor, now: datetime) -> None:
        """Delete expired tickets. Raises Refused if the person has too many unused ones."""
        session.execute(delete(Ticket).where(Ticket.expires_at <= now))
        unused = session.scalar(
            select(func.count()).where(
                Ticket.person_id == actor.person_id, Ticket.redeemed_at.is_(None)
            )
        )
        if (unused or 0) >= rules.MOST_TICKETS:
            raise Refused(
                "too_many_tickets",
                "You have asked for too many connections in the last half minute.",
                what_to_do="Wait a moment and try again.",
            )

    # -- for the gateways -----------------------------------------------------------------------

    def redeem(self, token: str, source_address: str, user_agent: str) -> Admitted:
        """Redeem a ticket and open the connection's row.

        Raises Denied. The ticket is invalid afterwards, even if the attempt fails.
        """
        ticket_id = self._use_up(token)
        try:
            with self._db.begin() as session:
                return self._open(session, ticket_id, source_address, user_agent)
        except Refused as refusal:
            raise Denied(ConnectionEnd.UNREACHABLE, refusal.reason) from refusal

    def _use_up(self, token: str) -> int:
        """Returns the ticket's id if this call redeemed it. Raises Denied otherwise."""
        now = self._clock.now()
        is_good = and_(
            Ticket.token_hash == hash_token(token),
            Ticket.purpose == Purpose.RDP,
            Ticket.redeemed_at.is_(None),
            Ticket.expires_at > now,
        )
        with self._db.read() as session:  # a guessed token must not take the write lock
            if session.scalar(select(Ticket.id).where(is_good)) is None:
                raise Denied(ConnectionEnd.TICKET)
        with self._db.begin() as session:
            used = session.scalar(
                update(Ticket)
                .where(is_good)
                .values(redeemed_at=now)
                .execution_options(synchronize_session=False)
                .returning(Ticket.id)
            )
        if used is None:
            raise Denied(ConnectionEnd.TICKET)
        return int(used)

    def _open(
        self, session: Session, ticket_id: int, source_address: str, user_agent: str
    ) -> Admitted:
        ticket = session.get_one(Ticket, ticket_id)
        desktop = ticket.desktop
        now = self._clock.now()
        self._check_standing(ticket, now)
        older = self._make_room(session, ticket)
        address = rules.decide_address(desktop.address, self._config.addresses, self._forbidden)
        connection = Connection(
            public_id=f"connection-{secrets.token_hex(4)}",
            protocol=ticket.purpose,
            desktop_id=desktop.id,
            person_id=ticket.person_id,
            sign_in_id=ticket.sign_in_id,
            key_id=ticket.key_id,
            source_address=source_address,
            user_agent=user_agent,
            started_at=now,
            seen_at=now,
        )
        session.add(connection)
        desktop.left_at = None
        session.flush()
        actor = Actor(ticket.person_id, source_address, key_id=ticket.key_id)
        self._audit.record(session, actor, "connection.open", desktop.public_id, "rdp")
        return Admitted(
            connection_id=connection.id,
            person_id=ticket.person_id,
            desktop_id=desktop.public_id,
            address=address,
            port=RDP_PORT,
            certificate_sha256=desktop.rdp_certificate_sha256 or "",
            username=desktop.rdp_username,
            password=self._vault.unlock(desktop.password_locked or b""),
            keyboard_layout=ticket.keyboard_layout,
            clipboard_in=desktop.template.clipboard_in,
            clipboard_out=desktop.template.clipboard_out,
            taken_over=older,
        )

    def _check_standing(self, ticket: Ticket, now: datetime) -> None:
        """Raise Denied unless the ticket's person, sign-in and desktop are still valid."""
        desktop = ticket.desktop
        if not desktop.belongs_to(ticket.person_id):
            raise Denied(ConnectionEnd.TICKET)
        if desktop.state in _NOT_YET:
            raise Denied(ConnectionEnd.NOT_READY)
        ending = rules.decide_ending(
            rules.Standing(
                desktop_state=desktop.state,
                desktop_end_reason=desktop.end_reason,
                deadline_at=desktop.deadline_at,
                is_person_disabled=ticket.person.disabled_at is not None,
                is_sign_in_over=not is_held(ticket, self._config, now),
                cut_as=None,
            ),
            now,
        )
        if ending:
            raise Denied(ending.why, ending.detail)

    def _make_room(self, session: Session, ticket: Ticket) -> frozenset[int]:
        """Request the end of older connections to the same desktop: it has one at a time.

        Returns their ids. Raises Denied if the person has too many connections to other desktops.
        """
        open_rows = session.execute(
            select(Connection.id, Connection.desktop_id).where(
                Connection.person_id == ticket.person_id, Connection.ended_at.is_(None)
            )
        ).all()
        older = frozenset(row.id for row in open_rows if row.desktop_id == ticket.desktop_id)
        if len(open_rows) - len(older) >= self._config.max_connections:
            raise Denied(ConnectionEnd.TOO_MANY)
        if older:
            session.execute(
                update(Connection)
                .where(Connection.id.in_(older), Connection.cut_as.is_(None))
                .values(cut_as=ConnectionEnd.TAKEN_OVER)
            )
        return older


#: States of desktops that will be ready soon.
_NOT_YET = (State.QUEUED, State.BUILDING, State.WARM, State.ASSIGNING, State.RESUMING)


def _check_ready(desktop: Desktop) -> None:
    if desktop.state == State.READY:
        return
    check_not_paused(desktop)
    is_over = desktop.state in (State.FAILED, State.STOPPING, State.ENDED)
    raise Refused(
        "ended" if is_over else "not_ready",
        f"{desktop.public_id} is {desktop.state}, so it cannot be opened.",
        what_to_do="Launch a new one." if is_over else "Wait until it is ready.",
    )
