"""What all tests share: how tests that need real containers are skipped and refused."""

import os

import pytest

pytest_plugins = ["tests.lab", "tests.portal", "tests.postgres", "tests.receiver"]

CAN_NOT_RUN = (
    "this test needs real containers: run as root on Debian 12 with lxc installed (`make test` "
    "installs it), or set SKIP_LAB=1 to leave such tests out"
)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup`: what shares a lab node and a portal runs in one process."""
    for item in items:
        if item.get_closest_marker("lab"):
            group = "portal" if item.path.parent.name == "e2e" else "containers"
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not item.get_closest_marker("lab"):
        return
    if os.environ.get("SKIP_LAB") == "1":
        pytest.skip("SKIP_LAB=1: tests with real containers are left out")
    if os.geteuid() != 0:
        pytest.fail(CAN_NOT_RUN, pytrace=False)
