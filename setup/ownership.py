"""Which folders on this machine are ours to use and to remove, and that nobody else can read them.

A name given by hand (`WINUX_DEMO_DIR`) may be a folder with somebody's files. Such a folder is
never used, and what has no marker of ours is never removed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from setup.failure import SetupFailed
from setup.settings import CHECKOUT

MARKER = ".made-by-winux"
VAR = CHECKOUT / "var"
#: What set-up, tests and benchmarks make in `var/`, with names of their own.
IN_VAR = ("attack", "bench", "chaos", "demo", "demo.json", "fuzz", "logs", "test", "test-artifacts")
PRIVATE, READABLE = 0o077, 0o022
#: The comment by which a key that set-up made is known (setup/template.py).
KEY_COMMENT = "winux"


def claim(folder: Path, setting: str) -> None:
    """Make `folder` if it is missing and mark it; SetupFailed if it has files of somebody else."""
    if not _is_ours(folder) and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SetupFailed(
            f"{folder} has files that Winux did not make, and `make clean` would remove them.",
            f"Choose a folder that is empty or not there yet: {setting}=…",
        )
    make_private(folder)
    marker = folder / MARKER
    marker.touch(mode=0o600)
    marker.chmod(0o600)
    marker.write_text("Made by Winux. `make clean` removes this folder.\n")


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can enter, or close one that was open to others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & PRIVATE:
        folder.chmod(0o700)


def remove(folder: Path) -> bool:
    """Remove a folder with all that is in it if it is ours; whether nothing is there now."""
    if not folder.is_symlink() and _is_ours(folder):
        shutil.rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)


def remove_var() -> list[Path]:
    """Remove what is ours in `var/`, and that folder if nothing else is there; what was left."""
    for path in VAR.iterdir() if VAR.is_dir() else ():
        if path.is_symlink() or not _is_ours(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    if not VAR.is_dir():
        return []
    left = sorted(VAR.iterdir())
    if not left:
        VAR.rmdir()
    return left


@contextmanager
def readable_by_all() -> Iterator[None]:
    """For the programs of the portal, which a service's account must be able to read."""
    before = os.umask(READABLE)
    try:
        yield
    finally:
        os.umask(before)


def _is_ours(path: Path) -> bool:
    if (path / MARKER).is_file():
        return True
    if path.parent != VAR:
        return VAR in path.parents
    if path.name.startswith("guest_key"):
        return _is_own_key(VAR / "guest_key.pub")
    return path.name in IN_VAR or path.name.startswith("test-lab")


def _is_own_key(public: Path) -> bool:
    """Whether set-up made this key; one that an operator made opens a real portal's desktops."""
    words = public.read_text().split() if public.is_file() else []
    return words[2:] == [KEY_COMMENT]
