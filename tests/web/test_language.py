"""Every text of the pages can be translated: shown with a catalogue that marks each of them."""

import re
from html import unescape
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import pytest
from babel.dates import get_day_names
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from flask import Flask

from tests.portal import SteppingClock
from tests.warm import add_warm
from tests.web.conftest import Browse, Browser
from tests.worker.life import launch
from webapp.bootstrap import Services
from webapp.bootstrap_worker import WorkerServices
from webapp.config import ROOT
from webapp.domain.desktops.estimate import BUILD_STEPS, PAUSE_STEPS, RESUME_STEPS
from webapp.domain.desktops.keyboards import KEYBOARD_LAYOUTS
from webapp.domain.nodes.placement import Wait
from webapp.domain.pool.sizes import Why
from webapp.services.audit.record import Actor
from webapp.services.pool.settings import ScheduleRequest
from webapp.web.language import init_language
from webapp.web.texts.domain import WORDS

KEYWORDS = {"_": None, "ngettext": (1, 2), "lazy_gettext": None, "plural": (1, 2)}
METHODS = [
    ("webapp/texts/**.py", "python"),
    ("webapp/web/**.py", "python"),
    ("templates/**.html", "jinja2"),
]
#: Names are not translated.
NAMES = {"Winux", "Windows", "macOS, iPad, Android", "Linux", ".rdp", "XFCE"}


@pytest.fixture
def marked(app: Flask, tmp_path: Path) -> Flask:
    """The application in Esperanto, with every text in brackets."""
    catalogue = Catalog(locale="eo")
    options = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}
    found = extract_from_dir(str(ROOT), METHODS, options, KEYWORDS)
    for _file, _line, message, _comments, _context in found:
        one = message if isinstance(message, str) else message[0]
        forms = f"⟦{one}⟧" if isinstance(message, str) else [f"⟦{text}⟧" for text in message]
        catalogue.add(message, forms)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    folder = tmp_path / "eo" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.mo").write_bytes(compiled.getvalue())
    init_language(app, tmp_path)
    return app


def unmarked(browser: Browser, path: str) -> set[str]:
    """Return texts with letters outside the brackets that are not data."""
    html = browser.get(path, headers={"Accept-Language": "eo"}).text
    html = re.sub(r"(?s)<(script|code|time)\b.*?</\1>|<title>.*?</title>", "", html)
    html = re.sub(r"(?s)<(span|div|a) class=\"[^\"]*mono[^>]*>.*?</\1>", "", html)
    titles = re.findall(r'(?:aria-label|title|placeholder|data-say-\w+)="([^"]+)"', html)
    texts = re.findall(r">([^<]+)<", html) + titles
    left = {remove_marked(unescape(text)) for text in texts}
    return {text for text in left if re.search(r"[A-Za-z]{2,}", text)} - NAMES


def remove_marked(text: str) -> str:
    while re.search(r"⟦[^⟦⟧]*⟧", text):
        text = re.sub(r"⟦[^⟦⟧]*⟧", "", text)
    return " ".join(text.split())


def test_no_text_was_forgotten(
    marked: Flask,
    services: Services,
    browse: Browse,
    stranger: Browser,
    root: Actor,
    ready: str,
    worker: WorkerServices,
    clock: SteppingClock,
) -> None:
    own = launch(services, root)
    clock.step(seconds=7)
    worker.builder.build_one()
    making = launch(services, root)
    worker.heartbeat.look_at_proxmox()
    worker.heartbeat.beat()
    data = {"root", "alice", "desktop", "A light desktop.", "lab", "XFCE: .", "XFCE: . XFCE: ."}
    data |= {"SHA256:host", "cert", "xfce 1", "· alice"}
    data |= {f"Werkzeug/{version('werkzeug')}"}  # the browser's name, on the account's page
    data |= {f"XFCE of {name}" for name in ("root", "alice")} | {"lab / 30001", "lab / 30002"}
    browser = browse("root")
    assert "⟦Launch⟧" in browser.get("/", headers={"Accept-Language": "eo"}).text
    paths = ["/", "/desktops/", f"/desktops/{own}", f"/desktops/{own}/stop", "/account/"]
    paths += [f"/desktops/{making}", "/admin/", "/admin/desktops/?state=all", "/nothing"]
    add_warm(services)
    wish = ScheduleRequest(2, "10:00", "12:00", every="mon")
    services.pools.change(root, "xfce", {"max": 2, "follows_demand": True})
    services.pools.add_schedule(root, "xfce", wish)
    data |= {"UTC", "lab / 30004", *get_day_names("abbreviated", locale="eo").values()}
    paths += [f"/admin/desktops/{ready}", "/admin/nodes/", "/admin/pool/", "/admin/pool/xfce"]
    paths += ["/admin/pool/xfce/drain"]
    found = {path: unmarked(browser, path) - data for path in paths}
    found["/sign-in"] = unmarked(stranger, "/sign-in")
    assert [f"{path}: {text}" for path, texts in found.items() for text in texts] == []


def test_the_domains_words_are_marked(app: Flask) -> None:
    with app.test_request_context():
        domain = {*BUILD_STEPS.values(), *KEYBOARD_LAYOUTS.values(), *(why.value for why in Why)}
        domain |= {wait.value for wait in Wait}
        domain |= {*PAUSE_STEPS.values(), *RESUME_STEPS.values()}
        assert {str(word) for word in WORDS} == domain
