"""Workers that die during work, and workers that run at the same time."""

import re
from collections import Counter

import pytest
from playwright.sync_api import expect

from bench.rdp_probe import answers
from tests.e2e.conftest import Visit
from tests.e2e.site import Site, wait_until

pytestmark = [pytest.mark.lab, pytest.mark.browser]


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("step", "request_of_it"),
    [("desktop_clone", "POST .*/clone"), ("desktop_start", "POST .*/status/start")],
)
def test_another_worker_finishes_what_a_killed_one_began(
    site: Site, visit: Visit, step: str, request_of_it: str
) -> None:
    alice = visit("alice")
    site.slow_down(request_of_it, 2)
    made = alice.launch()
    site.wait_for_step(made, step)
    replace_killed_worker(site)
    assert site.desktop(made)["state"] == "building"
    alice.wait_until_ready()
    row = site.desktop(made)
    assert answers(row["address"], timeout_s=5)
    assert [vmid for vmid, name in site.containers().items() if name == made] == [row["vmid"]]

    site.slow_down("DELETE .*/lxc/", 3)
    alice.stop()
    wait_until(lambda: site.run_folders_of(made), "its removal is under way")
    replace_killed_worker(site)
    alice.expect_headline("This desktop has ended")
    assert site.leftovers(row) == []


def replace_killed_worker(site: Site) -> None:
    """Kill the only worker and start another one, as systemd does."""
    (worker,) = site.workers
    site.kill_worker(worker)
    site.start_worker()


def test_two_workers_double_nothing_and_the_admin_stops_all_at_once(
    site: Site, visit: Visit
) -> None:
    alice, bob, root = visit("alice"), visit("bob"), visit("root")
    second = site.start_worker()
    made = [person.launch() for person in (alice, bob, alice, bob)]
    for public_id in made:
        site.wait_for_state(public_id, "ready")
    rows = [site.desktop(public_id) for public_id in made]
    assert len({row["address"] for row in rows}) == len(made)
    on_node = {name: vmid for vmid, name in site.containers().items()}
    assert {row["public_id"]: row["vmid"] for row in rows}.items() <= on_node.items()
    assert Counter(site.containers().values()).most_common(1)[0][1] == 1
    assert all(answers(row["address"], timeout_s=5) for row in rows)
    log_of = "select id from audit_entries where subject = ? and action = 'desktop.ready'"
    assert all(len(site.rows(log_of, public_id)) == 1 for public_id in made)

    root.go("/admin/desktops/")
    for public_id in made:
        root.page.get_by_label(f"Tick {public_id}").check()
    root.button("Stop ticked ones").click()
    expect(root.page.get_by_role("heading", name="Stop 4 desktops?")).to_be_visible()
    root.button("Stop now").click()
    root.page.wait_for_url(re.compile("/admin/desktops/"))
    for row in rows:
        site.wait_for_state(row["public_id"], "ended")
        assert site.desktop(row["public_id"])["end_reason"] == "admin"
        assert site.leftovers(row) == []
    site.stop_worker(second)
