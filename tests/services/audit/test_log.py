"""Reading the audit log: filters, cursors, and page by page."""

from datetime import timedelta

import pytest

from tests.portal import SteppingClock
from webapp.bootstrap import Services
from webapp.domain.access import Internal
from webapp.domain.errors import BadInput, Refused
from webapp.models import AuditEntry
from webapp.services.audit.export import english_detail
from webapp.services.audit.log import BATCH, LARGEST_PAGE, MACHINE, WINUX, AuditFilter
from webapp.services.audit.record import SYSTEM, Actor

OPERATOR = Actor(None, role=Internal.COMMAND_LINE)


def write(services: Services, actor: Actor, action: str, subject: str = "", times: int = 1) -> None:
    with services.db.begin() as session:
        for _ in range(times):
            services.audit.record(session, actor, action, subject)


def found(services: Services, **filters: object) -> list[tuple[str, str]]:
    page = services.audit_log.page(AuditFilter(**filters))
    return [(line.action, line.subject) for line in page.lines]


@pytest.fixture
def story(services: Services, clock: SteppingClock, alice: Actor, root: Actor) -> Services:
    """Entries of several kinds, one per minute from 10:00 on."""
    clock.step(hours=1)
    write(services, alice, "desktop.launch", "desktop-1")
    clock.step(minutes=1)
    write(services, SYSTEM, "desktop.ready", "desktop-1")
    clock.step(minutes=1)
    with pytest.raises(Refused), services.audit.refusals(alice, "desktop.extend", "desktop-1"):
        raise Refused("longest", longest=90)
    clock.step(minutes=1)
    write(services, root, "desktop.stop", "desktop-1")
    clock.step(minutes=1)
    write(services, OPERATOR, "template.set", "xfce")
    return services


@pytest.mark.parametrize(
    ("filters", "actions"),
    [
        ({"person": "alice"}, ["desktop.extend", "desktop.launch"]),
        ({"person": " ALICE"}, ["desktop.extend", "desktop.launch"]),
        ({"person": "nobody"}, []),
        ({"person": WINUX, "action": "desktop"}, ["desktop.ready"]),
        ({"person": MACHINE}, ["template.set"]),
        ({"action": "desktop.stop"}, ["desktop.stop"]),
        ({"action": "desk"}, []),
        ({"action": "%"}, []),
        ({"action": "template"}, ["template.set"]),
        ({"refused_only": True}, ["desktop.extend"]),
        ({"subject": "xfce"}, ["template.set"]),
        ({"subject": "desktop-1", "person": "root"}, ["desktop.stop"]),
    ],
)
def test_filters_find_what_fits(
    story: Services, filters: dict[str, object], actions: list[str]
) -> None:
    assert [action for action, _ in found(story, **filters)] == actions


def test_a_span_of_time_holds_its_beginning_and_not_its_end(
    story: Services, clock: SteppingClock
) -> None:
    since = clock.now() - timedelta(minutes=3)
    until = clock.now() - timedelta(minutes=1)
    assert [action for action, _ in found(story, since=since, until=until)] == [
        "desktop.extend",
        "desktop.ready",
    ]


def test_a_line_tells_who_with_which_role_and_key_and_why_not(
    story: Services, alice: Actor, root: Actor
) -> None:
    text = story.keys.make(alice, "night script", ["launch"]).text
    holder = story.keys.identify(text, "192.0.2.9")
    assert holder
    write(story, holder.actor("192.0.2.9"), "desktop.launch", "desktop-2")
    (line,) = story.audit_log.page(AuditFilter(key=text[3:11])).lines
    assert (line.person, line.role, line.key_name) == ("alice", "person", "night script")
    assert (line.key_prefix, line.source_address) == (text[3:11], "192.0.2.9")
    assert (line.subject_kind, line.subject) == ("desktop", "desktop-2")
    (refused,) = story.audit_log.page(AuditFilter(refused_only=True)).lines
    assert (refused.reason, refused.detail) == ("longest", "")
    assert "the longest time, 90 minutes in all" in english_detail(refused)
    (command,) = story.audit_log.page(AuditFilter(person=MACHINE)).lines
    assert (command.person, command.role) == (None, "operator at the machine")


def test_the_role_is_that_of_the_moment(story: Services, root: Actor) -> None:
    before = story.audit_log.page(AuditFilter(person="root")).lines[0]
    assert before.role == "admin"


def test_cursors_go_to_the_oldest_and_back_again_and_skip_nothing(
    services: Services, alice: Actor
) -> None:
    for number in range(25):
        write(services, alice, "desktop.launch", f"desktop-{number}")
    wanted = AuditFilter(action="desktop.launch")
    page = services.audit_log.page(wanted, size=10)
    assert page.newer is None
    seen = [page]
    while page.older is not None:
        write(services, alice, "desktop.launch", "desktop-late")  # moves no page
        page = services.audit_log.page(wanted, before=page.older, size=10)
        seen.append(page)
    forward = [line.subject for one in seen for line in one.lines]
    assert forward == [f"desktop-{number}" for number in reversed(range(25))]
    assert page.newer is not None
    back = services.audit_log.page(wanted, after=page.newer, size=10)
    assert back.lines == seen[1].lines
    assert back.older == seen[1].lines[-1].id


def test_a_full_last_page_names_no_further_one(services: Services, alice: Actor) -> None:
    write(services, alice, "desktop.launch", times=10)
    page = services.audit_log.page(AuditFilter(action="desktop.launch"), size=10)
    assert (len(page.lines), page.older, page.newer) == (10, None, None)


@pytest.mark.parametrize(
    "options", [{"size": 0}, {"size": LARGEST_PAGE + 1}, {"before": 1, "after": 2}]
)
def test_senseless_pages_are_refused(services: Services, options: dict[str, int]) -> None:
    with pytest.raises(BadInput):
        services.audit_log.page(AuditFilter(), **options)


def test_all_entries_come_once_newest_first_over_many_batches(
    services: Services, alice: Actor
) -> None:
    write(services, alice, "desktop.launch", times=2 * BATCH + 3)
    ids = [line.id for line in services.audit_log.entries(AuditFilter(action="desktop"))]
    assert len(ids) == 2 * BATCH + 3
    assert ids == sorted(ids, reverse=True)
    with services.db.read() as session:
        assert session.query(AuditEntry).filter_by(action="desktop.launch").count() == len(ids)
