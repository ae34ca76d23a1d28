"""A worker's services on a fake node."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.fakes import FakeNode, FakeProvisioner
from tests.portal import PASSWORD
from webapp import bootstrap_worker
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.models import SignIn
from webapp.services.audit.record import Actor

MakeWorker = Callable[..., WorkerServices]


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def make_worker(services: Services, node: FakeNode) -> MakeWorker:
    """Return a worker's services; each call is another worker on the same database and node."""
    count = iter(range(1, 100))

    def make(
        provisioner: FakeProvisioner | None = None, hypervisor: FakeNode | None = None
    ) -> WorkerServices:
        return bootstrap_worker.build_worker_services(
            services,
            f"worker-{next(count)}",
            provisioner=provisioner or FakeProvisioner(node),
            hypervisor=hypervisor or node,
        )

    return make


@pytest.fixture
def signed_in(services: Services, alice: Actor) -> int:
    services.accounts.sign_in("alice", PASSWORD, "192.0.2.9", "Firefox")
    with services.db.read() as session:
        return session.scalars(select(SignIn.id)).one()
