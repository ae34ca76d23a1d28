"""Webhooks: events become signed deliveries, which arrive, are retried, or are given up."""

import json
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.fakes import FailingProvisioner, FakeNode, FakeProvisioner
from tests.portal import SteppingClock, make_environment
from tests.receiver import Receiver
from tests.refusals import refuses
from webapp import bootstrap, bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices, build_deliverer
from webapp.config import Config, load
from webapp.domain.errors import BadInput, NotFound, Refused
from webapp.domain.webhooks.rules import CHOOSABLE, MOST_WEBHOOKS, sign
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest
from webapp.services.webhooks.delivery import CLAIM, Deliverer
from webapp.worker.webhooks import AT_ONCE, WebhookDispatcher

EVERYTHING = [event.value for event in CHOOSABLE]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path, WINUX_WEBHOOK_NETWORKS="127.0.0.0/8"))


@pytest.fixture
def deliverer(services: Services) -> Deliverer:
    return build_deliverer(services)


def work(services: Services, provisioner: FakeProvisioner) -> WorkerServices:
    node = provisioner.node
    return bootstrap_worker.build_worker_services(
        services, "worker-1", provisioner=provisioner, hypervisor=node
    )


def send_all(deliverer: Deliverer) -> None:
    while deliverer.deliver_one():
        pass


def told(receiver: Receiver) -> list[tuple[str, str | None, str | None]]:
    bodies = [json.loads(one.body) for one in receiver.received]
    return [(body["type"], body["session_sub"], body["reason"]) for body in bodies]


def test_a_desktops_life_is_told_in_order_and_signed(
    services: Services,
    deliverer: Deliverer,
    receiver: Receiver,
    alice: Actor,
    xfce: str,
    clock: SteppingClock,
) -> None:
    made = services.webhooks.add(SYSTEM, receiver.url("/hook?key=1"), EVERYTHING)
    worker = work(services, FakeProvisioner(FakeNode()))
    public_id = services.launcher.launch(alice, LaunchRequest())
    worker.builder.build_one()
    services.lifetime.stop(alice, public_id)
    worker.teardown.teardown_one()
    send_all(deliverer)
    assert told(receiver) == [
        ("launch", public_id, None),
        ("ready", public_id, None),
        ("end", public_id, "asked"),
    ]
    first = receiver.received[0]
    body = json.loads(first.body)
    assert (body["owner"], body["template"], body["time"]) == (
        "alice",
        xfce,
        "2026-03-02T09:00:00Z",
    )
    timestamp = int(first.headers["X-Winux-Timestamp"])
    assert timestamp == int(clock.now().timestamp())
    assert first.headers["X-Winux-Signature"] == sign(made.secret, timestamp, first.body)
    assert first.headers["X-Winux-Delivery"] == body["id"]
    assert first.headers["X-Winux-Event"] == "launch"
    assert first.headers["Content-Type"] == "application/json"
    assert first.path == "/hook?key=1"


def test_a_refused_launch_and_a_failed_build_are_told_with_the_reason(
    services: Services, deliverer: Deliverer, receiver: Receiver, alice: Actor, xfce: str
) -> None:
    services.webhooks.add(SYSTEM, receiver.url(), EVERYTHING)
    worker = work(services, FailingProvisioner(FakeNode(), "desktop_start"))
    public_id = services.launcher.launch(alice, LaunchRequest())
    worker.builder.build_one()
    with pytest.raises(Refused):
        services.launcher.launch(alice, LaunchRequest(template=xfce, minutes=100_000))
    send_all(deliverer)
    assert told(receiver) == [
        ("launch", public_id, None),
        ("failure", public_id, "failed"),
        ("refusal", None, "bad_input"),
    ]
    refusal = json.loads(receiver.received[2].body)
    assert (refusal["owner"], refusal["template"]) == ("alice", xfce)


def test_a_warm_launch_is_told_as_ready_too_and_the_pool_is_silent(
    services: Services, deliverer: Deliverer, receiver: Receiver, alice: Actor, xfce: str
) -> None:
    services.webhooks.add(SYSTEM, receiver.url(), EVERYTHING)
    services.pools.change(SYSTEM, xfce, {"max": 1, "target": 1})
    worker = work(services, FakeProvisioner(FakeNode()))
    worker.pools.keep()
    assert worker.builder.build_for_pool_one()
    send_all(deliverer)
    assert told(receiver) == []
    public_id = services.launcher.launch(alice, LaunchRequest())
    send_all(deliverer)
    assert told(receiver) == [("launch", public_id, None), ("ready", public_id, None)]


