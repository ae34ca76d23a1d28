"""API keys: shown once, stored as hashes, and rejected as soon as they are invalid."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.portal import SteppingClock
from tests.refusals import refuses
from webapp.adapters.database import SqlDatabase
from webapp.bootstrap import Services
from webapp.domain.access import Action, Internal, Reach, reach
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.domain.people.keys import MOST_KEYS, Scope, make_key, prefix_of
from webapp.domain.people.roles import Role
from webapp.models import ApiKey, AuditEntry, Person
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.people.keys import KeyHolder, Keys

OPERATOR = Actor(None, role=Internal.COMMAND_LINE)
HERE = "192.0.2.77"
NUMBERS = itertools.count()


def make(services: Services, actor: Actor, *scopes: str, name: str | None = None) -> str:
    """Return the text of a new key, by default with a unique name."""
    number = next(NUMBERS)
    name = f"script {number}" if name is None else name
    return services.keys.make(actor, name, scopes or ("read",)).text


def key_id(services: Services, actor: Actor) -> int:
    """Return the newest key's id."""
    return services.keys.list(actor.person_id)[0].id


def who(services: Services, text: str) -> KeyHolder | None:
    return services.keys.identify(text, HERE)


def test_a_key_acts_for_its_person_and_tells_which_it_is(services: Services, alice: Actor) -> None:
    holder = who(services, make(services, alice, "launch"))
    assert holder is not None
    assert (holder.name, holder.person_id) == ("alice", alice.person_id)
    assert holder.scopes == {Scope.READ, Scope.LAUNCH}
    assert holder.actor(HERE) == Actor(
        alice.person_id, HERE, scope=Scope.LAUNCH, key_id=key_id(services, alice)
    )


def test_no_file_of_the_database_holds_the_keys_text(
    services: Services, alice: Actor, tmp_path: Path
) -> None:
    text = make(services, alice)
    who(services, text)
    services.keys.revoke(alice, key_id(services, alice))
    files = [path for path in tmp_path.glob("winux.db*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    assert (prefix_of(text) or "").encode() in kept
    assert text.rpartition("_")[2].encode() not in kept


def test_a_key_does_not_show_itself_in_a_log(services: Services, alice: Actor) -> None:
    made = services.keys.make(alice, "a script", ["read"])
    assert made.text.rpartition("_")[2] not in repr(made)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "wx_",
        lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"),
        lambda text: text.upper(),
        lambda text: text + " ",
        lambda text: text + "\n",
        lambda text: f"{text}é",
        lambda text: make_key(),
        lambda text: f"wx_{prefix_of(text)}_{make_key().rpartition('_')[2]}",
    ],
)
def test_what_is_not_quite_the_key_is_nobody(services: Services, alice: Actor, change) -> None:
    assert who(services, change(make(services, alice))) is None


def test_an_expired_key_is_nobody_from_that_moment_on(
    services: Services, alice: Actor, clock: SteppingClock
) -> None:
    until = clock.now() + timedelta(days=1)
    text = services.keys.make(alice, "for a day", ["read"], until).text
    clock.step(hours=23, minutes=59, seconds=59)
    assert who(services, text)
    clock.step(seconds=1)
    assert who(services, text) is None


def test_a_revoked_key_is_nobody_and_leaves_the_list(services: Services, alice: Actor) -> None:
    text, other = make(services, alice), make(services, alice)
    services.keys.revoke(alice, key_id(services, alice))
    assert who(services, other) is None
    assert who(services, text)
    assert [key.prefix for key in services.keys.list(alice.person_id)] == [prefix_of(text)]
    assert len(services.keys.list(None)) == 1


def test_suspending_a_person_ends_their_keys_for_good(services: Services, alice: Actor) -> None:
    text = make(services, alice)
    services.accounts.suspend(SYSTEM, "alice")
    assert who(services, text) is None
    services.accounts.restore(SYSTEM, "alice")
    assert who(services, text) is None


def test_a_suspended_person_gets_no_key(services: Services, alice: Actor) -> None:
    services.accounts.suspend(SYSTEM, "alice")
    with refuses(BadInput, match="alice is suspended"):
        services.keys.make(OPERATOR, "late", ["read"], person="alice")


