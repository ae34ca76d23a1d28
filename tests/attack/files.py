"""Another account of the portal's host, which reads every accessible file."""

from pathlib import Path

from tests.attack.catalogue import attack
from tests.attack.promise import Broken
from tests.attack.target import Target


@attack(
    "files: what other accounts of the host may open",
    "nothing that the portal's processes wrote, and not the lab node's folder",
    quick=True,
)
def open_files(target: Target) -> str:
    folder = target.settings.folder
    found = [path for path in below(folder, target.settings.lab) if is_open(path)]
    if found:
        names = ", ".join(str(path.relative_to(folder)) for path in found[:5])
        raise Broken(f"{len(found)} files are open to others: {names}")
    count = sum(1 for _ in below(folder, target.settings.lab))
    return f"{count} files and folders, all closed to others"


def below(folder: Path, but: Path) -> list[Path]:
    """Return a folder and all in it, except the contents of `but` (the desktops' own files)."""
    found = [path for path in folder.rglob("*") if but not in path.parents]
    return [folder, *(path for path in found if not path.is_symlink())]


def is_open(path: Path) -> bool:
    try:
        return bool(path.lstat().st_mode & 0o077)
    except FileNotFoundError:  # removed meanwhile
        return False
