"""Repeated refusals: one entry that counts them, and few deliveries to webhooks."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.portal import SteppingClock
from webapp.bootstrap import Services
from webapp.domain.audit.actions import MOST_ANONYMOUS, MOST_THINGS
from webapp.domain.errors import NotFound, Refused
from webapp.domain.webhooks.rules import MOST_REFUSALS, REFUSALS_WITHIN
from webapp.models import AuditEntry, WebhookDelivery
from webapp.services.audit.export import to_csv, to_json
from webapp.services.audit.log import AuditFilter, AuditLine
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.audit.retention import AuditRetention
from webapp.services.desktops.launch import LaunchRequest

REFUSALS = AuditFilter(refused_only=True)


def refused(services: Services) -> list[AuditLine]:
    return list(services.audit_log.entries(REFUSALS))


def stop(services: Services, actor: Actor, name: str) -> None:
    with pytest.raises(NotFound):
        services.lifetime.stop(actor, name)


def counted(services: Services) -> float:
    """Return the number of refusals in the metrics."""
    families = services.metrics.collect()
    (family,) = [one for one in families if "refusals" in one.metric.name]
    return sum(sample.value for sample in family.samples)


def test_repeats_are_one_entry_with_first_last_and_count(
    services: Services, alice: Actor, bob: Actor, clock: SteppingClock
) -> None:
    first = clock.now()
    for _ in range(100):
        stop(services, alice, "desktop-00000001")
        clock.step(seconds=2)
    stop(services, bob, "desktop-00000001")
    bobs, alices = refused(services)
    assert (bobs.person, bobs.times, bobs.last_at) == ("bob", 1, None)
    assert (alices.person, alices.times) == ("alice", 100)
    assert (alices.at, alices.last_at) == (first, first + timedelta(seconds=198))
    clock.step(minutes=5)
    stop(services, alice, "desktop-00000001")
    assert [line.times for line in refused(services)] == [1, 1, 100]


def test_a_person_who_names_many_things_fills_few_entries(
    services: Services, alice: Actor, bob: Actor
) -> None:
    for number in range(100):
        stop(services, alice, f"desktop-{number:08}")
    stop(services, bob, "desktop-00000099")
    bobs, several, *single = refused(services)
    assert len(single) == MOST_THINGS
    assert (several.subject, several.times) == ("", 100 - MOST_THINGS)
    assert (bobs.subject, bobs.times) == ("desktop-00000099", 1)


def test_unauthenticated_from_many_addresses_fill_few_entries(services: Services) -> None:
    for number in range(MOST_ANONYMOUS + 100):
        with pytest.raises(Refused):
            services.accounts.sign_in(f"name{number}", "wrong", f"2001:db8:{number:x}::1", "")
    lines = refused(services)
    assert len(lines) == MOST_ANONYMOUS + 1
    assert (lines[0].source_address, lines[0].times) == (None, 100)


def test_metrics_count_every_refusal_before_and_after_it_is_settled(
    services: Services, alice: Actor, clock: SteppingClock
) -> None:
    for _ in range(30):
        stop(services, alice, "desktop-00000001")
    assert counted(services) == 30
    clock.step(minutes=11)
    services.tallies.settle()
    stop(services, alice, "desktop-00000001")
    assert counted(services) == 31


def test_exports_tell_how_often(services: Services, alice: Actor) -> None:
    for _ in range(3):
        stop(services, alice, "desktop-00000001")
    (row,) = json.loads("".join(to_json(services.audit_log.entries(REFUSALS))))
    assert (row["times"], row["last_at"]) == (3, "2026-03-02T09:00:00Z")
    head, line = "".join(to_csv(services.audit_log.entries(REFUSALS))).split("\r\n")[:2]
    assert head.endswith("times,last_at")
    assert line.endswith("3,2026-03-02T09:00:00Z")


def test_a_webhook_is_told_of_some_refusals_and_of_the_number_of_the_rest(
    services: Services, alice: Actor, clock: SteppingClock
) -> None:
    services.webhooks.add(SYSTEM, "https://8.8.8.8/", ["refusal"])
    for _ in range(100):
        with pytest.raises(Refused):
            services.launcher.launch(alice, LaunchRequest(template="nothing"))
        clock.step(seconds=1)
    with services.db.read() as session:
        rows = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()
    assert len(rows) == MOST_REFUSALS + 1
    bodies = [json.loads(row.body) for row in rows]
    assert [body["count"] for body in bodies] == [1] * MOST_REFUSALS + [90]
    assert bodies[-1]["time"] == "2026-03-02T09:00:10Z"
    assert bodies[-1]["last_time"] == "2026-03-02T09:01:39Z"
    assert bodies[-1]["reason"] == "several"
    assert rows[-1].next_try_at == rows[-1].created_at + REFUSALS_WITHIN


def test_old_entries_are_cut_and_the_cut_is_an_entry(
    services: Services, alice: Actor, clock: SteppingClock
) -> None:
    stop(services, alice, "desktop-00000001")
    retention = AuditRetention(services.db, clock, services.config, services.audit)
    clock.step(days=364)
    stop(services, alice, "desktop-00000002")
    with services.db.read() as session:
        before = session.scalar(select(func.count(AuditEntry.id)))
    retention.cut()
    with services.db.read() as session:
        assert session.scalar(select(func.count(AuditEntry.id))) == before
    clock.step(days=2)
    retention.cut()
    retention.cut()
    cut, kept = services.audit_log.page(AuditFilter()).lines
    assert kept.subject == "desktop-00000002"
    assert (cut.action, cut.subject) == ("audit.cut", "before 2026-03-03")
    assert cut.detail == "2 entries, number 1 to 2"