def test_only_admins_get_the_admin_scope_and_it_goes_with_the_role(
    services: Services, alice: Actor, root: Actor
) -> None:
    with refuses(Refused, match="Only a key of an operator"):
        make(services, alice, "admin")
    with_scope, without = make(services, root, "admin"), make(services, root, "launch")
    assert [
        bool(one and reach(one.actor(HERE), Action.PERSON_MANAGE) is Reach.ALL)
        for one in (who(services, t) for t in (with_scope, without))
    ] == [
        True,
        False,
    ]
    with services.db.begin() as session:
        session.execute(update(Person).where(Person.name == "root").values(role=Role.PERSON))
    demoted = who(services, with_scope)
    assert demoted is not None
    assert demoted.scopes == {Scope.READ, Scope.LAUNCH}
    assert reach(demoted.actor(HERE), Action.PERSON_MANAGE) is Reach.NOTHING


def test_people_revoke_their_own_and_admins_everybodys(
    services: Services, alice: Actor, bob: Actor, root: Actor
) -> None:
    text = make(services, alice)
    number = key_id(services, alice)
    for stranger in (bob, Actor(root.person_id, role=Role.ADMIN, scope=Scope.LAUNCH)):
        with pytest.raises(NotFound):
            services.keys.revoke(stranger, number)
        with pytest.raises(NotFound):
            services.keys.one(stranger, number)
    assert who(services, text)
    services.keys.revoke(root, number)
    assert who(services, text) is None
    with pytest.raises(NotFound):
        services.keys.revoke(root, number)


def test_a_key_makes_no_keys_unless_it_may_do_all(
    services: Services, alice: Actor, root: Actor
) -> None:
    launching, mighty = who(services, make(services, alice, "launch")), None
    assert launching
    with refuses(Refused, match="A key cannot make keys"):
        make(services, launching.actor(HERE))
    mighty = who(services, make(services, root, "admin"))
    assert mighty
    assert who(services, make(services, mighty.actor(HERE), "read"))


def test_people_make_keys_for_themselves_alone(
    services: Services, alice: Actor, root: Actor
) -> None:
    with refuses(Refused, match="themselves"):
        services.keys.make(root, "for alice", ["read"], person="alice")
    text = services.keys.make(OPERATOR, "for alice", ["read"], person=" Alice").text
    holder = who(services, text)
    assert holder is not None
    assert holder.name == "alice"
    with refuses(NotFound, match="nobody-here"):
        services.keys.make(OPERATOR, "for nobody", ["read"], person="nobody-here")


def test_a_person_has_a_limited_number_of_keys_that_work(
    services: Services, alice: Actor, bob: Actor, clock: SteppingClock
) -> None:
    until = clock.now() + timedelta(hours=1)
    services.keys.make(alice, "short", ["read"], until)
    for _ in range(MOST_KEYS - 1):
        make(services, alice)
    with refuses(Refused, match=f"{MOST_KEYS} keys already"):
        make(services, alice)
    make(services, bob)
    clock.step(hours=1)
    make(services, alice)  # the expired one no longer counts
    services.keys.revoke(alice, key_id(services, alice))
    make(services, alice)


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "bell\a", "two\u202etext"])
def test_unusable_names_are_refused(services: Services, alice: Actor, name: str) -> None:
    with refuses(BadInput, match="printable"):
        make(services, alice, name=name)


def test_two_keys_of_a_person_that_work_have_different_names(
    services: Services, alice: Actor, bob: Actor, clock: SteppingClock
) -> None:
    services.keys.make(alice, "backup", ["read"], clock.now() + timedelta(hours=1))
    with refuses(BadInput, match="a key backup already"):
        make(services, alice, name=" backup ")
    make(services, bob, name="backup")
    clock.step(hours=1)
    make(services, alice, name="backup")


def test_names_lose_surplus_spaces_and_may_be_of_any_language(
    services: Services, alice: Actor
) -> None:
    make(services, alice, name="  Skrypt   zażółć ")
    assert services.keys.list(alice.person_id)[0].name == "Skrypt zażółć"


@pytest.mark.parametrize(
    ("scopes", "words"), [([], "needs a scope"), (["read", "all"], "no scope all")]
)
def test_unusable_scopes_are_refused(
    services: Services, alice: Actor, scopes: list[str], words: str
) -> None:
    with refuses(BadInput, match=words):
        services.keys.make(alice, "a script", scopes)


