"""The virtual environment with the official Ansible modules, kept outside the checkout.

`python -m tests.labnode.modules_env` creates it (once; its name depends on its content) and prints
its
path.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests.labnode.server import ROOT

REQUIREMENTS = ROOT / "requirements-modules.txt"


def folder() -> Path:
    """Return its path, which depends on the requirements and on the Python version."""
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    cache = Path(os.environ.get("WINUX_CACHE_DIR", "/var/cache/winux"))
    return cache / f"modules-{key}"


def ensure() -> Path:
    """Create it if it is missing or incomplete; return its folder."""
    place = folder()
    if not (place / "complete").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        pip = [place / "bin" / "pip", "--disable-pip-version-check", "install", "-q"]
        subprocess.run([*pip, "-r", REQUIREMENTS], check=True)
        (place / "complete").touch()
    return place


if __name__ == "__main__":
    sys.stdout.write(f"{ensure()}\n")
