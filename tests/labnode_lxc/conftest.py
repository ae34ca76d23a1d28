import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnode.containers import clean
from labnode.network import MARK
from tests.labnode_lxc.lab import BRIDGE, SUBNET, Lab
from tests.labnode_lxc.rootfs import make_archive

TEMPLATE = 200


@pytest.fixture(scope="session")
def archive() -> Path:
    return make_archive()


@pytest.fixture(scope="session")
def one_lab(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> Iterator[Lab]:
    state_dir = tmp_path_factory.mktemp("lab")
    with Path(f"/run/lock/winux-test-{BRIDGE}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # wait for another run of the tests on this machine
        clean_after_killed_run(BRIDGE)
        clean_after_killed_run(f"{BRIDGE}n")
        lab = Lab(state_dir, BRIDGE, SUBNET)
        lab.backend.prepare()
        lab.backend.create(TEMPLATE, archive, lab.config(TEMPLATE))
        lab.backend.make_template(TEMPLATE)
        yield lab
        clean(state_dir, BRIDGE)


def clean_after_killed_run(bridge: str) -> None:
    alias = Path(f"/sys/class/net/{bridge}/ifalias")
    if alias.exists():
        clean(Path(alias.read_text().strip().removeprefix(MARK)), bridge)


@pytest.fixture
def lab(one_lab: Lab) -> Iterator[Lab]:
    """A prepared lab with a template; each test starts and ends without containers."""
    yield one_lab
    for vmid in one_lab.backend.existing() - {TEMPLATE}:
        one_lab.backend.destroy(vmid)


@pytest.fixture
def desktop(lab: Lab) -> int:
    """The vmid of a running linked clone."""
    lab.backend.clone(TEMPLATE, 30, full=False)
    lab.start(30)
    return 30


@pytest.fixture
def neighbour(lab: Lab) -> int:
    """The vmid of another linked clone."""
    lab.backend.clone(TEMPLATE, 31, full=False)
    lab.start(31)
    return 31
