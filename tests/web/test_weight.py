"""The size of pages with all their files, compressed as by a proxy."""

import gzip
import re

import pytest

from tests.web.conftest import Browse
from webapp.config import ROOT
from webapp.services.audit.record import Actor

LIMIT_BYTES = 100_000


@pytest.mark.parametrize("path", ["/", "/desktops/", "/desktops/{id}", "/admin/desktops/"])
def test_a_page_with_all_it_needs(browse: Browse, root: Actor, ready: str, path: str) -> None:
    person = "root" if path.startswith("/admin") else "alice"
    page = browse(person).get(path.format(id=ready))
    assert page.status_code == 200
    pictures = set(re.findall(r'src="/static/[0-9a-f]+/(img/[^"]+)"', page.text))
    files = [
        file
        for folder in ("static/css", "static/js")
        for file in (ROOT / folder).iterdir()
        if not file.name.startswith("desktop-view")  # the only page that may be larger
    ]
    files += [ROOT / "static" / picture for picture in pictures]
    weights = {file.name: len(gzip.compress(file.read_bytes())) for file in files}
    total = len(gzip.compress(page.data)) + sum(weights.values())
    assert total < LIMIT_BYTES, weights
