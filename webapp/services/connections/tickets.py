"""Tickets: each is the right to open one connection to a target. Single use, even if it fails.

1. A page requests a ticket (`issue`), bound to person, sign-in, target and door.
2. A gateway redeems it with a guarded update, so only one of two attempts succeeds. It opens the
   connection's row in the same call (`admission`).
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.orm import Session

from webapp.config import Config
from webapp.domain.access import Action
from webapp.domain.connections import rules
from webapp.domain.connections.rules import ConnectionEnd
from webapp.domain.connections.target import WAYS, Door, TargetKind
from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS
from webapp.domain.errors import BadInput, Refused
from webapp.domain.people.passwords import hash_token, make_token
from webapp.domain.states import State
from webapp.models import Desktop, Ticket
from webapp.ports import Clock, Database
from webapp.services.audit.record import Actor, Audit
from webapp.services.connections.admission import Admission, Admitted, Client, Denied
from webapp.services.desktop_access import find_desktop
from webapp.services.desktops.credentials import check_not_paused


@dataclass(frozen=True)
class IssuedTicket:
    """The right to open one connection. `token` is a secret that expires after 30 seconds."""

    token: str = field(repr=False)
    gateway_url: str
    expires_at: datetime
    clipboard_in: bool
    clipboard_out: bool


class Tickets:
    """Issues tickets to the pages and redeems them for the gateways."""

    def __init__(
        self, db: Database, clock: Clock, config: Config, audit: Audit, admission: Admission
    ) -> None:
        self._db = db
        self._clock = clock
        self._config = config
        self._audit = audit
        self._admission = admission

    # -- for the pages --------------------------------------------------------------------------

    def issue(
        self,
        actor: Actor,
        public_id: str,
        *,
        sign_in_id: int | None = None,
        keyboard_layout: str = "us",
    ) -> IssuedTicket:
        """Issue a ticket that opens the owner's ready desktop in the browser view, bound to the
        actor's key or this sign-in.

        Raises NotFound unless the actor is the owner (admins can stop desktops of others but not
        open them), Refused if the desktop is not ready, BadInput for an unknown keyboard layout.
        """
        if keyboard_layout not in KEYBOARD_LAYOUTS:
            raise BadInput("keyboard_layout", "keyboard", layout=keyboard_layout[:20])
        now = self._clock.now()
        token = make_token()
        with (
            self._audit.refusals(actor, "connection.ticket", public_id),
            self._db.begin() as session,
        ):
            desktop = find_desktop(session, actor, Action.DESKTOP_OPEN, public_id)
            _check_ready(desktop)
            self._sweep_tickets(session, actor, now)
            desktop.left_at = None
            session.add(
                Ticket(
                    token_hash=hash_token(token),
                    door=Door.BROWSER_VIEW,
                    protocol=WAYS[Door.BROWSER_VIEW].protocol,
                    target_kind=TargetKind.DESKTOP,
                    target_id=desktop.public_id,
                    desktop=desktop,
                    person_id=actor.person_id,
                    sign_in_id=sign_in_id,
                    key_id=actor.key_id,
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
            raise Refused("too_many_tickets")

    # -- for the gateways -----------------------------------------------------------------------

    def redeem(self, token: str, client: Client) -> Admitted:
        """Redeem a ticket of the client's door and open the connection's row.

        Raises Denied. The ticket is invalid afterwards, even if the attempt fails.
        """
        ticket_id = self._use_up(token, client.door)
        try:
            with self._db.begin() as session:
                ticket = session.get_one(Ticket, ticket_id)
                return self._admission.open(session, ticket, client)
        except Refused as refusal:
            raise Denied(ConnectionEnd.UNREACHABLE, refusal.reason) from refusal

    def _use_up(self, token: str, door: Door) -> int:
        """Returns the ticket's id if this call redeemed it. Raises Denied otherwise."""
        now = self._clock.now()
        is_good = and_(
            Ticket.token_hash == hash_token(token),
            Ticket.door == door,
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


def _check_ready(desktop: Desktop) -> None:
    if desktop.state == State.READY:
        return
    check_not_paused(desktop)
    is_over = desktop.state in (State.FAILED, State.STOPPING, State.ENDED)
    raise Refused(
        "ended.open" if is_over else "not_ready.open",
        desktop=desktop.public_id,
        state=desktop.state,
    )
