"""`--json` has the same fields with the same values on the portal's machine and with --url."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api_site import ApiSite, api_site
from tests.connection_rows import open_to_server
from tests.gateway.events.event_site import until
from webapp.cli import main
from webapp.domain.people.roles import Role
from webapp.domain.states import State
from webapp.services.audit.record import SYSTEM
from webapp.services.desktops.launch import LaunchRequest

#: What only the machine's command shows.
MACHINE_ONLY = {
    "desktop": {"node", "vmid"},
    "pool": {"max_age_minutes"},
    "template": {
        "vmid",
        "is_enabled",
        "swap_mb",
        "nesting",
        "max_pause_minutes",
        "published_at",
    },
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    with api_site(
        tmp_path_factory.mktemp("fields"), WINUX_DESKTOP_DOMAIN="desks.example.org"
    ) as made:
        alice = made.person("alice")
        desktop_id = made.services.launcher.launch(alice, LaunchRequest())
        until(lambda: _state(made, desktop_id) is State.READY, 60)
        open_to_server(made.services, alice)
        yield made


@pytest.fixture(scope="module")
def key(site: ApiSite) -> str:
    return site.key(site.person("boss", Role.ADMIN), "admin")


def _state(site: ApiSite, desktop_id: str) -> State:
    return site.services.reports.desktop(SYSTEM, desktop_id).state


@pytest.mark.parametrize(
    "words",
    [
        ("desktop", "list"),
        ("who",),
        ("person", "list"),
        ("key", "list"),
        ("pool", "list"),
        ("template", "list"),
        ("audit", "list"),
    ],
    ids=" ".join,
)
def test_both_print_the_same(
    site: ApiSite,
    key: str,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def rows(*arguments: str) -> list[dict[str, Any]]:
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WINUX_API_KEY", key)
    remote = rows("--url", site.url, *words)
    here = rows(*words)
    if words[0] == "key":  # a key lists its own person's; the machine's command those of all
        here = [row for row in here if row["person"] == "boss"]
    extra = MACHINE_ONLY.get(words[0], set())
    links = {"links"} if words[0] == "desktop" else set()
    assert remote
    assert [_without(row, extra | {"last_used_at"}) for row in here] == [
        _without(row, links | {"last_used_at"}) for row in remote
    ]
    assert all(row.keys() >= extra for row in here)


def _without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
