"""Every act that ends all access of a person ends each kind of access."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import PASSWORD, SteppingClock
from tests.refusals import refuses
from tests.worker.life import launch
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.domain.connections.rules import ConnectionEnd
from webapp.domain.connections.target import Door
from webapp.domain.errors import NotFound, Refused, TooMany
from webapp.models import Connection, Ticket
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.connections.admission import Client, Denied
from webapp.services.connections.event_feed import Proof, Subscription

HERE = "192.0.2.1"
NEW = "another long password"


@dataclass
class Held:
    """Alice's access: two browsers, a key, a connection and an unused ticket of each kind."""

    services: Services
    alice: Actor
    token: str
    """The sign-in of the browser in which she acts."""
    other_token: str
    key: str
    device: str
    ticket: str
    key_ticket: str
    sign_in_id: int
    other_id: int

    def proofs(self) -> list[Proof]:
        person, key = self.alice.person_id or 0, self.services.keys.list(self.alice.person_id)
        of_keys = [Proof(person, key_id=one.id) for one in key]
        return [*of_keys, Proof(person, sign_in_id=self.other_id)]


@pytest.fixture
def held(services: Services, alice: Actor, xfce: str, clock: SteppingClock) -> Held:
    node = FakeNode()
    worker = bootstrap_worker.build_worker_services(
        services, "worker-1", provisioner=FakeProvisioner(node), hypervisor=node
    )
    desktop = launch(services, alice)
    assert worker.builder.build_one()
    accounts, tickets = services.accounts, services.tickets
    token = accounts.sign_in("alice", PASSWORD, HERE, "")
    other = accounts.sign_in("alice", PASSWORD, HERE, "")
    this_one, other_one = accounts.signed_in(token), accounts.signed_in(other)
    assert this_one
    assert other_one
    key = services.keys.make(alice, "script", ["launch"])
    by_key = replace(alice, key_id=key.key.id)
    tickets.redeem(tickets.issue(by_key, desktop).token, Client(Door.BROWSER_VIEW, HERE, ""))
    made = Held(
        services,
        alice,
        token,
        other,
        key.text,
        accounts.device_cookie(alice.person_id or 0, ""),
        tickets.issue(alice, desktop, sign_in_id=other_one.sign_in_id).token,
        tickets.issue(by_key, desktop).token,
        this_one.sign_in_id,
        other_one.sign_in_id,
    )
    clock.step(seconds=1)
    return made


def suspend(held: Held) -> None:
    held.services.accounts.suspend(SYSTEM, "alice")
    held.services.accounts.restore(SYSTEM, "alice")


def reset(held: Held) -> None:
    held.services.accounts.set_password(SYSTEM, "alice", PASSWORD)


def end_everything(held: Held) -> None:
    held.services.own_account.end_everything(held.alice, "alice")


def change_password(held: Held) -> None:
    own = held.services.own_account
    own.change_password(held.alice, held.sign_in_id, PASSWORD, NEW)


WAYS = [suspend, reset, end_everything, change_password]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_ends_everything(held: Held, way: Callable[[Held], None]) -> None:
    services = held.services
    proofs = held.proofs()
    before = services.event_feed.look([Subscription(proof) for proof in proofs])
    assert all(before.holds(proof) for proof in proofs)
    way(held)
    assert services.accounts.signed_in(held.other_token) is None
    assert services.keys.identify(held.key, HERE) is None
    for ticket in (held.ticket, held.key_ticket):
        with pytest.raises(Denied):
            services.tickets.redeem(ticket, Client(Door.BROWSER_VIEW, HERE, ""))
    with services.db.read() as session:
        assert session.scalars(select(Ticket.id).where(Ticket.redeemed_at.is_(None))).all() == []
        assert session.scalars(select(Connection.cut_as)).all() == [ConnectionEnd.SUSPENDED]
    after = services.event_feed.look([Subscription(proof) for proof in proofs])
    assert not any(after.holds(proof) for proof in proofs)
    assert is_stranger(held)


@pytest.mark.parametrize("way", WAYS)
def test_only_changing_ones_own_password_keeps_this_browser(
    held: Held, way: Callable[[Held], None]
) -> None:
    way(held)
    is_in = held.services.accounts.signed_in(held.token) is not None
    assert is_in == (way is change_password)


def is_stranger(held: Held) -> bool:
    """Whether the device cookie is limited like an unknown browser."""
    for _ in range(5):
        with pytest.raises(Refused):
            held.services.accounts.sign_in("alice", "wrong", "203.0.113.9", "", held.device)
    try:
        held.services.accounts.sign_in("alice", "wrong", "203.0.113.9", "", held.device)
    except TooMany:
        return True
    except Refused:
        return False
    return False


def test_a_wrong_old_password_changes_nothing(held: Held) -> None:
    own = held.services.own_account
    for _ in range(10):
        with refuses(Refused, match="not your password"):
            own.change_password(held.alice, held.sign_in_id, "wrong", NEW)
    with pytest.raises(TooMany):
        own.change_password(held.alice, held.sign_in_id, PASSWORD, NEW)
    assert held.services.accounts.signed_in(held.other_token)
    assert held.services.keys.identify(held.key, HERE)
    assert held.services.accounts.sign_in("alice", PASSWORD, "203.0.113.9", "")


def test_nobody_ends_what_others_hold(held: Held, bob: Actor) -> None:
    with pytest.raises(NotFound):
        held.services.own_account.end_everything(bob, "alice")
    with pytest.raises(NotFound):
        held.services.own_account.confirm(bob, held.sign_in_id, PASSWORD)
    assert held.services.keys.identify(held.key, HERE)