def test_an_event_that_is_rolled_back_is_never_told(
    services: Services, deliverer: Deliverer, receiver: Receiver, alice: Actor, xfce: str
) -> None:
    services.webhooks.add(SYSTEM, receiver.url(), EVERYTHING)
    with services.db.begin() as session:
        services.audit.record(session, alice, "desktop.launch", "desktop-1")
        session.rollback()
    assert not deliverer.deliver_one()


def test_only_chosen_events_reach_each_webhook_and_none_a_disabled_one(
    services: Services, deliverer: Deliverer, receiver: Receiver, alice: Actor, xfce: str
) -> None:
    services.webhooks.add(SYSTEM, receiver.url("/launches"), ["launch"])
    services.webhooks.add(SYSTEM, receiver.url("/ends"), ["end"])
    off = services.webhooks.add(SYSTEM, receiver.url("/off"), EVERYTHING).webhook.id
    services.webhooks.set_enabled(SYSTEM, off, enabled=False)
    services.launcher.launch(alice, LaunchRequest())
    send_all(deliverer)
    assert [one.path for one in receiver.received] == ["/launches"]
    services.webhooks.test(SYSTEM, off)
    send_all(deliverer)
    assert receiver.received[-1].path == "/off"


def test_the_same_event_has_the_same_id_everywhere(
    services: Services, deliverer: Deliverer, receiver: Receiver, alice: Actor, xfce: str
) -> None:
    for path in ("/a", "/b"):
        services.webhooks.add(SYSTEM, receiver.url(path), ["launch"])
    services.launcher.launch(alice, LaunchRequest())
    send_all(deliverer)
    assert len({one.headers["X-Winux-Delivery"] for one in receiver.received}) == 1


def test_what_did_not_arrive_is_tried_again_with_the_same_body_and_id_until_it_does(
    services: Services,
    deliverer: Deliverer,
    receiver: Receiver,
    alice: Actor,
    xfce: str,
    clock: SteppingClock,
) -> None:
    hook = services.webhooks.add(SYSTEM, receiver.url(), ["launch"]).webhook.id
    receiver.status, receiver.answer = 503, b"not now"
    services.launcher.launch(alice, LaunchRequest())
    send_all(deliverer)
    (waiting,) = services.webhooks.deliveries(hook)
    assert (waiting.answer_status, waiting.answer, waiting.attempts) == (503, "not now", 1)
    assert waiting.next_try_at is not None
    assert not deliverer.deliver_one()
    clock.step(seconds=13)
    receiver.status = 204
    send_all(deliverer)
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["X-Winux-Signature"] != second.headers["X-Winux-Signature"]
    (arrived,) = services.webhooks.deliveries(hook)
    assert (arrived.attempts, arrived.next_try_at) == (2, None)
    assert arrived.delivered_at == clock.now()


def test_after_a_day_it_is_given_up_shown_and_can_be_sent_by_hand(
    services: Services,
    deliverer: Deliverer,
    receiver: Receiver,
    alice: Actor,
    xfce: str,
    clock: SteppingClock,
) -> None:
    hook = services.webhooks.add(SYSTEM, receiver.url(), ["launch"]).webhook.id
    receiver.status = 500
    services.launcher.launch(alice, LaunchRequest())
    for _ in range(26 * 6):
        send_all(deliverer)
        clock.step(minutes=10)
    (row,) = services.webhooks.deliveries(hook)
    assert row.is_given_up
    assert 20 < row.attempts < 60
    assert row.tried_at is not None
    assert row.tried_at - row.created_at < timedelta(days=1, minutes=10)
    receiver.status = 200
    assert services.webhooks.retry(SYSTEM, row.id) == hook
    send_all(deliverer)
    assert services.webhooks.deliveries(hook)[0].delivered_at


def test_an_address_that_is_closed_now_is_refused_at_sending(
    services: Services, receiver: Receiver, alice: Actor, xfce: str, tmp_path: Path
) -> None:
    """The setting was removed, or a name resolves to another address than before."""
    hook = services.webhooks.add(SYSTEM, receiver.url(host="localhost"), ["launch"]).webhook.id
    services.launcher.launch(alice, LaunchRequest())
    strict = bootstrap.build_services(load(make_environment(tmp_path)), clock=services.clock)
    build_deliverer(strict).deliver_one()
    strict.db.close()
    assert receiver.received == []
    (row,) = services.webhooks.deliveries(hook)
    assert row.answer_status is None
    assert "not an address of the public internet" in (row.answer or "")


