"""A complete Winux on the lab node of the test process, for the quick attacks."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from setup import ownership
from setup.portal import Portal
from setup.settings import TEST, settings_from
from setup.template import GoldenTemplate as Published
from tests.attack.target import Target
from tests.lab import GoldenTemplate, RealLab

#: Differs from the ports of the end-to-end tests, whose portal may run at the same time.
PORTS_ABOVE = 20
#: Differs from the containers of other tests on the same lab node.
VMIDS = (31001, 31099)
PORTAL_ID = "attack"


@pytest.fixture(scope="session")
def target(lab_node: RealLab, golden_template: GoldenTemplate) -> Iterator[Target]:
    """Yield worker, gateway and web server of a portal that starts empty."""
    settings = settings_from(os.environ, "WINUX_TEST_", TEST)
    settings = replace(
        settings,
        folder=settings.folder / "attack",
        port=settings.port + PORTS_ABOVE,
        gateway_port=settings.gateway_port + PORTS_ABOVE,
        bridge=lab_node.bridge,
        subnet=str(lab_node.subnet),
        lab_port=lab_node.port,
        vmids=VMIDS,
    )
    assert ownership.remove(settings.folder), f"{settings.folder} is not ours"
    ownership.claim(settings.folder, "WINUX_TEST_DIR")
    own = {
        "WINUX_GUEST_KEY_FILE": str(golden_template.guest_key),
        "WINUX_PORTAL_ID": PORTAL_ID,
    }
    portal = Portal(settings, lab_node.settings("portal"), own)
    portal.migrate()
    portal.publish(
        Published("", golden_template.vmid, golden_template.name, golden_template.version)
    )
    children = [portal.start_worker(), portal.start_gateway(), portal.start_web()]
    yield Target(settings, portal, lab_node.bridge)
    for child in reversed(children):
        child.stop()
