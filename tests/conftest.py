"""Shared by all tests: tests that need real containers, and samples of large sets of cases."""

import os
from collections import defaultdict

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests import compilation

pytest_plugins = ["tests.lab", "tests.portal", "tests.postgres", "tests.receiver"]

#: Uses the same examples in each run, so that failures are reproducible; `make fuzz` varies them.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("roaming", max_examples=2_000, deadline=None)
settings.load_profile("steady")

compilation.share_statements()

#: A demo on this machine has its own settings, which tests must not use.
os.environ["WINUX_ENV_FILE"] = os.devnull

CAN_NOT_RUN = (
    "this test needs real containers: run as root on Debian 12 with lxc installed (`make test` "
    "installs it), or set SKIP_LAB=1 to leave such tests out"
)


class TwoParts(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """The end-to-end tests share one portal, so they run in one process; all others in another."""

    def _split_scope(self, nodeid: str) -> str:
        return "portal" if nodeid.startswith("tests/e2e/") else "containers"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> TwoParts | None:
    return TwoParts(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="all cases of tests marked `sampled`")


#: Seconds for a test with real containers; all others have the `timeout` of pyproject.toml.
LAB_TIMEOUT_S = 240


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("lab") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LAB_TIMEOUT_S))
    _leave_samples(config, items)


def _leave_samples(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the number of cases in a sampled test's mark: evenly spread and deterministic."""
    if config.getoption("whole"):
        return
    cases: dict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if mark := item.get_closest_marker("sampled"):
            cases[item.nodeid.partition("[")[0], *mark.args].append(item)
    left_out = {
        item.nodeid for (_, count), test in cases.items() for item in _beyond_sample(test, count)
    }
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left_out])
    items[:] = [item for item in items if item.nodeid not in left_out]


def _beyond_sample(cases: list[pytest.Item], count: int) -> list[pytest.Item]:
    kept = {index * len(cases) // count for index in range(count)}
    return [case for index, case in enumerate(cases) if index not in kept]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not item.get_closest_marker("lab"):
        return
    if os.environ.get("SKIP_LAB") == "1":
        pytest.skip("SKIP_LAB=1: tests with real containers are left out")
    if os.geteuid() != 0:
        pytest.fail(CAN_NOT_RUN, pytrace=False)
