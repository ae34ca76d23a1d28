"""Marks the folders that set-up may use and remove, and makes them private.

A name given by hand (`WINUX_DEMO_DIR`) may be a folder with unrelated files. Such a folder is
never used, and a folder without our marker is never removed.
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
#: Entries that set-up, tests and benchmarks create in `var/`, with reserved names.
IN_VAR = ("attack", "bench", "chaos", "demo", "demo.json", "fuzz", "logs", "test", "test-artifacts")
PRIVATE, READABLE = 0o077, 0o022
#: The comment that identifies a key created by set-up (setup/template.py).
KEY_COMMENT = "winux"


def claim(folder: Path, setting: str) -> None:
    """Create `folder` if it is missing and mark it; SetupFailed if it has unrelated files."""
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
    """Create a folder that only its owner can enter, or restrict an existing one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & PRIVATE:
        folder.chmod(0o700)


def remove(folder: Path) -> bool:
    """Remove a folder with its contents if it is ours; return whether the path is now free."""
    if not folder.is_symlink() and _is_ours(folder):
        shutil.rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)


def remove_var() -> list[Path]:
    """Remove our files in `var/`, and that folder if it is empty; return what was left."""
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
    """Create files that the portal's programs can read under a service's account."""
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
    """Whether set-up created this key; an operator's own key opens a real portal's desktops."""
    words = public.read_text().split() if public.is_file() else []
    return words[2:] == [KEY_COMMENT]