def test_a_key_must_expire_in_the_future(
    services: Services, alice: Actor, clock: SteppingClock
) -> None:
    with refuses(BadInput, match="future"):
        services.keys.make(alice, "late", ["read"], clock.now())
    with refuses(BadInput, match="zone"):
        services.keys.make(alice, "vague", ["read"], clock.now().replace(tzinfo=None))


def test_the_last_use_is_written_at_most_once_a_minute(
    services: Services, alice: Actor, clock: SteppingClock
) -> None:
    def last() -> tuple[object, object]:
        key = services.keys.list(alice.person_id)[0]
        return key.last_used_at, key.last_used_from

    text = make(services, alice)
    assert last() == (None, None)
    first = clock.now()
    who(services, text)
    clock.step(seconds=59)
    services.keys.identify(text, "192.0.2.78")
    assert last() == (first, HERE)
    clock.step(seconds=1)
    services.keys.identify(text, "192.0.2.78")
    assert last() == (clock.now(), "192.0.2.78")


def test_a_wrong_secret_does_not_count_as_use(services: Services, alice: Actor) -> None:
    text = make(services, alice)
    who(services, f"wx_{prefix_of(text)}_{make_key().rpartition('_')[2]}")
    assert services.keys.list(alice.person_id)[0].last_used_at is None


def test_a_prefix_that_is_taken_is_thrown_again(services: Services, alice: Actor) -> None:
    taken = make(services, alice)
    same_prefix = f"wx_{prefix_of(taken)}_{make_key().rpartition('_')[2]}"
    thrown: Iterator[str] = iter([same_prefix, same_prefix, make_key()])
    unlucky = Keys(services.db, services.clock, services.audit, lambda: next(thrown))
    text = unlucky.make(alice, "unlucky", ["read"]).text
    assert prefix_of(text) != prefix_of(taken)
    assert who(services, text)
    assert who(services, taken)


def test_making_revoking_and_refusing_are_audited_with_key_and_role(
    services: Services, alice: Actor, root: Actor
) -> None:
    holder = who(services, make(services, root, "admin", name="upkeep"))
    assert holder
    make(services, alice)
    services.keys.revoke(holder.actor(HERE), key_id(services, alice))
    with pytest.raises(Refused):
        make(services, alice, "admin")
    with services.db.read() as session:
        rows = session.query(AuditEntry).filter(AuditEntry.action.startswith("key.")).all()
    told = [(row.action, row.role, row.key_id, row.subject_kind, row.reason) for row in rows]
    assert told == [
        ("key.add", "admin", None, "person", None),
        ("key.add", "person", None, "person", None),
        ("key.revoke", "admin", holder.key_id, "person", None),
        ("key.add", "person", None, "person", "forbidden"),
    ]


@pytest.mark.parametrize("reason", ["revoked", "expired", "suspended", "unknown"])
def test_the_use_of_a_key_that_does_not_work_is_audited(
    services: Services, alice: Actor, clock: SteppingClock, reason: str
) -> None:
    expires_at = clock.now() + timedelta(hours=1)
    text = services.keys.make(alice, "old script", ["read"], expires_at).text
    known = key_id(services, alice)
    if reason == "revoked":
        services.keys.revoke(alice, known)
    elif reason == "suspended":
        services.accounts.suspend(SYSTEM, "alice")
    elif reason == "expired":
        clock.step(hours=1)
    else:
        text, known = make_key(), 0
    assert services.key_gate.identify(text, HERE) is None
    with services.db.read() as session:
        [entry] = session.query(AuditEntry).filter(AuditEntry.action == "key.use")
    person = alice.person_id if known else None
    assert (entry.is_refused, entry.reason, entry.source_address) == (True, reason, HERE)
    assert (entry.person_id, entry.key_id) == (person, known or None)
    assert ("old script" in entry.detail, entry.subject) == (bool(known), "alice" if known else "")
    assert text.rpartition("_")[2] not in entry.detail


def test_identifying_is_one_search_by_an_index(services: Services) -> None:
    assert isinstance(services.db, SqlDatabase)
    with services.db.engine.connect() as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN SELECT * FROM {ApiKey.__tablename__} WHERE prefix = 'x'"
        ).all()
    assert all("USING INDEX" in row[-1] for row in plan)
