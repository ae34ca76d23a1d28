"""`./winux template publish --from` reads the result file of template-build.yml."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.portal import make_environment
from webapp.config import ROOT


def winux(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **make_environment(folder)}
    return subprocess.run(
        ["./winux", *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )


@pytest.fixture
def portal(tmp_path: Path) -> Path:
    assert winux(tmp_path, "migrate", "--new").returncode == 0
    return tmp_path


def test_the_built_version_is_offered(portal: Path) -> None:
    result = portal / "template.json"
    result.write_text(json.dumps({"name": "xfce", "vmid": 29001, "version": "202603020900.1a2b"}))
    done = winux(portal, "template", "publish", "--from", str(result))
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(winux(portal, "template", "list", "--json").stdout)
    assert (row["name"], row["vmid"], row["version"]) == ("xfce", 29001, "202603020900.1a2b")


@pytest.mark.parametrize("content", [None, "", "[]", '{"name": "xfce"}', '{"vmid": "x"}'])
def test_what_is_no_result_is_refused(portal: Path, content: str | None) -> None:
    result = portal / "template.json"
    if content is not None:
        result.write_text(content)
    done = winux(portal, "template", "publish", "--from", str(result))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "missing" in done.stderr or str(result) in done.stderr
