"""A pool on a lab node with simulated containers: the real playbooks, and failing desktops."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.adapters.lab import desktops_on, environment_of
from tests.labnode.server import LabNode
from tests.portal import publish_template
from tests.worker.life import reservations
from webapp import bootstrap
from webapp.adapters import migration
from webapp.config import ROOT, load
from webapp.domain.states import EndReason, State
from webapp.models import Desktop
from webapp.services.audit.record import SYSTEM

pytestmark = pytest.mark.slow


def test_a_pool_whose_builds_fail_rests_and_leaves_nothing(
    lab: LabNode, tmp_path: Path, portal_id: str
) -> None:
    """Without the guest key, every build fails after its container was started."""
    environment = environment_of(
        lab,
        tmp_path,
        WINUX_PORTAL_ID=portal_id,
        WINUX_GUEST_KEY_FILE=str(tmp_path / "missing_key"),
        WINUX_NETWORK="127.203.0.0/24",  # connections there fail at once
    )
    services = bootstrap.build_services(load(environment))
    migration.migrate(services.db)
    publish_template(services)
    services.pools.change(SYSTEM, "xfce", {"target": 2, "max": 2})

    def work() -> None:
        command = [sys.executable, "-m", "webapp", "worker", "--once"]
        done = subprocess.run(
            command, cwd=ROOT, env={"PATH": os.environ["PATH"], **environment}, timeout=180
        )
        assert done.returncode == 0

    work()
    with services.db.read() as session:
        built = list(session.scalars(select(Desktop)))
    assert {(one.state, one.end_reason) for one in built} == {(State.ENDED, EndReason.FAILED)}
    assert (desktops_on(lab), reservations(services)) == ([], 0)
    view = services.pools.one("xfce")
    assert view.resting_until is not None
    assert not view.steps
    work()
    with services.db.read() as session:
        assert len(list(session.scalars(select(Desktop)))) == len(built), "it did not rest"
    services.db.close()
