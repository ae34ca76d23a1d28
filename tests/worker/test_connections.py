"""Tickets and connections: single use, who may connect, and what ends a connection."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.portal import SteppingClock
from tests.worker.conftest import MakeWorker
from tests.worker.life import launch
from webapp.bootstrap import Services
from webapp.domain.connections.rules import ConnectionEnd, Ending
from webapp.domain.connections.target import Door, Protocol, Target, TargetKind
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.domain.states import EndReason
from webapp.models import AuditEntry, Connection, Desktop, Template, Ticket
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.connections.admission import Admitted, Client, Denied
from webapp.services.connections.connections import Traffic

BROWSER = Client(Door.BROWSER_VIEW, "192.0.2.9", "Firefox")


@pytest.fixture
def ready(services: Services, alice: Actor, xfce: str, make_worker: MakeWorker) -> str:
    public_id = launch(services, alice)
    make_worker().builder.build_one()
    return public_id


def ticket(services: Services, actor: Actor, public_id: str, sign_in: int, **more: str) -> str:
    return services.tickets.issue(actor, public_id, sign_in_id=sign_in, **more).token


def connect(services: Services, actor: Actor, public_id: str, sign_in: int) -> Admitted:
    return services.tickets.redeem(ticket(services, actor, public_id, sign_in), BROWSER)


def rows(services: Services) -> list[Connection]:
    with services.db.read() as session:
        return list(session.scalars(select(Connection).order_by(Connection.id)))


def change(services: Services, public_id: str, **values: object) -> None:
    with services.db.begin() as session:
        desktop = session.scalars(select(Desktop).where(Desktop.public_id == public_id)).one()
        for name, value in values.items():
            setattr(desktop, name, value)


def test_a_ticket_lets_its_holder_in_to_the_desktop_of_the_row(
    services: Services, alice: Actor, ready: str, signed_in: int
) -> None:
    admitted = services.tickets.redeem(
        ticket(services, alice, ready, signed_in, keyboard_layout="fr"), BROWSER
    )
    password = services.credentials.reveal(alice, ready).password
    rdp = admitted.parameters
    assert (rdp.address, rdp.port) == ("10.203.0.64", 3389)
    assert (rdp.username, rdp.password) == ("desktop", password)
    assert (rdp.certificate_sha256, rdp.keyboard_layout) == ("cert", "fr")
    assert password not in repr(admitted)
    (one,) = services.connections.open_connections().rows
    assert (one.person, one.target, one.desktop_id) == (
        "alice",
        Target(TargetKind.DESKTOP, ready),
        ready,
    )
    assert (one.protocol, one.door) == (Protocol.RDP, Door.BROWSER_VIEW)
    assert (one.source_address, one.browser) == (BROWSER.source_address, BROWSER.user_agent)


def test_only_the_hash_of_a_ticket_is_stored_and_nothing_shows_it(
    services: Services, alice: Actor, ready: str, signed_in: int
) -> None:
    issued = services.tickets.issue(alice, ready, sign_in_id=signed_in)
    assert issued.token not in repr(issued)
    assert issued.token not in issued.gateway_url
    with services.db.read() as session:
        kept = session.scalars(select(Ticket)).one()
        audited = " ".join(f"{e.subject} {e.detail}" for e in session.scalars(select(AuditEntry)))
    assert issued.token not in f"{vars(kept)}"
    assert issued.token not in audited


def test_a_ticket_works_once(services: Services, alice: Actor, ready: str, signed_in: int) -> None:
    token = ticket(services, alice, ready, signed_in)
    services.tickets.redeem(token, BROWSER)
    with pytest.raises(Denied) as denied:
        services.tickets.redeem(token, BROWSER)
    assert denied.value.ending == Ending(ConnectionEnd.TICKET)


def test_of_many_who_try_one_ticket_at_once_one_gets_in(
    services: Services, alice: Actor, ready: str, signed_in: int
) -> None:
    token = ticket(services, alice, ready, signed_in)
    outcomes: list[str] = []

    def redeem() -> None:
        try:
            services.tickets.redeem(token, BROWSER)
            outcomes.append("in")
        except Denied:
            outcomes.append("out")

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["in"] + ["out"] * 7
    assert len(rows(services)) == 1


@pytest.mark.parametrize(("seconds", "works"), [(29, True), (31, False)])
def test_a_ticket_lives_thirty_seconds(
    services: Services,
    alice: Actor,
    ready: str,
    signed_in: int,
    clock: SteppingClock,
    seconds: int,
    works: bool,
) -> None:
    token = ticket(services, alice, ready, signed_in)
    clock.step(seconds=seconds)
    if works:
        services.tickets.redeem(token, BROWSER)
    else:
        with pytest.raises(Denied):
            services.tickets.redeem(token, BROWSER)


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "é" * 5000])
def test_a_made_up_ticket_opens_nothing(services: Services, ready: str, token: str) -> None:
    with pytest.raises(Denied):
        services.tickets.redeem(token, BROWSER)
    assert rows(services) == []


def test_nobody_else_gets_a_ticket_not_even_an_admin(
    services: Services, bob: Actor, root: Actor, ready: str, signed_in: int
) -> None:
    for stranger in (bob, root):
        with pytest.raises(NotFound):
            ticket(services, stranger, ready, signed_in)


def test_no_ticket_before_the_desktop_is_ready_or_after_its_end(
    services: Services, alice: Actor, xfce: str, ready: str, signed_in: int
) -> None:
    with pytest.raises(Refused) as early:
        ticket(services, alice, launch(services, alice), signed_in)
    services.lifetime.stop(alice, ready)
    with pytest.raises(Refused) as late:
        ticket(services, alice, ready, signed_in)
    assert (early.value.reason, late.value.reason) == ("not_ready", "ended")


def test_an_unknown_keyboard_is_refused(
    services: Services, alice: Actor, ready: str, signed_in: int
) -> None:
    with pytest.raises(BadInput):
        ticket(services, alice, ready, signed_in, keyboard_layout="klingon")


def test_who_collects_tickets_is_refused_until_they_expire(
    services: Services, alice: Actor, ready: str, signed_in: int, clock: SteppingClock
) -> None:
    for _ in range(20):
        ticket(services, alice, ready, signed_in)
    with pytest.raises(Refused) as refused:
        ticket(services, alice, ready, signed_in)
    assert refused.value.reason == "too_many_tickets"
    clock.step(seconds=31)
    ticket(services, alice, ready, signed_in)
    with services.db.read() as session:
        assert len(session.scalars(select(Ticket)).all()) == 1, "old ones are forgotten"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "169.254.169.254",
        "10.203.0.1",  # the pool's router
        "10.203.0.2",  # outside the pool
        "192.168.1.1",
        "::1",
        "fe80::1",
        "0.0.0.0",
        "desktop.example.org",
        "",
        None,
    ],
)
def test_an_address_that_no_desktop_may_have_is_never_dialled(
    services: Services, alice: Actor, ready: str, signed_in: int, address: str | None
) -> None:
    change(services, ready, address=address)
    with pytest.raises(Denied) as denied:
        connect(services, alice, ready, signed_in)
    assert denied.value.ending == Ending(ConnectionEnd.UNREACHABLE, "address")
    assert rows(services) == []


def test_the_person_may_have_been_suspended_since_the_ticket(
    services: Services, alice: Actor, ready: str, signed_in: int
) -> None:
    token = ticket(services, alice, ready, signed_in)
    services.accounts.suspend(SYSTEM, "alice")
    with pytest.raises(Denied) as denied:
        services.tickets.redeem(token, BROWSER)
    assert denied.value.ending.why == ConnectionEnd.TICKET, "it ended with the suspension"


def test_opening_a_desktop_again_ends_the_older_connection(
    services: Services, alice: Actor, ready: str, signed_in: int
) -> None:
    first = connect(services, alice, ready, signed_in)
    second = connect(services, alice, ready, signed_in)
    assert second.taken_over == {first.connection_id}
    both = [first.connection_id, second.connection_id]
    assert services.connections.endings(both) == {
        first.connection_id: Ending(ConnectionEnd.TAKEN_OVER)
    }


def test_so_many_connections_and_no_more(
    services: Services, alice: Actor, ready: str, signed_in: int, make_worker: MakeWorker
) -> None:
    object.__setattr__(services.config, "max_connections", 1)
    connect(services, alice, ready, signed_in)
    other = launch(services, alice)
    make_worker().builder.build_one()
    with pytest.raises(Denied) as denied:
        connect(services, alice, other, signed_in)
    assert denied.value.ending.why == ConnectionEnd.TOO_MANY


# -- what ends an open connection -------------------------------------------------------------


def test_nothing_ends_a_connection_that_is_all_right(
    services: Services, alice: Actor, ready: str, signed_in: int
) -> None:
    admitted = connect(services, alice, ready, signed_in)
    assert services.connections.endings([admitted.connection_id]) == {}
    assert services.connections.endings([]) == {}


@pytest.mark.parametrize(
    ("what", "ending"),
    [
        ("stopped", Ending(ConnectionEnd.DESKTOP_ENDED, EndReason.ASKED)),
        ("stopped by an admin", Ending(ConnectionEnd.DESKTOP_ENDED, EndReason.ADMIN)),
        ("overdue", Ending(ConnectionEnd.DESKTOP_ENDED, EndReason.EXPIRED)),
        ("suspended", Ending(ConnectionEnd.SUSPENDED)),
        ("signed out", Ending(ConnectionEnd.SUSPENDED)),
        ("cut", Ending(ConnectionEnd.CUT)),
    ],
)
def test_what_ends_a_connection(
    services: Services,
    alice: Actor,
    root: Actor,
    ready: str,
    signed_in: int,
    clock: SteppingClock,
    what: str,
    ending: Ending,
) -> None:
    admitted = connect(services, alice, ready, signed_in)
    match what:
        case "stopped":
            services.lifetime.stop(alice, ready)
        case "stopped by an admin":
            services.lifetime.stop(root, ready)
        case "overdue":
            clock.step(minutes=31)
        case "suspended":
            services.accounts.suspend(root, "alice")
        case "signed out":
            services.accounts.end_sign_in(alice, signed_in)
        case "cut":
            (one,) = services.connections.open_connections().rows
            services.connections.cut(root, one.public_id)
    assert services.connections.endings([admitted.connection_id]) == {
        admitted.connection_id: ending
    }


def test_only_admins_and_the_person_cut_a_connection(
    services: Services, alice: Actor, bob: Actor, ready: str, signed_in: int
) -> None:
    connect(services, alice, ready, signed_in)
    (one,) = services.connections.open_connections().rows
    with pytest.raises(NotFound):
        services.connections.cut(bob, one.public_id)
    services.connections.cut(alice, one.public_id)
    with pytest.raises(NotFound):
        services.connections.cut(alice, "connection-00000000")


# -- rows -------------------------------------------------------------------------------------


def test_a_row_tells_the_whole_story_afterwards(
    services: Services, alice: Actor, ready: str, signed_in: int, clock: SteppingClock
) -> None:
    admitted = connect(services, alice, ready, signed_in)
    began = clock.now()
    clock.step(seconds=10)
    traffic = Traffic(admitted.connection_id, 10, 5_000_000_000, began)
    services.connections.beat([traffic])
    clock.step(seconds=10)
    services.connections.close(traffic, ConnectionEnd.LEFT)
    services.connections.close(traffic, ConnectionEnd.CUT)
    (one,) = services.connections.history(alice, ready)
    assert (one.started_at, one.ended_at) == (began, began + timedelta(seconds=20))
    assert (one.bytes_up, one.bytes_down, one.last_input_at) == (10, 5_000_000_000, began)
    assert one.end_reason == ConnectionEnd.LEFT, "the first reason stays"
    assert services.connections.open_connections().rows == []
    with services.db.read() as session:
        actions = list(session.scalars(select(AuditEntry.action)))
    assert actions.count("connection.open") == actions.count("connection.end") == 1


def test_rows_of_a_gateway_that_died_are_closed_by_another(
    services: Services, alice: Actor, ready: str, signed_in: int, clock: SteppingClock
) -> None:
    connect(services, alice, ready, signed_in)
    seen = clock.now()
    clock.step(seconds=20)
    services.connections.beat([])
    assert rows(services)[0].ended_at is None
    clock.step(seconds=20)
    services.connections.beat([])
    assert (rows(services)[0].end, rows(services)[0].ended_at) == (ConnectionEnd.LOST, seen)


def test_history_is_for_the_owner_and_admins(
    services: Services, alice: Actor, bob: Actor, root: Actor, ready: str, signed_in: int
) -> None:
    connect(services, alice, ready, signed_in)
    assert len(services.connections.history(root, ready)) == 1
    with pytest.raises(NotFound):
        services.connections.history(bob, ready)


def test_a_template_forbids_a_direction_of_the_clipboard(
    services: Services, alice: Actor, ready: str, signed_in: int
) -> None:
    with services.db.begin() as session:
        session.scalars(select(Template)).one().clipboard_out = False
    issued = services.tickets.issue(alice, ready, sign_in_id=signed_in)
    admitted = services.tickets.redeem(issued.token, BROWSER)
    assert (issued.clipboard_in, issued.clipboard_out) == (True, False)
    assert (admitted.parameters.clipboard_in, admitted.parameters.clipboard_out) == (True, False)
