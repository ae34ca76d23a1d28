"""Accounts and sign-ins: who may sign in, for how long, and what ends a sign-in."""

import pytest

from tests.portal import PASSWORD, SteppingClock
from tests.refusals import refuses
from webapp.bootstrap import Services
from webapp.domain.errors import BadInput, NotFound, Refused, TooMany
from webapp.domain.people.roles import Role
from webapp.models import AuditEntry
from webapp.services.audit.record import SYSTEM, Actor
from webapp.texts.sentences import sentence


def sign_in(services: Services, name: str = "alice", password: str = PASSWORD) -> str:
    return services.accounts.sign_in(name, password, "192.0.2.1", "a browser")


def test_the_right_password_signs_in_and_the_name_may_be_written_in_capitals(
    services: Services, alice: Actor
) -> None:
    who = services.accounts.signed_in(sign_in(services, " ALICE "))
    assert who is not None
    assert (who.name, who.person_id, who.role) == ("alice", alice.person_id, Role.PERSON)


def test_wrong_password_unknown_name_and_disabled_person_get_the_same_words(
    services: Services, alice: Actor, bob: Actor
) -> None:
    services.accounts.suspend(SYSTEM, "bob")
    messages = set()
    for name, password in [("alice", "wrong"), ("nobody", PASSWORD), ("bob", PASSWORD), ("", "")]:
        with pytest.raises(Refused) as refused:
            sign_in(services, name, password)
        messages.add(sentence(refused.value))
    assert len(messages) == 1


def test_ten_megabytes_of_name_and_password_are_cut_before_they_are_kept(
    services: Services, alice: Actor
) -> None:
    with pytest.raises(Refused):
        sign_in(services, "x" * 10_000_000, "y" * 10_000_000)
    with services.db.read() as session:
        assert all(len(entry.subject) <= 80 for entry in session.query(AuditEntry))


def test_after_five_failures_the_right_password_has_to_wait_too(
    services: Services, alice: Actor, clock: SteppingClock
) -> None:
    for _ in range(5):
        with pytest.raises(Refused):
            sign_in(services, password="wrong")
    with refuses(TooMany, match="Try again in"):
        sign_in(services)
    clock.step(minutes=15)
    assert sign_in(services)


def test_failures_elsewhere_do_not_lock_the_person_out(services: Services, alice: Actor) -> None:
    sign_in(services)  # 192.0.2.1 is known from now on
    for number in range(60):
        with pytest.raises(Refused):
            services.accounts.sign_in("alice", "wrong", f"198.51.100.{number}", "")
    assert sign_in(services)


def test_addresses_of_one_ipv6_network_count_as_one(services: Services, alice: Actor) -> None:
    for number in range(5):
        with pytest.raises(Refused):
            services.accounts.sign_in("alice", "wrong", f"2001:db8::{number}", "")
    with pytest.raises(TooMany):
        services.accounts.sign_in("alice", PASSWORD, "2001:db8::ffff", "")


def test_a_sign_in_ends_when_idle_and_when_old(
    services: Services, alice: Actor, clock: SteppingClock
) -> None:
    idle = sign_in(services)
    clock.step(hours=12, seconds=1)
    assert services.accounts.signed_in(idle) is None
    used = sign_in(services)
    for _ in range(20):
        clock.step(hours=8)
        assert services.accounts.signed_in(used)
    clock.step(hours=8)
    assert services.accounts.signed_in(used) is None


@pytest.mark.parametrize("act", ["suspend", "set_password", "sign_out"])
def test_what_ends_a_sign_in_ends_it_at_once(services: Services, alice: Actor, act: str) -> None:
    token = sign_in(services)
    if act == "suspend":
        services.accounts.suspend(SYSTEM, "alice")
    elif act == "set_password":
        services.accounts.set_password(SYSTEM, "alice", "another password")
    else:
        services.accounts.sign_out(alice, token)
    assert services.accounts.signed_in(token) is None


def test_people_see_and_end_their_own_sign_ins_only(
    services: Services, alice: Actor, bob: Actor
) -> None:
    sign_in(services)
    sign_in(services)
    mine = services.accounts.sign_ins(alice.person_id or 0)
    assert len(mine) == 2
    assert services.accounts.sign_ins(bob.person_id or 0) == []
    with pytest.raises(NotFound):
        services.accounts.end_sign_in(bob, mine[0].id)
    services.accounts.end_sign_in(alice, mine[0].id)
    assert [one.id for one in services.accounts.sign_ins(alice.person_id or 0)] == [mine[1].id]


def test_a_forged_or_empty_token_is_nobody(services: Services, alice: Actor) -> None:
    token = sign_in(services)
    assert services.accounts.signed_in("") is None
    assert services.accounts.signed_in(token[:-1]) is None


def test_a_name_can_be_taken_once(services: Services, alice: Actor) -> None:
    with refuses(BadInput, match="person alice already"):
        services.accounts.add_person(SYSTEM, "Alice", PASSWORD)


def test_nobody_suspends_themselves(services: Services, root: Actor) -> None:
    with refuses(Refused, match="cannot suspend yourself"):
        services.accounts.suspend(root, "root")
    assert services.accounts.person("root").suspended_at is None
