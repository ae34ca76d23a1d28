"""The pages of webhooks, and the manual's example, with deliveries to a real receiver."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.portal import make_environment
from tests.receiver import Receiver
from tests.web.conftest import Browse, words
from webapp.adapters import migration
from webapp.bootstrap import Services, build_services
from webapp.bootstrap_worker import build_deliverer
from webapp.config import ROOT, Config, load
from webapp.services.audit.record import SYSTEM, Actor

SECRET = re.compile(r"whsec_[\w-]{43}")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(make_environment(tmp_path, WINUX_WEBHOOK_NETWORKS="127.0.0.0/8"))


def add(services: Services, url: str) -> int:
    return services.webhooks.add(SYSTEM, url, ["launch", "end"]).webhook.id


def test_a_webhook_is_added_and_its_secret_shown_once(
    services: Services, browse: Browse, root: Actor, receiver: Receiver
) -> None:
    browser = browse("root")
    page = browser.post("/admin/webhooks/", url=receiver.url(), event="launch")
    (secret,) = set(SECRET.findall(page.text))
    assert f'data-copy="{secret}"' in page.text
    later = browser.get("/admin/webhooks/").text
    assert receiver.url() in later
    assert not SECRET.search(later)
    again = browser.post("/admin/webhooks/", url=receiver.url(), event="launch")
    assert again.status_code == 400
    assert "already" in words(again)


def test_a_closed_address_is_refused_with_the_cure_and_the_form_kept(
    browse: Browse, root: Actor
) -> None:
    answer = browse("root").post("/admin/webhooks/", url="http://10.0.0.1/x", event="end")
    assert answer.status_code == 400
    assert "WINUX_WEBHOOK_NETWORKS" in words(answer)
    assert 'value="http://10.0.0.1/x"' in answer.text
    assert re.search(r'value="end"\s+checked', answer.text)


def test_a_test_is_sent_and_its_answer_shown(
    services: Services, browse: Browse, root: Actor, receiver: Receiver
) -> None:
    hook = add(services, receiver.url())
    browser = browse("root")
    assert "Nothing was sent yet" in browser.sees(f"/admin/webhooks/{hook}")
    browser.post(f"/admin/webhooks/{hook}/test")
    assert "Being sent" in words(browser.live(f"/admin/webhooks/{hook}/live"))
    receiver.status, receiver.answer = 418, b"I am a <b>teapot</b>"
    build_deliverer(services).deliver_one()
    told = browser.live(f"/admin/webhooks/{hook}/live")
    assert "Given up 1 418 I am a <b>teapot</b>" in words(told)
    assert "<b>teapot" not in told.text
    assert "The last delivery failed" in browser.sees("/admin/webhooks/")


def test_a_delivery_is_sent_again_by_hand(
    services: Services, browse: Browse, root: Actor, receiver: Receiver
) -> None:
    hook = add(services, receiver.url())
    services.webhooks.test(SYSTEM, hook)
    deliverer = build_deliverer(services)
    receiver.status = 500
    deliverer.deliver_one()
    receiver.status = 200
    browser = browse("root")
    (delivery,) = services.webhooks.deliveries(hook)
    browser.post(f"/admin/webhooks/deliveries/{delivery.id}/retry")
    deliverer.deliver_one()
    assert "Delivered 2 200 thank you" in browser.sees(f"/admin/webhooks/{hook}")
    assert "Works" in browser.sees("/admin/webhooks/")


def test_it_is_disabled_enabled_and_removed_after_a_question(
    services: Services, browse: Browse, root: Actor
) -> None:
    hook = add(services, "https://example.org/hook?token=1")
    browser = browse("root")
    browser.post(f"/admin/webhooks/{hook}/disable")
    assert "Disabled" in browser.sees("/admin/webhooks/")
    browser.post(f"/admin/webhooks/{hook}/enable")
    assert services.webhooks.one(hook).webhook.is_enabled
    assert "Remove this webhook?" in browser.sees(f"/admin/webhooks/{hook}/remove")
    browser.post(f"/admin/webhooks/{hook}/remove")
    assert "There are no webhooks yet" in browser.sees("/admin/webhooks/")
    told = browser.sees("/admin/audit/?action=webhook")
    assert "root removed the webhook to https://example.org/hook" in told
    assert "token" not in told


def test_the_example_of_the_document_takes_what_is_real_and_nothing_else(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Uses the machine's own clock, like a receiver."""
    text = (ROOT / "docs/admin/webhooks.md").read_text()
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert example is not None
    known: dict[str, Any] = {}
    exec(example[1], known)
    is_from_winux = known["is_from_winux"]

    services = build_services(
        load(make_environment(tmp_path, WINUX_WEBHOOK_NETWORKS="127.0.0.0/8"))
    )
    migration.migrate(services.db)
    made = services.webhooks.add(SYSTEM, receiver.url(), ["launch"])
    services.webhooks.test(SYSTEM, made.webhook.id)
    assert build_deliverer(services).deliver_one()
    services.db.close()

    (got,) = receiver.received
    assert is_from_winux(made.secret, got.headers, got.body)
    assert not is_from_winux("whsec_other", got.headers, got.body)
    assert not is_from_winux(made.secret, got.headers, got.body + b" ")
    assert not is_from_winux(made.secret, {}, got.body)
    old = str(int(time.time()) - 301)
    assert not is_from_winux(made.secret, {**got.headers, "X-Winux-Timestamp": old}, got.body)
