"""A client that is generated from the served document launches, reads and stops.

It is not written for Winux: everything that it can do comes from the document.
"""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.api_site import ApiSite, api_site
from tests.worker.life import until

PACKAGE = "generated_winux_client"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    with api_site(tmp_path_factory.mktemp("generated")) as made:
        yield made


@pytest.fixture(scope="module")
def made(site: ApiSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Generate the client's package; warnings of the generator fail the test."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "config.yml").write_text(
        f"package_name_override: {PACKAGE}\npost_hooks: []\n"
        "content_type_overrides: {application/x-rdp: application/octet-stream}\n"
    )
    generator = Path(sys.executable).with_name("openapi-python-client")
    words = ["generate", "--url", f"{site.url}/api/v1/openapi.json", "--meta", "none"]
    done = subprocess.run(
        [generator, *words, "--config", "config.yml", "--output-path", PACKAGE],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module(PACKAGE)
    sys.path.remove(str(folder))


def test_it_launches_looks_and_stops(site: ApiSite, made: ModuleType) -> None:
    key = site.key(site.person("alice"), "launch")
    models = importlib.import_module(f"{PACKAGE}.models")
    with made.AuthenticatedClient(
        f"{site.url}/api/v1", token=key, raise_on_unexpected_status=True
    ) as client:

        def call(operation: str, *arguments: Any, **named: Any) -> Any:
            module = importlib.import_module(f"{PACKAGE}.api.sessions.{operation}")
            return module.sync(*arguments, client=client, **named)

        launched = call("launch_session", body=models.SessionRequest(duration_minutes=15))
        until(lambda: call("get_session", launched.session_sub).status == "ready", 20)
        shown = call("get_session", launched.session_sub)
        assert shown.address.startswith("10.203.")
        listed = call("list_sessions")
        assert [one.session_sub for one in listed.sessions] == [launched.session_sub]
        assert call("stop_session", launched.session_sub).end_reason == "asked"
