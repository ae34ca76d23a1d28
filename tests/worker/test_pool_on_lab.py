"""A portal with real containers: its pool, and a desktop made by hand in its range of VM ids."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import ROOT, GoldenTemplate, RealLab
from tests.playbooks.operator import Desktop as ByHand
from tests.playbooks.operator import Operator
from tests.portal import PASSWORD, make_environment
from tests.worker.life import row
from webapp import bootstrap, bootstrap_worker
from webapp.adapters import migration
from webapp.bootstrap import Services
from webapp.config import load
from webapp.domain.states import EndReason, State
from webapp.domain.upkeep.drift import Kind
from webapp.models import Desktop
from webapp.services.audit.record import SYSTEM, Actor
from webapp.services.desktops.launch import LaunchRequest

pytestmark = pytest.mark.lab
#: One build takes 5 to 10 s here; a loaded machine needs its time.
PATIENCE_S = 180


@dataclass
class PoolSite:
    """A portal's services, its worker process, and the node behind it."""

    services: Services
    lab: RealLab
    owner: Actor

    def warm(self) -> list[Desktop]:
        return self.services.pools.one("xfce").warm

    def until(self, is_so: Callable[[], bool]) -> None:
        patience = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < patience, self.log.read_text()[-3000:]
            time.sleep(0.1)

    @property
    def log(self) -> Path:
        return self.services.config.run_dir.parent / "worker.log"

    def host_name(self, desktop: Desktop) -> str:
        return self.lab.inside(desktop.vmid or 0, "hostname").strip()


@pytest.fixture
def site(lab_node: RealLab, golden_template: GoldenTemplate, tmp_path: Path) -> Iterator[PoolSite]:
    environment = make_environment(
        tmp_path,
        **lab_node.settings("portal"),
        WINUX_PORTAL_ID="pooltests",
        WINUX_RECONCILE_SECONDS="3600",  # only at the start, and when a test does it
        WINUX_GUEST_KEY_FILE=str(golden_template.guest_key),
        WINUX_PLAYBOOKS_DIR=str(ROOT / "playbooks"),
        WINUX_INVENTORY=str(ROOT / "inventory" / "lab"),
    )
    services = bootstrap.build_services(load(environment))
    migration.migrate(services.db)
    services.catalogue.publish(SYSTEM, "xfce", golden_template.vmid, "1", {})
    owner = Actor(services.accounts.add_person(SYSTEM, "alice", PASSWORD))
    site = PoolSite(services, lab_node, owner)
    command = [sys.executable, "-m", "webapp", "worker"]
    with site.log.open("wb") as log:
        worker = subprocess.Popen(
            command, cwd=ROOT, env={"PATH": os.environ["PATH"], **environment}, stderr=log
        )
    yield site
    services.pools.change(SYSTEM, "xfce", {"min": 0, "target": 0, "max": 0})
    for desktop in services.reports.live_desktops(owner.person_id or 0):
        services.lifetime.stop(owner, desktop.public_id)
    site.until(lambda: services.reports.overview().by_state == {})
    worker.terminate()
    assert worker.wait(60) == 0
    services.db.close()


def test_a_pool_fills_and_is_refilled_and_rebuilt(
    site: PoolSite, golden_template: GoldenTemplate
) -> None:
    services = site.services
    services.pools.change(SYSTEM, "xfce", {"target": 1, "max": 1})
    site.until(lambda: len(site.warm()) == 1)
    first = site.warm()[0]
    assert site.host_name(first) == first.public_id

    taken = services.launcher.launch(site.owner, LaunchRequest())
    assert taken == first.public_id
    assert row(services, taken).state == State.READY, "a warm desktop is somebody's at once"
    site.until(lambda: len(site.warm()) == 1)
    second = site.warm()[0]
    assert second.vmid != first.vmid

    services.catalogue.publish(SYSTEM, "xfce", golden_template.vmid, "2", {})
    site.until(lambda: [one.template_version for one in site.warm()] == ["2"])
    third = site.warm()[0]
    assert site.host_name(third) == third.public_id
    site.until(lambda: row(services, second.public_id).state == State.ENDED)
    assert row(services, second.public_id).end_reason == EndReason.POLICY
    assert row(services, taken).state == State.READY, "what somebody has is never drained"


@pytest.fixture
def by_hand(lab_node: RealLab, golden_template: GoldenTemplate, tmp_path: Path) -> Iterator[ByHand]:
    """A desktop that an operator makes with the first id of the portal's range."""
    operator = Operator.on(lab_node, golden_template, tmp_path)
    desktop = ByHand("desktop-00030001", 30001, operator)
    yield desktop
    run = desktop.destroy()
    assert run.code == 0, run.output


def test_a_desktop_made_by_hand_in_the_range_stays_and_the_launch_takes_another_id(
    site: PoolSite, by_hand: ByHand
) -> None:
    services = site.services
    made = by_hand.create(session_duration=30)
    assert made.code == 0, made.output

    launched = services.launcher.launch(site.owner, LaunchRequest())
    assert row(services, launched).vmid == 30001, "the portal cannot know of the container yet"
    site.until(lambda: row(services, launched).state not in {State.QUEUED, State.BUILDING})
    desktop = row(services, launched)
    assert (desktop.state, desktop.vmid) == (State.READY, 30002)
    assert site.host_name(desktop) == launched
    assert all(gate.rest is None for gate in services.capacity.gates().values())

    reconciler = bootstrap_worker.build_worker_services(services, "by-hand").reconciler
    reconciler.reconcile(closely=True)
    assert [(one.kind, one.vmid) for one in services.findings.now_open()] == [(Kind.FOREIGN, 30001)]
    services.lifetime.stop(site.owner, launched)
    site.until(lambda: row(services, launched).state is State.ENDED)
    assert site.lab.inside(30001, "hostname").strip() == by_hand.session_id
    later = services.launcher.launch(site.owner, LaunchRequest())
    assert row(services, later).vmid != 30001, "the portal knows of the container now"
