"""Virtual environments, created from a cache of wheels so that a second one needs no network.

The cache is a folder per content of the requirement files; a stamp in the environment names the
content it was created from, so that an unchanged environment is reused.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from setup.commands import read_output, run_logged
from setup.failure import SetupFailed
from setup.ownership import READABLE, readable_by_all
from setup.settings import CHECKOUT, cache_dir

VENV = CHECKOUT / ".venv"
RUN = CHECKOUT / "requirements.txt"
DEV = CHECKOUT / "requirements-dev.txt"
MODULES = CHECKOUT / "requirements-modules.txt"
#: The packages of a wheel folder, to install them without another hash check: a wheel that was
#: built here from a source archive has a hash of its own.
PINS = "pins.txt"
PIN = re.compile(r"^[\w.-]+==[^\s;]+", re.MULTILINE)
NETWORK_HINT = "Look at pip's configuration (pip config list) and the network, then run this again."


def content_key(files: Iterable[Path]) -> str:
    """Return a short name for the content of these files under this Python."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def files_for(requirements: Path) -> list[Path]:
    """Return the files that determine what is installed for these requirements."""
    return [requirements, lock_of(requirements)]


def lock_of(requirements: Path) -> Path:
    """Return the lock file: every package for these requirements, pinned, with allowed hashes."""
    return requirements.with_suffix(".lock")


def pins(lock: Path) -> str:
    """Return the lock's packages and versions, one per line."""
    return "".join(f"{pin}\n" for pin in PIN.findall(lock.read_text()))


def is_current(venv: Path, requirements: Path) -> bool:
    """Whether `venv` matches these requirements as they are now (or those for tests)."""
    stamp = _stamp(venv, requirements)
    key = content_key(files_for(requirements))
    if (venv / "bin/python").exists() and stamp.exists() and stamp.read_text() == key:
        return True
    return requirements == RUN and is_current(venv, DEV)


def make_environment(venv: Path, requirements: Path, log: Path) -> None:
    """Create or update `venv` from the wheel cache; fill the cache first if it is new."""
    _create(venv, log)
    wheels = _filled_cache(venv, requirements, log)
    source = ("--no-index", "--find-links", wheels, "--no-deps")
    _run_pip(_pip(venv, "install", *source, "-r", wheels / PINS), log)
    _stamp(venv, requirements).write_text(content_key(files_for(requirements)))


def modules_environment() -> Path:
    """Return the path of the environment with the official Ansible modules, shared by checkouts."""
    return cache_dir() / f"modules-venv-{content_key(files_for(MODULES))}"


def _stamp(venv: Path, requirements: Path) -> Path:
    return venv / f".made-from-{requirements.stem}"


def _pip(venv: Path, *arguments: str | Path) -> list[str | Path]:
    return [venv / "bin/python", "-m", "pip", "--disable-pip-version-check", *arguments]


def _run_pip(command: list[str | Path], log: Path) -> None:
    # a find-links folder of the machine would hide a wheel that is missing from our cache
    environment = {k: v for k, v in os.environ.items() if k != "PIP_FIND_LINKS"}
    offline = "--no-index" in command
    run_logged(command, log, NETWORK_HINT, environment if offline else None, READABLE)


def _create(venv: Path, log: Path) -> None:
    if not (venv / "bin/python").exists():
        hint = "Is there room on the disk, and is python3-venv installed?"
        run_logged([sys.executable, "-m", "venv", venv], log, hint, umask=READABLE)
    if not read_output([venv / "bin/python", "-c", "import pip; print(pip)"]):
        raise SetupFailed(
            f"{venv} has no working pip.", f"Delete it and run this again: rm -r {venv}"
        )


def _filled_cache(venv: Path, requirements: Path, log: Path) -> Path:
    """Return the wheel folder for these requirements; it gets its name only when complete."""
    wheels = cache_dir() / "wheels" / content_key(files_for(requirements))
    if not wheels.is_dir():
        fill(venv, requirements, wheels, log)
    return wheels


def fill(venv: Path, requirements: Path, wheels: Path, log: Path) -> None:
    """Fill the wheel folder: files with a hash of the lock, or built from such files."""
    lock = lock_of(requirements)
    filling = wheels.with_name(f"{wheels.name}.{os.getpid()}")
    with readable_by_all():
        filling.mkdir(parents=True)
        (filling / PINS).write_text(pins(lock))
    try:
        wanted = ("--require-hashes", "--no-deps", "-r", lock)
        _run_pip(_pip(venv, "wheel", "--wheel-dir", filling, *wanted), log)
        filling.rename(wheels)
    except FileExistsError:
        pass  # another run filled it in the meantime
    finally:
        shutil.rmtree(filling, ignore_errors=True)
