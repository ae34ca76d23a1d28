"""A long-running process imports only what it uses."""

import subprocess
import sys

import pytest

from webapp.config import ROOT


@pytest.mark.parametrize("process", ["webapp.gateway.process", "webapp.app"])
def test_a_server_process_loads_no_client_of_others(process: str) -> None:
    """The import rules cannot distinguish imports inside functions from imports at start-up."""
    program = f"import sys, webapp.cli, {process}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert process in loaded
    foreign = {
        "alembic",
        "ansible_runner",
        "proxmoxer",
        "requests",
        "sqlalchemy.dialects.postgresql",
    }
    assert not loaded & foreign
