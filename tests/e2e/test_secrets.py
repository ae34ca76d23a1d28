"""After all tests, no password of the run is in any file, argument list or environment."""

import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.e2e.conftest import ARTIFACTS
from tests.e2e.site import Site
from tests.e2e.witness import Witness

pytestmark = [pytest.mark.lab, pytest.mark.browser]


#: Folders of the lab node with gigabytes that existed before the run.
OLDER = ["--exclude-dir=bases", "--exclude-dir=containers", "--exclude-dir=template"]


def files_with(words: Iterable[str], *places: Path) -> set[Path]:
    """Return files with any of the words; grep reads them from its input: argument lists are
    public."""
    done = subprocess.run(
        ["grep", "-rlsaF", "-D", "skip", *OLDER, "-f", "-", *map(str, places)],
        input="\n".join(words),
        capture_output=True,
        text=True,
    )
    assert done.returncode in {0, 1, 2}, done.stderr  # 2: a file disappeared meanwhile
    return {Path(line) for line in done.stdout.splitlines()}


def test_no_secret_was_left_or_shown_anywhere(site: Site, witness: Witness) -> None:
    site.end()
    witness.stop()
    places = (site.settings.folder, site.lab.state_dir, site.lab.log, ARTIFACTS, Path("/dev/shm"))
    token = site.lab.settings("portal")["proxmox_api_token_secret"]
    own = {site.settings.folder / "secrets/proxmox_api_token_secret"}
    kept = files_with([token], *places)
    assert kept >= own, "the search finds nothing"
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}, kept
    assert witness.shows("WINUX_RUN"), "the witness sees nothing"

    assert list(Path("/dev/shm").glob(f"winux-{site.portal_id}-*")) == []
    assert list((site.settings.folder / "run").iterdir()) == []
    assert len(site.secrets) > len(site.passwords), "no desktop told its password"
    assert files_with(site.secrets, *places) == set()
    for secret in {token, *site.secrets}:
        assert witness.shows(secret) == []