def test_closed_addresses_are_refused_when_they_are_written(services: Services) -> None:
    for url in ("http://10.0.0.1/", "http://169.254.169.254/latest", "https://[fd00::1]/"):
        with refuses(Refused, match="public internet"):
            services.webhooks.add(SYSTEM, url, ["launch"])
    services.webhooks.add(SYSTEM, "http://127.0.0.1:9/", ["launch"])


def test_what_makes_no_sense_is_refused(services: Services) -> None:
    for url, events in (
        ("https://example.org", []),
        ("https://example.org", ["test"]),
        ("https://example.org", ["nonsense"]),
        ("ftp://example.org", ["launch"]),
    ):
        with pytest.raises(BadInput):
            services.webhooks.add(SYSTEM, url, events)
    services.webhooks.add(SYSTEM, "https://example.org", ["launch"])
    with refuses(BadInput, match="already"):
        services.webhooks.add(SYSTEM, " https://example.org ", ["end"])


def test_there_is_a_limit_to_webhooks(services: Services) -> None:
    for number in range(MOST_WEBHOOKS):
        services.webhooks.add(SYSTEM, f"https://example.org/{number}", ["launch"])
    with refuses(Refused, match=f"{MOST_WEBHOOKS} webhooks already"):
        services.webhooks.add(SYSTEM, "https://example.org/more", ["launch"])


def test_no_file_of_the_database_holds_the_secret(services: Services, tmp_path: Path) -> None:
    made = services.webhooks.add(SYSTEM, "https://example.org", ["launch"])
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("winux.db*"))
    assert b"https://example.org" in kept
    assert made.secret.encode() not in kept
    assert made.secret not in repr(made)


def test_a_removed_webhook_is_forgotten_with_its_deliveries(
    services: Services, deliverer: Deliverer, receiver: Receiver, alice: Actor, xfce: str
) -> None:
    hook = services.webhooks.add(SYSTEM, receiver.url(), ["launch"]).webhook.id
    services.launcher.launch(alice, LaunchRequest())
    services.webhooks.remove(SYSTEM, hook)
    assert not deliverer.deliver_one()
    with pytest.raises(NotFound):
        services.webhooks.one(hook)


def test_a_claim_keeps_others_away_and_a_dead_workers_delivery_is_tried_again(
    services: Services,
    deliverer: Deliverer,
    receiver: Receiver,
    clock: SteppingClock,
) -> None:
    hook = services.webhooks.add(SYSTEM, receiver.url(), ["launch"]).webhook.id
    services.webhooks.test(SYSTEM, hook)
    assert deliverer.claim() is not None  # and its worker dies
    assert build_deliverer(services).claim() is None
    clock.step(seconds=CLAIM.total_seconds())
    assert build_deliverer(services).deliver_one()
    assert len(receiver.received) == 1


def test_finished_deliveries_are_forgotten_after_a_week(
    services: Services, deliverer: Deliverer, receiver: Receiver, clock: SteppingClock
) -> None:
    hook = services.webhooks.add(SYSTEM, receiver.url(), ["launch"]).webhook.id
    services.webhooks.test(SYSTEM, hook)
    send_all(deliverer)
    clock.step(days=6)
    deliverer.forget_old()
    assert len(services.webhooks.deliveries(hook)) == 1
    clock.step(days=2)
    deliverer.forget_old()
    assert services.webhooks.deliveries(hook) == []


def test_a_slow_receiver_holds_up_neither_the_worker_nor_other_receivers(
    services: Services, deliverer: Deliverer, receiver: Receiver
) -> None:
    slow = Receiver()
    slow.seconds = 1.5
    hook = services.webhooks.add(SYSTEM, slow.url(), ["launch"]).webhook.id
    for _ in range(AT_ONCE + 3):
        services.webhooks.test(SYSTEM, hook)
    quick = services.webhooks.add(SYSTEM, receiver.url(), ["launch"]).webhook.id
    services.webhooks.test(SYSTEM, quick)
    post = WebhookDispatcher(deliverer)
    is_back = Event()
    Thread(target=lambda: (post.send_due(), is_back.set())).start()
    assert is_back.wait(1.0), "the worker's thread was held up"
    post.close()
    assert len(receiver.received) == 1
    assert len(slow.received) == 1  # one at a time to each receiver
    slow.close()
