"""Runs the commands of docs/api/guide.md and older.md unchanged against a complete portal."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api_site import ApiSite, api_site
from tests.worker.life import until
from webapp.config import ROOT
from webapp.domain.connections.target import Door
from webapp.domain.people.roles import Role
from webapp.domain.states import State
from webapp.services.audit.record import Actor
from webapp.services.connections.admission import Client
from webapp.services.desktops.launch import LaunchRequest

#: Each page's sections; the commands of a page are those of one person, in one shell.
PAGES = {
    owner: re.split(r"^## ", (ROOT / "docs/api" / page).read_text(), flags=re.MULTILINE)[1:]
    for owner, page in {"carol": "older.md", "alice": "guide.md"}.items()
}
#: The guide cuts a connection, so that one must be open.
GUEST_OF = "alice"
TITLES = [section.partition("\n")[0] for sections in PAGES.values() for section in sections]


@dataclass(frozen=True)
class Ran:
    """Return the output of a section's commands."""

    output: str
    errors: str
    status: int


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    with api_site(tmp_path_factory.mktemp("guide"), WINUX_MAX_DESKTOPS="2") as made:
        yield made


@pytest.fixture(scope="module")
def ran(site: ApiSite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Run all sections of each page in order in one shell; a failing section ends it."""
    admin_key = site.key(site.person("boss", Role.ADMIN), "admin")
    found = {}
    for owner, sections in PAGES.items():
        if owner == GUEST_OF:  # a connection that no gateway keeps open is closed soon
            connect(site)
        keys = {"KEY": site.key(site.person(owner), "launch"), "ADMIN_KEY": admin_key}
        found |= _run(sections, tmp_path_factory.mktemp(owner), {"URL": site.url, **keys})
    return found


def _run(sections: list[str], folder: Path, environment: dict[str, str]) -> dict[str, Ran]:
    script = ["set -euo pipefail"]
    for number, section in enumerate(sections):
        script.append(f"exec >{number}.out 2>{number}.err")
        script += re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        script.append(f"touch {number}.done")
    subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        timeout=120,
    )
    titles = [section.partition("\n")[0] for section in sections]
    return {title: _ran(folder, number) for number, title in enumerate(titles)}


def _ran(folder: Path, number: int) -> Ran:
    def text(kind: str) -> str:
        file = folder / f"{number}.{kind}"
        return file.read_text() if file.exists() else ""

    return Ran(text("out"), text("err"), 0 if (folder / f"{number}.done").exists() else 1)


def connect(site: ApiSite) -> None:
    """Insert a person's open connection, as the gateway writes it."""
    bob = site.person("bob")
    desktop = site.services.launcher.launch(bob, LaunchRequest())
    reports = site.services.reports
    until(lambda: reports.desktop(bob, desktop).state is State.READY)
    site.services.accounts.sign_in("bob", "correct horse battery", "192.0.2.2", "Firefox")
    [sign_in] = site.services.accounts.sign_ins(bob.person_id or 0)
    actor = Actor(bob.person_id, "192.0.2.2")
    ticket = site.services.tickets.issue(actor, desktop, sign_in_id=sign_in.id)
    site.services.tickets.redeem(ticket.token, Client(Door.BROWSER_VIEW, "192.0.2.2", "Firefox"))


@pytest.mark.parametrize("title", TITLES)
def test_each_section_runs(ran: dict[str, Ran], title: str) -> None:
    assert ran[title].status == 0, ran[title]
    assert ran[title].output.strip()


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("Who am I", r'"name":"alice"'),
        ("Launch and wait", r"^desktop-\w{8} is ready$"),
        ("Follow the events", r"^now: ready$"),
        ("Get the password", r'"rdp_password": "\w{20}"'),
        ("Get the file for RDP programs", r"full address:s:10\.203\."),
        ("List", r"^desktop-\w{8}\tready\t20"),
        ("Extend", r"^20\d\d-\d\d-\d\dT"),
        ("Launch exactly once", r"^(desktop-\w{8})\n\1$"),
        (
            "When the limit is reached",
            r'"status": 429(.|\n)*"close_oldest"(.|\n)*"is_reused": true',
        ),
        ("Stop", r"^desktop-\w{8}\t(stopping|ended)$"),
        ("For administrators: keys", r'"prefix": "\w{8}"'),
        ("For administrators: list and cut connections", r"^cut connection-\w{8}$"),
        ("For administrators: pool and capacity", r'"warm":0'),
        ("For administrators: export the audit log", r"^[1-9]\d+ audit.csv$"),
        ("Check the status of the site", r'"status":"ok"'),
        ("Launch a session", r"^desktop-\w{8} is active$"),
        ("Get the password of a session", r'"rdp_password": "\w{20}"'),
        ("List and get sessions", r"^desktop-\w{8}\tactive\t10\.203\.(.|\n)*\"success\": true"),
        ("Errors", r'"success": false(.|\n)*"status": 422(.|\n)*"status": 404'),
        ("Remove a session", r'"success":true'),
        ("Clean up", r'"cleanup": "cleanup-\w{8}"'),
        ("Check the health", r'"status": "healthy"'),
    ],
)
def test_each_section_does_what_it_says(ran: dict[str, Ran], title: str, says: str) -> None:
    assert re.search(says, ran[title].output, re.MULTILINE), ran[title]


def test_the_cut_connection_ended(site: ApiSite, ran: dict[str, Ran]) -> None:
    [view] = site.services.connections.open_connections().rows
    found = site.services.connections.endings([1])
    assert (view.person, str(found[1].why)) == ("bob", "cut"), json.dumps(str(found))
