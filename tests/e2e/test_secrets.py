"""After everything: no password of the run is in any file, argument list or environment."""

import stat
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import ARTIFACTS
from tests.e2e.site import Site
from tests.e2e.witness import Witness

pytestmark = [pytest.mark.lab, pytest.mark.browser]


def files_with(word: str, *places: Path) -> set[Path]:
    """Files with that word in them; grep reads it from its input, as argument lists are public."""
    done = subprocess.run(
        ["grep", "-rlsaF", "-D", "skip", "-f", "-", *map(str, places)],
        input=word,
        capture_output=True,
        text=True,
    )
    assert done.returncode in {0, 1, 2}, done.stderr
    return {Path(line) for line in done.stdout.splitlines()}


def test_no_secret_was_left_or_shown_anywhere(site: Site, witness: Witness) -> None:
    places = (site.settings.folder, site.lab.state_dir, site.lab.log, ARTIFACTS, Path("/dev/shm"))
    token = site.lab.settings("portal")["proxmox_api_token_secret"]
    own = {site.settings.folder / "secrets/proxmox_api_token_secret"}
    assert files_with(token, *places) >= own, "the search finds nothing"
    assert witness.shows("WINUX_RUN"), "the witness sees nothing"

    runs = f"winux-{site.portal_id}-*"
    assert list(Path("/dev/shm").glob(runs)), "waiting runs have their folders elsewhere"
    assert not list(Path("/dev/shm").glob(f"{runs}/secrets.json"))
    assert len(site.secrets) >= 6
    for secret in site.secrets:
        assert files_with(secret, *places) == set()
        assert witness.shows(secret) == []
    assert witness.shows(token) == []
    kept = files_with(token, *places)
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}, kept
